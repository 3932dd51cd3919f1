// SPDX-License-Identifier: MIT
/// @file prompt/match_header.hpp
/// Whether a line begins with a header, as strictly or as tolerantly as asked, and what was tolerated.
#pragma once

#include "../text/utf8.hpp"
#include "grammar.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// How much a header may differ from its spelling; each level allows what the one before does.
enum class matching : std::uint8_t {
  exact,        ///< byte for byte, with the grammar's own separators: what the builder writes
  width,        ///< full-width and half-width forms, any colon, blanks before a colon
  nfc,          ///< the decomposed spelling
  letter_case,  ///< upper and lower case of Latin, Greek and Cyrillic; any number of blanks for one
};

/// What was tolerated, as a set of bits.
enum class deviation : std::uint16_t {
  none = 0,
  width = 1,         ///< another width or another colon
  spaced_colon = 2,  ///< blanks before the colon
  decomposed = 4,    ///< the NFD spelling
  letter_case = 8,   ///< other upper and lower case
  blanks = 16,       ///< more blanks inside
  indent = 32,       ///< blanks before the header
  header_end = 64,   ///< what follows the header is not the grammar's `header_end`
  separator = 128,   ///< what stands before the header is not the grammar's `separator`
};
[[nodiscard]] constexpr deviation operator|(deviation a, deviation b) noexcept {
  return static_cast<deviation>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr deviation& operator|=(deviation& a, deviation b) noexcept { return a = a | b; }
[[nodiscard]] constexpr bool has(deviation set, deviation one) noexcept {
  return (static_cast<unsigned>(set) & static_cast<unsigned>(one)) != 0;
}

/// What is known of a line whose first bytes are at hand.
struct header_match {
  enum class state : std::uint8_t {
    no,       ///< it does not begin with the header
    partial,  ///< it does so far
    full,     ///< it does: the header is its first `length` bytes
  };
  state is = state::no;
  std::size_t length = 0;
  deviation tolerated = deviation::none;
};

namespace detail {

[[nodiscard]] constexpr bool is_colon(char32_t c) noexcept {
  return c == U':' || c == 0xFF1A || c == 0xFE55 || c == 0xFE13;
}
[[nodiscard]] constexpr bool is_blank(char32_t c) noexcept {
  return c == U' ' || c == 0xA0 || c == 0x202F || c == 0x3000;
}
/// ASCII for its full-width form.
[[nodiscard]] constexpr char32_t narrow(char32_t c) noexcept {
  if (is_colon(c)) return U':';
  if (is_blank(c)) return U' ';
  return c >= 0xFF01 && c <= 0xFF5E ? c - 0xFF01 + 0x21 : c;
}
/// Lower case of ASCII, Latin-1, Latin Extended-A, Greek and Cyrillic letters.
[[nodiscard]] constexpr char32_t lower(char32_t c) noexcept {
  if (c >= U'A' && c <= U'Z') return c + 32;
  if (c < 0xC0) return c;
  if (c <= 0xDE) return c == 0xD7 ? c : c + 32;
  if (c >= 0x100 && c <= 0x17F) {
    if (c == 0x130 || c == 0x131 || c == 0x138 || c == 0x149 || c == 0x17F) return c;
    if (c == 0x178) return 0xFF;
    const bool odd_upper = (c >= 0x139 && c <= 0x148) || c >= 0x179;
    return ((c & 1) != 0) == odd_upper ? c + 1 : c;
  }
  if (c >= 0x391 && c <= 0x3AB && c != 0x3A2) return c + 32;
  if (c == 0x386) return 0x3AC;
  if (c >= 0x388 && c <= 0x38A) return c + 37;
  if (c == 0x38C) return 0x3CC;
  if (c == 0x38E || c == 0x38F) return c + 63;
  if (c >= 0x410 && c <= 0x42F) return c + 32;
  if (c >= 0x400 && c <= 0x40F) return c + 80;
  return c;
}

}  // namespace detail

/// Whether `line` begins with `spelling`. With `whole` the line ends there; otherwise more bytes of it may come.
/// O(the length of the spelling, and of the blanks in the line).
[[nodiscard]] constexpr header_match match_spelling(std::string_view line, std::string_view spelling,
                                                    matching level, bool whole) noexcept {
  using state = header_match::state;
  header_match out;
  const auto ended = [&](std::size_t at) {  // the line ends within the header, maybe within a character
    return header_match{whole ? state::no : state::partial, at, out.tolerated};
  };
  std::size_t at = 0;
  for (std::size_t p = 0; p < spelling.size();) {
    const utf8_char want = decode_utf8(spelling, p);
    if (at == line.size()) return ended(at);
    utf8_char have = decode_utf8(line, at);
    if (!have.well_formed) return at + have.length == line.size() ? ended(at) : header_match{};
    if (level != matching::exact && detail::is_colon(want.code)) {
      for (; detail::is_blank(have.code); have = decode_utf8(line, at)) {
        out.tolerated |= deviation::spaced_colon;
        at += have.length;
        if (at == line.size()) return ended(at);
        const utf8_char next = decode_utf8(line, at);
        if (!next.well_formed) return at + next.length == line.size() ? ended(at) : header_match{};
      }
    }
    char32_t w = want.code, h = have.code;
    if (w != h && level != matching::exact && detail::narrow(w) == detail::narrow(h)) {
      out.tolerated |= deviation::width;
      h = w;
    }
    if (w != h && level == matching::letter_case &&
        detail::lower(detail::narrow(w)) == detail::lower(detail::narrow(h))) {
      out.tolerated |= deviation::letter_case;
      h = w;
    }
    if (w != h) return {};
    at += have.length;
    p += want.length;
    if (level == matching::letter_case && detail::is_blank(w)) {
      while (at < line.size() && detail::is_blank(decode_utf8(line, at).code)) {
        at += decode_utf8(line, at).length;
        out.tolerated |= deviation::blanks;
      }
    }
  }
  out.is = state::full;
  out.length = at;
  return out;
}

/// The same for both spellings of a header, where the level allows the second one; the better of the two.
[[nodiscard]] constexpr header_match match_header(std::string_view line, const header& h, matching level,
                                                  bool whole) noexcept {
  header_match first = match_spelling(line, h.text, level, whole);
  if (first.is == header_match::state::full || h.decomposed.empty() || level < matching::nfc) return first;
  header_match second = match_spelling(line, h.decomposed, level, whole);
  second.tolerated |= deviation::decomposed;
  return second.is > first.is ? second : first;
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
