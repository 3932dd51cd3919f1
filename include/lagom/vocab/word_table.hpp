// SPDX-License-Identifier: MIT
/// @file vocab/word_table.hpp
/// Words that are a token each.
#pragma once

#include <algorithm>
#include <vector>

#include "token_table.hpp"
#include "word_key.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// Finds the token of a word that is known to be one token as a whole: an open hash that holds the bytes of
/// words up to 16 bytes, and asks the vocabulary about longer ones. 48 bytes a token.
class word_table {
 public:
  word_table() = default;

  /// Of the tokens that `is_word[id]` marks, whose texts are not empty.
  word_table(const token_table& tokens, std::vector<std::uint8_t> is_word) : is_word_(std::move(is_word)) {
    std::size_t count = 0, capacity = 2;
    for (const std::uint8_t w : is_word_) count += w;
    while (capacity < 2 * count) capacity *= 2;
    entries_.resize(capacity);
    for (std::size_t i = 0; i < is_word_.size(); ++i) {
      if (is_word_[i] == 0) continue;
      const auto id = static_cast<token_id>(i);
      const std::string_view text = tokens[id];
      longest_ = std::max(longest_, text.size());
      if (text.size() > detail::word_key::longest) continue;
      const detail::word_key key = detail::word_key::of(text, text.size());
      std::size_t at = key.hash() & (capacity - 1);
      while (entries_[at].token != no_token) at = (at + 1) & (capacity - 1);
      entries_[at] = {key, id, static_cast<std::uint32_t>(text.size())};
    }
  }

  /// The token that the word is; `no_token` when it is none, or one that was not marked.
  [[nodiscard]] token_id find(const token_table& tokens, std::string_view word) const noexcept {
    if (word.empty() || word.size() > longest_) return no_token;
    if (word.size() > detail::word_key::longest) {
      const token_id id = tokens.find(word);
      return id != no_token && is_word_[static_cast<std::size_t>(id)] != 0 ? id : no_token;
    }
    const detail::word_key key = detail::word_key::of(word, word.size());
    std::size_t at = key.hash() & (entries_.size() - 1);
    for (; entries_[at].token != no_token; at = (at + 1) & (entries_.size() - 1)) {
      if (entries_[at].key == key && entries_[at].size == word.size()) return entries_[at].token;
    }
    return no_token;
  }

 private:
  struct entry {
    detail::word_key key{};
    token_id token = no_token;
    std::uint32_t size = 0;
  };

  std::vector<entry> entries_;
  std::vector<std::uint8_t> is_word_;
  std::size_t longest_ = 0;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
