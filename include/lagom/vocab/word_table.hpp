// SPDX-License-Identifier: MIT
/// @file vocab/word_table.hpp
/// Words that are a token each.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "token_table.hpp"
#include "word_key.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// Finds the token of a word that is known to be one token as a whole: an open hash, half full at most, that
/// holds the bytes of words up to 12 bytes, four words a cache line, and asks the vocabulary about longer ones.
/// 32 to 64 bytes a token.
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
      longest_ = (std::max)(longest_, text.size());
      if (!is_short(text)) continue;
      const entry e = entry_of(text, id);
      std::size_t at = home(e);
      while (entries_[at].token != no_token) at = (at + 1) & (capacity - 1);
      entries_[at] = e;
    }
  }

  /// The token that the word is; `no_token` when it is none, or one that was not marked.
  [[nodiscard]] token_id find(const token_table& tokens, std::string_view word) const noexcept {
    if (word.empty() || word.size() > longest_) return no_token;
    if (!is_short(word)) {
      const token_id id = tokens.find(word);
      return id != no_token && is_word_[static_cast<std::size_t>(id)] != 0 ? id : no_token;
    }
    const entry e = entry_of(word, no_token);
    std::size_t at = home(e);
    for (; entries_[at].token != no_token; at = (at + 1) & (entries_.size() - 1)) {
      if (entries_[at].words == e.words) return entries_[at].token;
    }
    return no_token;
  }

 private:
  struct entry {
    std::array<std::uint32_t, 3> words{};  // the bytes, zeros after them
    token_id token = no_token;
  };

  /// Of texts that do not end with a zero, the bytes tell the size.
  static bool is_short(std::string_view text) noexcept { return text.size() <= 12 && text.back() != '\0'; }

  static entry entry_of(std::string_view text, token_id token) noexcept {
    const detail::word_key key = detail::word_key::of(text, text.size());
    entry out;
    std::memcpy(out.words.data(), key.words.data(), sizeof out.words);
    out.token = token;
    return out;
  }
  [[nodiscard]] std::size_t home(const entry& e) const noexcept {
    const std::uint64_t front = std::uint64_t{e.words[1]} << 32 | e.words[0];
    return detail::word_key::mix(front, e.words[2]) & (entries_.size() - 1);
  }

  std::vector<entry> entries_;
  std::vector<std::uint8_t> is_word_;
  std::size_t longest_ = 0;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
