// SPDX-License-Identifier: MIT
/// @file text/utf8.hpp
/// UTF-8, one character at a time, with one rule for what is ill-formed.
#pragma once

#include <cstring>
#include <string>
#include <string_view>

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {

/// One character of a text, or one ill-formed sequence.
struct utf8_char {
  char32_t code = 0xFFFD;   ///< U+FFFD where ill-formed
  std::uint8_t length = 0;  ///< bytes taken
  bool well_formed = false;
};

/// The character at byte `at`. An ill-formed sequence is as long as its longest part that could begin a
/// character, and one byte at least: the "maximal subpart" of the Unicode Standard (section 3.9), which is
/// what decoders replace by one U+FFFD. Precondition: `at < text.size()`.
[[nodiscard]] constexpr utf8_char decode_utf8(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  if (lead < 0xC2 || lead > 0xF4) return {0xFFFD, 1, false};
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  char32_t code = lead & (length == 2 ? 0x1Fu : length == 3 ? 0x0Fu : 0x07u);
  for (std::size_t i = 1; i < length; ++i) {
    const unsigned next = at + i < text.size() ? byte(i) : 0u;
    unsigned low = 0x80, high = 0xBF;
    if (i == 1) {  // no overlong forms, no surrogates, nothing above U+10FFFF
      if (lead == 0xE0) low = 0xA0;
      if (lead == 0xED) high = 0x9F;
      if (lead == 0xF0) low = 0x90;
      if (lead == 0xF4) high = 0x8F;
    }
    if (next < low || next > high) return {0xFFFD, static_cast<std::uint8_t>(i), false};
    code = (code << 6) | (next & 0x3Fu);
  }
  return {code, static_cast<std::uint8_t>(length), true};
}

/// Offset of the first byte from `from` on that is not ASCII; the size of the text when there is none.
[[nodiscard]] inline std::size_t find_non_ascii(std::string_view text, std::size_t from = 0) noexcept {
  std::size_t i = from;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + i, 8);
    if ((word & 0x8080808080808080u) != 0) break;
  }
  while (i < text.size() && static_cast<unsigned char>(text[i]) < 0x80) ++i;
  return i;
}

/// Offset of the first ill-formed sequence from `from` on, which is a character's begin; the size of the text
/// when there is none.
[[nodiscard]] inline std::size_t find_ill_formed(std::string_view text, std::size_t from = 0) noexcept {
  const auto continues = [text](std::size_t i) {
    return (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80;
  };
  for (std::size_t i = find_non_ascii(text, from); i < text.size(); i = find_non_ascii(text, i)) {
    // Most characters by two comparisons; what is left is decided by `decode_utf8`.
    for (; i + 2 < text.size();) {
      const unsigned lead = static_cast<unsigned char>(text[i]);
      const bool two = lead >= 0xC2 && lead <= 0xDF, three = lead >= 0xE1 && lead <= 0xEC;
      if (!(two || three) || !continues(i + 1) || (three && !continues(i + 2))) break;
      i += two ? 2 : 3;
    }
    if (i == text.size() || static_cast<unsigned char>(text[i]) < 0x80) continue;
    const utf8_char c = decode_utf8(text, i);
    if (!c.well_formed) return i;
    i += c.length;
  }
  return text.size();
}

[[nodiscard]] inline bool is_utf8(std::string_view text) noexcept {
  return find_ill_formed(text) == text.size();
}

/// How many characters a text has; an ill-formed sequence is one.
[[nodiscard]] inline std::size_t count_characters(std::string_view text) noexcept {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = find_non_ascii(text, i);
    count += end - i;
    i = end;
    while (i < text.size() && static_cast<unsigned char>(text[i]) >= 0x80) {
      i += decode_utf8(text, i).length;
      ++count;
    }
  }
  return count;
}

/// Appends a code point. Precondition: a scalar value.
inline void append_utf8(std::string& out, char32_t code) {
  const auto put = [&out](char32_t byte) {
    out.push_back(static_cast<char>(static_cast<unsigned char>(byte)));
  };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

/// Appends `text` with every ill-formed sequence replaced by U+FFFD.
inline void append_lossy(std::string& out, std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t bad = find_ill_formed(text, i);
    out.append(text.substr(i, bad - i));
    if (bad == text.size()) return;
    append_utf8(out, 0xFFFD);
    i = bad + decode_utf8(text, bad).length;
  }
}

}  // namespace v0
}  // namespace lagom
