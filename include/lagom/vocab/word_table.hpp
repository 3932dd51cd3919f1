// SPDX-License-Identifier: MIT
/// @file vocab/word_table.hpp
/// Words that are a token each.
#pragma once

#include <algorithm>
#include <vector>

#include "tag_index.hpp"
#include "token_table.hpp"
#include "word_key.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// Finds the token of a word that is known to be one token as a whole: a `tag_index` of the tokens that are.
/// 8 to 16 bytes a token.
class word_table {
 public:
  word_table() = default;

  /// Of the tokens that `is_word[id]` marks, whose texts are not empty.
  word_table(const token_table& tokens, const std::vector<std::uint8_t>& is_word) : index_(is_word.size()) {
    for (std::size_t i = 0; i < is_word.size(); ++i) {
      if (is_word[i] == 0) continue;
      const std::string_view text = tokens[static_cast<token_id>(i)];
      longest_ = (std::max)(longest_, text.size());
      index_.add(hash(text), static_cast<std::uint32_t>(i));
    }
  }

  /// Fetches what `find` reads first, to be there when it is called.
  void prefetch(std::string_view word) const noexcept {
    if (!word.empty()) index_.prefetch(hash(word));
  }

  /// The token that the word is; `no_token` when it is none, or one that was not marked.
  [[nodiscard]] token_id find(const token_table& tokens, std::string_view word) const noexcept {
    if (word.empty() || word.size() > longest_) return no_token;
    const std::uint32_t found =
        index_.find(hash(word), [&](std::uint32_t i) { return tokens[static_cast<token_id>(i)] == word; });
    return found == detail::tag_index::none ? no_token : static_cast<token_id>(found);
  }

 private:
  static std::uint64_t hash(std::string_view word) noexcept {
    return detail::word_key::of_any(word, word.size()).hash();
  }

  detail::tag_index index_;
  std::size_t longest_ = 0;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
