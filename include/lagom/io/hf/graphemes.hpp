// SPDX-License-Identifier: MIT
/// @file io/hf/graphemes.hpp
/// User-perceived characters: where they end.
#pragma once

#include "unicode.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// A code point, or another one of the same kind in the eyes of UAX 29, for those that utf8proc's version of
/// Unicode lacks.
[[nodiscard]] inline utf8proc_int32_t known_to_utf8proc(char32_t code) noexcept {
  const auto* const at = std::upper_bound(std::begin(assigned_late), std::end(assigned_late), code,
                                          [](char32_t c, const category_range& r) { return c < r.first; });
  if (at != std::begin(assigned_late) && code <= at[-1].last) {
    if (at[-1].major == 'M') return at[-1].minor == 'c' ? 0x903 : 0x300;
    if (at[-1].major == 'C') return 0x200E;
  }
  return static_cast<utf8proc_int32_t>(code);
}

/// The end of the extended grapheme cluster (UAX 29) that begins at `at`. `text` is valid UTF-8.
[[nodiscard]] inline std::size_t end_of_grapheme(std::string_view text, std::size_t at) noexcept {
  utf8_char c = decode_utf8(text, at);
  utf8proc_int32_t before = known_to_utf8proc(c.code), state = 0;
  for (at += c.length; at < text.size(); at += c.length) {
    c = decode_utf8(text, at);
    const utf8proc_int32_t code = known_to_utf8proc(c.code);
    if (utf8proc_grapheme_break_stateful(before, code, &state)) break;
    before = code;
  }
  return at;
}

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
