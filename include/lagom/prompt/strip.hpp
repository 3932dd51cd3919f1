// SPDX-License-Identifier: MIT
/// @file prompt/strip.hpp
/// Texts without the white space at their ends.
#pragma once

#include "../text/utf8.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// White space of Unicode and the ASCII separators: what Python's `str.strip` and Jinja's `trim` take off.
[[nodiscard]] constexpr bool is_space(char32_t c) noexcept {
  return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}
/// A text without the blanks at its ends.
[[nodiscard]] constexpr std::string_view strip(std::string_view text, bool left = true,
                                               bool right = true) noexcept {
  while (left && !text.empty()) {
    const utf8_char c = decode_utf8(text, 0);
    if (!is_space(c.code)) break;
    text.remove_prefix(c.length);
  }
  while (right && !text.empty()) {
    std::size_t begin = text.size() - 1;
    while (begin > 0 && text.size() - begin < 3 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80)
      --begin;
    const utf8_char c = decode_utf8(text, begin);
    if (!is_space(c.code) || begin + c.length != text.size()) break;
    text.remove_suffix(c.length);
  }
  return text;
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
