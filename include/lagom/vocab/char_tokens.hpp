// SPDX-License-Identifier: MIT
/// @file vocab/char_tokens.hpp
/// The tokens that are single characters.
#pragma once

#include <array>
#include <vector>

#include "../text/utf8.hpp"
#include "token_table.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// The token of each character, by code point: blocks of 64, those without a token stored once.
class char_tokens {
 public:
  char_tokens() = default;

  explicit char_tokens(const token_table& tokens) {
    for (token_id id = 0; id < tokens.size(); ++id) {
      const std::string_view text = tokens[id];
      if (text.empty() || text.size() > 4) continue;
      const utf8_char c = decode_utf8(text, 0);
      if (!c.well_formed || c.length != text.size()) continue;
      std::uint16_t& block = block_of_[c.code >> 6];
      if (block == 0) {
        block = static_cast<std::uint16_t>(tokens_.size() >> 6);
        tokens_.resize(tokens_.size() + 64, no_token);
      }
      tokens_[(std::size_t{block} << 6) | (c.code & 63)] = id;
    }
  }

  /// The token that is this character; `no_token` when there is none.
  [[nodiscard]] token_id operator[](char32_t code) const noexcept {
    return tokens_[(std::size_t{block_of_[code >> 6]} << 6) | (code & 63)];
  }

 private:
  std::vector<std::uint16_t> block_of_ = std::vector<std::uint16_t>(0x110000 >> 6);
  std::vector<token_id> tokens_ = std::vector<token_id>(64, no_token);
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
