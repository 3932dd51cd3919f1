// SPDX-License-Identifier: MIT
// What a model loses on a text, in nats a byte: tokenizations of any length compare.
#pragma once

#include <lagom/lagom.hpp>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "decoder/decoder.hpp"
#include "support/parallel.hpp"
#include "support/progress.hpp"

namespace expand_vocabulary {

struct text_loss {
  double nats = 0;
  std::uint64_t bytes = 0, tokens = 0, lines = 0;
  double new_mass = 0;  // probability that went to `fresh` tokens, summed over positions

  void merge(const text_loss& other) {
    nats += other.nats;
    bytes += other.bytes;
    tokens += other.tokens;
    lines += other.lines;
    new_mass += other.new_mass;
  }
  [[nodiscard]] double per_byte() const {
    return bytes > 0 ? nats / static_cast<double>(bytes) : std::numeric_limits<double>::quiet_NaN();
  }
  [[nodiscard]] double tokens_per_line() const {
    return lines > 0 ? static_cast<double>(tokens) / static_cast<double>(lines) : 0;
  }
};

// -sum log p(token | start, tokens before) of every line, each read after `start` (a model's token for the
// beginning of a text). A line longer than the context is read in pieces, each after `start` again. Deterministic
// for any number of threads.
template <class Tokenizer>
[[nodiscard]] lagom::result<text_loss> held_out_loss(const decoder::model<float>& model,
                                                     const Tokenizer& tokenizer, lagom::token_id start,
                                                     const std::vector<lagom::token_id>& fresh,
                                                     const std::vector<std::string>& lines, unsigned threads,
                                                     const std::string& what) {
  std::vector<text_loss> parts(lines.size());
  std::optional<lagom::failure> failed;
  std::mutex one;
  support::progress bar(what, lines.size());
  const auto context = static_cast<std::size_t>(model.config().context);
  support::parallel(lines.size(), threads, [&](std::size_t i) {
    text_loss& part = parts[i];
    part.lines = 1;
    part.bytes = lines[i].size();
    std::vector<lagom::token_id> tokens;
    tokenizer.encode(lines[i], [&](lagom::token_id t) { tokens.push_back(t); });
    part.tokens = tokens.size();
    for (std::size_t from = 0; from < tokens.size(); from += context - 1) {
      const std::size_t n = std::min(tokens.size() - from, context - 1);
      std::vector<lagom::token_id> input{start};
      input.insert(input.end(), tokens.begin() + static_cast<std::ptrdiff_t>(from),
                   tokens.begin() + static_cast<std::ptrdiff_t>(from + n - 1));
      auto cache = model.make_cache(input.size());
      const decoder::feed<float> feed{&cache, input};
      auto ran = model.forward(std::span(&feed, 1), [&](const decoder::block_states<float>& states) {
        if (states.layer != lagom::layer_index(model.config().layers - 1)) return false;
        model.with_head([&](const auto& head) {
          for (std::size_t r = 0; r < n; ++r) {
            const auto hidden = states.hidden.row(static_cast<lagom::index_t>(r));
            const double all = lagom::unembed(lagom::portable{}, hidden, head).log_sum_exp();
            const auto of = [&](const lagom::token_id* list, std::size_t size) -> double {
              return lagom::unembed_rows(lagom::portable{}, hidden, head,
                                         lagom::vec_view<const lagom::token_id>(list, size))
                  .log_sum_exp();
            };
            part.nats += all - of(&tokens[from + r], 1);
            if (!fresh.empty()) part.new_mass += std::exp(of(fresh.data(), fresh.size()) - all);
          }
        });
        return false;
      });
      if (!ran) {
        const std::lock_guard hold(one);
        failed = ran.error();
        return;
      }
    }
    bar.advance();
  });
  if (failed) return *failed;
  text_loss sum;
  for (const text_loss& part : parts) sum.merge(part);
  return sum;
}

}  // namespace expand_vocabulary
