// SPDX-License-Identifier: MIT
/// @file vocab/byte_name.hpp
/// How vocabularies spell the tokens of single bytes: "<0x41>".
#pragma once

#include <string>
#include <string_view>

namespace lagom {
inline namespace v0 {
namespace vocab {

/// "<0x00>" ... "<0xFF>". Precondition: `byte` < 256.
[[nodiscard]] inline std::string byte_name(unsigned byte) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  return {'<', '0', 'x', hex[byte / 16], hex[byte % 16], '>'};
}

/// The byte that a text names; -1 for other texts.
[[nodiscard]] inline int named_byte(std::string_view text) noexcept {
  if (text.size() != 6 || text.substr(0, 3) != "<0x" || text[5] != '>') return -1;
  constexpr std::string_view hex = "0123456789ABCDEF";
  const std::size_t high = hex.find(text[3]), low = hex.find(text[4]);
  if (high == std::string_view::npos || low == std::string_view::npos) return -1;
  return static_cast<int>(16 * high + low);
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
