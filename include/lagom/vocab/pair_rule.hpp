// SPDX-License-Identifier: MIT
/// @file vocab/pair_rule.hpp
/// Which neighbours may become one token.
#pragma once

#include <algorithm>
#include <array>
#include <string>

#include "../text/script.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

namespace detail {

/// The zeros of Unicode's decimal digits (general category Nd, Unicode 14): the nine others follow each.
inline constexpr std::array<char32_t, 66> digit_zeros = {
    0x30,    0x660,   0x6F0,   0x7C0,   0x966,   0x9E6,   0xA66,   0xAE6,   0xB66,   0xBE6,   0xC66,
    0xCE6,   0xD66,   0xDE6,   0xE50,   0xED0,   0xF20,   0x1040,  0x1090,  0x17E0,  0x1810,  0x1946,
    0x19D0,  0x1A80,  0x1A90,  0x1B50,  0x1BB0,  0x1C40,  0x1C50,  0xA620,  0xA8D0,  0xA900,  0xA9D0,
    0xA9F0,  0xAA50,  0xABF0,  0xFF10,  0x104A0, 0x10D30, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0,
    0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x16A60,
    0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0};

[[nodiscard]] inline bool is_digit(char32_t code) noexcept {
  const auto* const above = std::upper_bound(digit_zeros.begin(), digit_zeros.end(), code);
  return above != digit_zeros.begin() && code - above[-1] < 10;
}

/// The last character of a text, and whether there is a whole one.
[[nodiscard]] inline utf8_char last_char(std::string_view text) noexcept {
  for (std::size_t length = 1; length <= 4 && length <= text.size(); ++length) {
    const std::size_t at = text.size() - length;
    if ((static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) continue;
    const utf8_char c = decode_utf8(text, at);
    return c.length == length ? c : utf8_char{};
  }
  return {};
}

}  // namespace detail

/// Whether `left` and `right` may be neighbours in one token. A function of the two texts alone, so a merge
/// that is learned in one place is allowed in all; where a text ends inside a character, nothing is known of
/// that character and the pair is allowed.
struct pair_rule {
  std::string word_mark{};    ///< begins words ("▁"): a token holds it at its front, or not at all
  bool digits_apart = false;  ///< a decimal digit of any script is a token by itself
  bool scripts_apart =
      false;  ///< characters of two scripts stay apart; Han and kana count as one script, and
              ///< what all scripts share (punctuation, marks, digits) goes with any

  [[nodiscard]] bool operator()(std::string_view left, std::string_view right) const noexcept {
    if (!word_mark.empty() && right.substr(0, word_mark.size()) == word_mark) return false;
    if ((!digits_apart && !scripts_apart) || left.empty() || right.empty()) return true;
    const utf8_char before = detail::last_char(left), after = decode_utf8(right, 0);
    if (digits_apart && (is_digit(before) || is_digit(after))) return false;
    if (!scripts_apart || !before.well_formed || !after.well_formed) return true;
    const script a = writing(before.code), b = writing(after.code);
    return a == b || a == script::common || b == script::common;
  }

 private:
  static bool is_digit(const utf8_char& c) noexcept { return c.well_formed && detail::is_digit(c.code); }
  static script writing(char32_t code) noexcept {
    const script s = script_of(code);
    if (s == script::inherited || s == script::unknown) return script::common;
    return s == script::hiragana || s == script::katakana ? script::han : s;
  }
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
