// SPDX-License-Identifier: MIT
// Prompts and tokenizers to test with, given and generated.
#pragma once

#include <algorithm>
#include <lagom/core/random.hpp>
#include <lagom/core/tokenizer.hpp>
#include <lagom/prompt/segment_list.hpp>
#include <list>
#include <string>
#include <string_view>
#include <vector>

namespace lagom_test {

using lagom::prompt::segment_list;

// The draws of one generated case.
struct draws {
  std::uint64_t stream = 0, n = 0;
  std::size_t below(std::size_t bound) {
    return static_cast<std::size_t>(lagom::philox{20261122}.below(bound, stream, n++));
  }
  bool one_in(std::size_t n_) { return below(n_) == 0; }
  std::string text(std::string_view letters, std::size_t longest) {
    std::string out;
    for (std::size_t k = 1 + below(longest); k > 0; --k) out += letters[below(letters.size())];
    return out;
  }
};

// The longest token that the text goes on with; the first `controls` tokens are control tokens, then come all bytes.
struct greedy_tokenizer {
  std::vector<std::string> tokens;
  std::size_t controls = 0;

  explicit greedy_tokenizer(std::vector<std::string> control = {}, const std::vector<std::string>& words = {})
      : tokens(std::move(control)), controls(tokens.size()) {
    for (int b = 0; b < 256; ++b) tokens.emplace_back(1, static_cast<char>(b));
    tokens.insert(tokens.end(), words.begin(), words.end());
  }
  [[nodiscard]] std::size_t longest(std::string_view text, bool plain) const {
    std::size_t best = tokens.size();
    for (std::size_t i = plain ? controls : 0; i < tokens.size(); ++i) {
      if (text.substr(0, tokens[i].size()) != tokens[i]) continue;
      if (best == tokens.size() || (best >= controls && i < controls) ||
          tokens[i].size() > tokens[best].size()) {
        best = i;
      }
    }
    return best;
  }
  template <class Sink>
  void run(std::string_view text, bool plain, Sink&& sink) const {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t t = longest(text.substr(at), plain);
      sink(static_cast<lagom::token_id>(t), at, at + tokens[t].size());
      at += tokens[t].size();
    }
  }
  template <class Sink>
  void encode(std::string_view text, Sink&& sink) const {
    run(text, false, [&](lagom::token_id id, std::size_t, std::size_t) { sink(id); });
  }
  template <class Sink>
  void encode_plain(std::string_view text, Sink&& sink) const {
    run(text, true, [&](lagom::token_id id, std::size_t, std::size_t) { sink(id); });
  }
  template <class Sink>
  bool encode_offsets(std::string_view text, Sink&& sink) const {
    run(text, false, sink);
    return true;
  }
  [[nodiscard]] bool is_control(lagom::token_id id) const { return static_cast<std::size_t>(id) < controls; }
  [[nodiscard]] std::string_view bytes_of(lagom::token_id id) const {
    return tokens[static_cast<std::size_t>(id)];
  }
  [[nodiscard]] lagom::index_t size() const { return static_cast<lagom::index_t>(tokens.size()); }
};

// A generated prompt, with its texts.
struct generated_prompt {
  std::list<std::string> texts;
  segment_list prompt;

  generated_prompt(draws& d, std::string_view letters, const std::vector<std::string>& words) {
    for (std::size_t n = d.below(8); n > 0; --n) {
      std::string text = d.text(letters, 6);
      while (d.one_in(2)) text += d.one_in(2) ? words[d.below(words.size())] : d.text(letters, 4);
      texts.push_back(std::move(text));
      prompt.all.push_back(
          {.text = texts.back(),
           .trained = d.one_in(2),
           .origin = d.one_in(2) ? lagom::prompt::origin::literal : lagom::prompt::origin::content});
    }
  }
};

}  // namespace lagom_test
