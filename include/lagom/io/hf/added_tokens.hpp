// SPDX-License-Identifier: MIT
/// @file io/hf/added_tokens.hpp
/// The "added_tokens" of a tokenizer.json: tokens found in the text before the model sees it.
#pragma once

#include <map>
#include <set>

#include "normalizer.hpp"
#include "token_finder.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

struct hf_added_token {
  std::string content{};
  std::string match{};  ///< what is looked for and what decoders see: the content, normalized if asked for
  bool single_word = false, lstrip = false, rstrip = false, normalized = false, special = false;
};

/// A part of a text: an added token, or text in between.
struct hf_stretch {
  std::size_t begin = 0, end = 0;
  token_id token = no_token;
};

class hf_added_tokens {
 public:
  /// Reads the list. `id_of(content)` is the model's id of a text, `model_count` how many tokens it has: a
  /// token that the model lacks takes the next free number, in the order of the list, as the reference does
  /// it.
  ///
  /// Fails with `bad_value` where the file says another id, and with `empty` where a content is normalized to
  /// nothing (the reference then finds it between all characters, and fails on most texts). Of two tokens
  /// that look for the same normalized text the one with the smaller id is found (the reference finds either,
  /// by chance).
  template <class IdOf>
  static result<hf_added_tokens> read(const hf_node& root, const hf_normalizer& normalizer, IdOf id_of,
                                      std::uint64_t model_count, std::uint64_t id_limit) {
    hf_added_tokens out;
    if (root.optional("added_tokens").is_null()) return out;
    auto list = root.list("added_tokens");
    if (!list) return list.error();
    hf_matcher matcher;
    std::uint64_t next = model_count;
    for (const hf_node& node : *list) {
      auto token = read_one(node);
      if (!token) return token.error();
      if (token->content.empty()) continue;
      auto given = node.count("id", id_limit);
      if (!given) return given.error();
      const token_id known = id_of(token->content), before = out.find(token->content);
      const std::uint64_t id = before != no_token  ? static_cast<std::uint64_t>(before)
                               : known != no_token ? static_cast<std::uint64_t>(known)
                                                   : next++;
      if (id != *given) {
        return failure{.code = errc::bad_value, .key = node.path_of("id"), .expected = id, .found = *given};
      }
      hf_normalized match{.text = token->content};
      if (token->normalized) normalizer(match, matcher);
      if (match.text.empty()) {
        return failure{.code = errc::empty, .key = node.path_of("content") + ", normalized,"};
      }
      token->match = match.text;
      if (token->special) out.specials_.insert(token->content);
      if (token->single_word && !out.word_) {
        auto word = hf_pattern::compile("[" + builtin_word_class() + "]");
        if (!word) return word.error();
        out.word_ = std::move(*word);
      }
      out.ids_[token->content] = static_cast<token_id>(id);
      out.tokens_[static_cast<token_id>(id)] = std::move(*token);
    }
    for (const auto& [id, token] : out.tokens_) {
      (token.normalized ? out.in_normalized_ : out.in_input_).add(token.match, id);
    }
    return out;
  }

  /// The added token of an id; null when there is none.
  [[nodiscard]] const hf_added_token* find(token_id id) const {
    const auto at = tokens_.find(id);
    return at == tokens_.end() ? nullptr : &at->second;
  }
  [[nodiscard]] token_id find(std::string_view content) const {
    const auto at = ids_.find(content);
    return at == ids_.end() ? no_token : at->second;
  }
  [[nodiscard]] bool is_special(std::string_view content) const { return specials_.contains(content); }
  [[nodiscard]] const std::map<token_id, hf_added_token>& tokens() const noexcept { return tokens_; }

  /// Appends the stretches of `text`, which is the input, or a normalized part of it. `plain`: special tokens are
  /// text like any other (the reference's `encode_special_tokens`).
  void find_in(std::string_view text, bool normalized, hf_matcher& matcher, std::vector<hf_stretch>& out,
               bool plain = false) const {
    std::size_t done = 0;
    (normalized ? in_normalized_ : in_input_)
        .for_each(text, [&](std::size_t begin, std::size_t end, token_id id) {
          const hf_added_token& token = tokens_.at(id);
          if (plain && is_special(token.content)) return;
          if (token.single_word) {
            const std::size_t before = begin > 0 ? begin_of_last(text, begin) : 0;
            if (begin > 0 && is_word(text.substr(before, begin - before), matcher)) return;
            if (end < text.size() && is_word(text.substr(end), matcher)) return;
          }
          if (token.lstrip) begin = begin < done ? done : before_space(text, begin, done);
          if (token.rstrip) end = end < done ? done : after_space(text, end);
          if (done < begin) out.push_back({done, begin, no_token});
          // The token before may have taken this one, with the spaces around it.
          if (begin < end) out.push_back({begin, end, id});
          done = end;
        });
    if (done != text.size()) out.push_back({done, text.size(), no_token});
  }

 private:
  hf_added_tokens() = default;

  static result<hf_added_token> read_one(const hf_node& node) {
    if (!node.value->is_object()) return node.fail(errc::wrong_type);
    hf_added_token out;
    auto content = node.text("content");
    if (!content) return content.error();
    out.content = *content;
    const std::pair<const char*, bool*> flags[] = {{"single_word", &out.single_word},
                                                   {"lstrip", &out.lstrip},
                                                   {"rstrip", &out.rstrip},
                                                   {"normalized", &out.normalized},
                                                   {"special", &out.special}};
    for (const auto& [key, value] : flags) {
      auto flag = node.flag(key);
      if (!flag) return flag.error();
      *value = *flag;
    }
    return out;
  }

  /// Where the character begins that ends at `end`, in valid UTF-8.
  static std::size_t begin_of_last(std::string_view text, std::size_t end) noexcept {
    do {
      --end;
    } while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80);
    return end;
  }
  [[nodiscard]] bool is_word(std::string_view text, hf_matcher& matcher) const {
    return word_->begins(text, matcher);
  }
  static std::size_t before_space(std::string_view text, std::size_t end, std::size_t floor) noexcept {
    while (end > floor) {
      const std::size_t begin = begin_of_last(text, end);
      if (!holds(white_space, decode_utf8(text, begin).code)) break;
      end = begin;
    }
    return end;
  }
  static std::size_t after_space(std::string_view text, std::size_t at) noexcept {
    while (at < text.size()) {
      const utf8_char c = decode_utf8(text, at);
      if (!holds(white_space, c.code)) break;
      at += c.length;
    }
    return at;
  }

  std::optional<hf_pattern> word_;  // one word character; there when a token asks for it
  hf_token_finder in_input_, in_normalized_;
  std::map<token_id, hf_added_token> tokens_;
  std::map<std::string, token_id, std::less<>> ids_;
  std::set<std::string, std::less<>> specials_;
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
