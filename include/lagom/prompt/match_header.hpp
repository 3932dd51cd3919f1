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
  width,        ///< full-width forms of ASCII, any colon, any blank, blanks before a colon
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
/// Lower case of Latin (Extended-B's Romanian, Vietnamese, Pan-Nigerian and other pairs in a row, Extended Additional),
/// of Greek with one accent at most and of Cyrillic letters. The four i of Turkish are one, and so are the two small
/// sigmas. No letter but the i changes its length in UTF-8.
[[nodiscard]] constexpr char32_t lower(char32_t c) noexcept {
  if (c >= U'A' && c <= U'Z') return c + 32;
  if (c < 0xC0) return c;
  if (c <= 0xDE) return c == 0xD7 ? c : c + 32;
  const auto pairs = [c](bool odd_upper) { return ((c & 1) != 0) == odd_upper ? c + 1 : c; };
  if (c >= 0x100 && c <= 0x17F) {
    if (c == 0x130 || c == 0x131) return U'i';
    if (c == 0x138 || c == 0x149 || c == 0x17F) return c;
    if (c == 0x178) return 0xFF;
    return pairs((c >= 0x139 && c <= 0x148) || c >= 0x179);
  }
  if (c == 0x181) return 0x253;
  if (c == 0x18A) return 0x257;
  if (c == 0x198 || (c >= 0x1A0 && c <= 0x1A5)) return pairs(false);
  if (c == 0x1AF || (c >= 0x1B3 && c <= 0x1B6) || (c >= 0x1CD && c <= 0x1DC)) return pairs(true);
  if ((c >= 0x1DE && c <= 0x1EF) || (c >= 0x1F8 && c <= 0x21F) || (c >= 0x222 && c <= 0x233))
    return pairs(false);
  if (c >= 0x391 && c <= 0x3AB && c != 0x3A2) return c + 32;
  if (c == 0x3C2) return 0x3C3;
  if (c == 0x386) return 0x3AC;
  if (c >= 0x388 && c <= 0x38A) return c + 37;
  if (c == 0x38C) return 0x3CC;
  if (c == 0x38E || c == 0x38F) return c + 63;
  if (c >= 0x410 && c <= 0x42F) return c + 32;
  if (c >= 0x400 && c <= 0x40F) return c + 80;
  if ((c >= 0x460 && c <= 0x481) || (c >= 0x48A && c <= 0x4BF) || (c >= 0x4D0 && c <= 0x52F))
    return pairs(false);
  if (c == 0x4C0) return 0x4CF;
  if (c >= 0x4C1 && c <= 0x4CE) return pairs(true);
  if ((c >= 0x1E00 && c <= 0x1E95) || (c >= 0x1EA0 && c <= 0x1EFF)) return pairs(false);
  return c;
}

/// Whether a byte goes on with a character.
[[nodiscard]] constexpr bool is_tail(char byte) noexcept {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}
/// Whether the last character of a text, which is not empty, is a blank.
[[nodiscard]] constexpr bool ends_in_blank(std::string_view text) noexcept {
  std::size_t last = text.size() - 1;
  while (last > 0 && is_tail(text[last])) --last;
  return is_blank(decode_utf8(text, last).code);
}

/// Whether the first bytes of a character, at the end of a text, may become one that stands for `want`.
[[nodiscard]] constexpr bool may_become(std::string_view bytes, char32_t want, bool blank_too, bool folded,
                                        bool any_case) noexcept {
  const auto lead = static_cast<unsigned char>(bytes[0]);
  if (lead < 0xC2 || lead > 0xF4) return false;
  const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (bytes.size() >= length) return false;
  char32_t first = lead & (length == 2 ? 0x1Fu : length == 3 ? 0x0Fu : 0x07u);
  for (std::size_t i = 1; i < bytes.size(); ++i)
    first = (first << 6) | (static_cast<unsigned char>(bytes[i]) & 0x3Fu);
  const std::size_t open = 6 * (length - bytes.size());
  const auto covers = [&](char32_t c) { return c >= 0x80 && (c >> open) == first; };
  if (covers(want)) return true;
  if (folded) {
    if (is_colon(want) && (covers(0xFF1A) || covers(0xFE55) || covers(0xFE13))) return true;
    blank_too = blank_too || is_colon(want) || is_blank(want);
    if (blank_too && (covers(0xA0) || covers(0x202F) || covers(0x3000))) return true;
    const bool letter = (want | 0x20u) >= U'a' && (want | 0x20u) <= U'z';
    if (want > 0x20 && want < 0x7F && covers(want - 0x21 + 0xFF01)) return true;
    if (any_case && letter && covers((want ^ 0x20u) - 0x21 + 0xFF01)) return true;
  }
  if (!any_case) return false;
  if (want < 0x80) return (want | 0x20u) == U'i' && (covers(0x130) || covers(0x131));
  return true;
}
/// Bytes that a spelling takes at least.
[[nodiscard]] constexpr std::size_t least_bytes(std::string_view spelling, bool folded,
                                                bool any_case) noexcept {
  std::size_t n = 0;
  for (std::size_t p = 0; p < spelling.size();) {
    const utf8_char c = decode_utf8(spelling, p);
    const bool short_one = (folded && narrow(c.code) < 0x80) || (any_case && lower(narrow(c.code)) < 0x80);
    n += short_one ? 1u : c.length;
    p += c.length;
  }
  return n;
}

}  // namespace detail

/// Whether `line` begins with `spelling`. With `whole` the line ends there; otherwise more bytes of it may come.
/// O(the length of the spelling, and of the blanks in the line).
[[nodiscard]] constexpr header_match match_spelling(std::string_view line, std::string_view spelling,
                                                    matching level, bool whole) noexcept {
  using state = header_match::state;
  const bool folded = level != matching::exact, any_case = level == matching::letter_case;
  header_match out;
  const auto ended = [&](std::size_t at) {  // the line ends within the header
    return header_match{whole ? state::no : state::partial, at, out.tolerated};
  };
  // What is the same to the byte, up to the beginning of a character.
  std::size_t p = 0;
  while (p < spelling.size() && p < line.size() && spelling[p] == line[p]) ++p;
  while (p < spelling.size() && p > 0 && detail::is_tail(spelling[p])) --p;
  std::size_t at = p;
  bool after_blank = p > 0 && detail::ends_in_blank(spelling.substr(0, p));
  const auto pass_blanks = [&] {
    while (any_case && after_blank && at < line.size()) {
      const utf8_char c = decode_utf8(line, at);
      if (!detail::is_blank(c.code)) return;
      at += c.length;
      out.tolerated |= deviation::blanks;
    }
  };
  pass_blanks();
  while (p < spelling.size()) {
    const utf8_char want = decode_utf8(spelling, p);
    if (at == line.size()) return ended(at);
    utf8_char have = decode_utf8(line, at);
    if (folded && detail::is_colon(want.code)) {
      for (; have.well_formed && detail::is_blank(have.code); have = decode_utf8(line, at)) {
        out.tolerated |= deviation::spaced_colon;
        at += have.length;
        if (at == line.size()) return ended(at);
      }
    }
    if (!have.well_formed) {  // maybe within a character
      const bool more =
          at + have.length == line.size() &&
          detail::may_become(line.substr(at), want.code, after_blank && any_case, folded, any_case);
      return more ? ended(at) : header_match{};
    }
    if (want.code != have.code) {
      const char32_t w = detail::narrow(want.code), h = detail::narrow(have.code);
      const bool same = folded && w == h, same_letter = any_case && detail::lower(w) == detail::lower(h);
      if (!same && !same_letter) return {};
      const bool wide = (w == want.code) != (h == have.code);
      if (same || wide) out.tolerated |= deviation::width;
      if (!same) out.tolerated |= deviation::letter_case;
    }
    at += have.length;
    p += want.length;
    after_blank = detail::is_blank(want.code);
    pass_blanks();
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

/// Bytes that a header takes at least, however it is spelled.
[[nodiscard]] constexpr std::size_t least_bytes(const header& h, matching level) noexcept {
  const bool folded = level != matching::exact, any_case = level == matching::letter_case;
  const std::size_t n = detail::least_bytes(h.text, folded, any_case);
  if (level < matching::nfc || h.decomposed.empty()) return n;
  const std::size_t d = detail::least_bytes(h.decomposed, folded, any_case);
  return d < n ? d : n;
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
