// SPDX-License-Identifier: MIT
/// @file prompt/numerals.hpp
/// How languages write numbers: digits, separators, and what belongs together.
#pragma once

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

#include "../text/utf8.hpp"
#include "spans.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// How a single separator is read that could be either: `1,234` and `1.234`.
enum class numerals : std::uint8_t {
  any,    ///< a point before decimals; a comma before three digits groups, before others it begins decimals
  point,  ///< 1,234.5: a comma only groups
  comma,  ///< 1.234,5 and 1 234,5: a point before three digits groups, a space does too
};

/// The way of a language's readers, by the first part of its tag; `point` for what is not listed (CLDR's default
/// region of each language).
[[nodiscard]] constexpr numerals numerals_of(std::string_view language) noexcept {
  constexpr std::string_view with_comma[] = {"be", "bg", "ca", "cs", "da", "de", "el", "es", "et", "fi", "fr",
                                             "hr", "hu", "id", "is", "it", "lt", "lv", "nb", "nl", "no", "pl",
                                             "pt", "ro", "ru", "sk", "sl", "sr", "sv", "tr", "uk", "vi"};
  const std::string_view first = language.substr(0, language.find_first_of("-_"));
  for (const std::string_view l : with_comma) {
    if (first == l) return numerals::comma;
  }
  return numerals::point;
}

/// A number in a text: where, and its value as plain decimal digits ("-1234.5"; "0" has no sign; no zeros that say
/// nothing), so that equal numbers are equal texts, however long.
struct number {
  span where;
  std::string value;

  /// The nearest double; 0 where it overflows.
  [[nodiscard]] double approximate() const noexcept {
    double x = 0;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), x);
    return read.ec == std::errc() ? x : 0;
  }
  friend bool operator==(const number& a, const number& b) { return a.value == b.value; }
};

namespace detail {

/// The value of a decimal digit of any script that writes numbers so, or -1.
[[nodiscard]] constexpr int digit_value(char32_t c) noexcept {
  if (c < 0x80) return c >= '0' && c <= '9' ? static_cast<int>(c - '0') : -1;
  constexpr char32_t zeros[] = {0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6,
                                0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6, 0x0E50,
                                0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0xFF10};
  for (const char32_t zero : zeros) {
    if (c >= zero && c < zero + 10) return static_cast<int>(c - zero);
  }
  return -1;
}

enum class separator : std::uint8_t {
  none,
  comma,
  point,
  blank,
  narrow_blank,
  quote,
  arabic_comma,
  arabic_point
};

[[nodiscard]] constexpr separator separator_of(char32_t c) noexcept {
  switch (c) {
    case ',':
    case 0xFF0C:
      return separator::comma;
    case '.':
    case 0xFF0E:
      return separator::point;
    case ' ':
      return separator::blank;
    case 0x00A0:
    case 0x2007:
    case 0x2009:
    case 0x202F:
      return separator::narrow_blank;
    case '\'':
    case 0x2019:
      return separator::quote;
    case 0x066B:
      return separator::arabic_point;
    case 0x066C:
      return separator::arabic_comma;
    default:
      return separator::none;
  }
}

/// Digits with what stands before them.
struct digit_group {
  separator before = separator::none;
  span where;
  std::string digits;
};

/// How many groups from `from` on are one number, and how many of them, at the end, are decimals (0 or 1).
struct number_shape {
  std::size_t groups = 1, decimals = 0;
  std::size_t alone = 0;  ///< so many groups are a list: each is a number by itself
};

[[nodiscard]] inline number_shape shape_of(const std::vector<digit_group>& g, std::size_t from,
                                           numerals way) {
  using s = separator;
  const std::size_t left = g.size() - from;
  const auto before = [&](std::size_t i) { return i < left ? g[from + i].before : s::none; };
  const auto length = [&](std::size_t i) { return g[from + i].digits.size(); };
  const auto run = [&](std::size_t i) {  // separators of one kind from group i on
    std::size_t n = 0;
    while (before(i + n) != s::none && before(i + n) == before(i)) ++n;
    return n;
  };
  if (left == 1) return {};
  const s first = before(1);
  const bool may_group = length(0) <= 3 && g[from].digits[0] != '0';
  if (first == s::arabic_point) return {2, 1, 0};
  if (first == s::comma || first == s::point) {
    const std::size_t many = run(1);
    bool threes = may_group && length(many) == 3, twos = threes;  // 1,234,567 and 12,34,567
    for (std::size_t i = 1; i < many; ++i) {
      threes = threes && length(i) == 3;
      twos = twos && length(i) == 2;
    }
    const s other = first == s::comma ? s::point : s::comma;
    const bool then = before(many + 1) == other && run(many + 1) == 1;
    if (threes || (twos && length(0) <= 2)) {
      if (then && (many > 1 || other == s::point || way != numerals::point)) return {many + 2, 1, 0};
      if (many > 1) return {many + 1, 0, 0};
      if (first == s::comma ? way != numerals::comma : way == numerals::comma) return {2, 0, 0};
    }
    if (many > 1) return {1, 0, many + 1};
    if (first == s::comma && way == numerals::point) return {};
    return {2, 1, 0};
  }
  // Spaces and quotes group as long as three digits follow.
  if (!may_group || (first == s::blank && way != numerals::comma)) return {};
  std::size_t end = 1;
  while (before(end) == first && length(end) == 3) ++end;
  if (end == 1) return {};
  const s next = before(end);
  const bool decimals =
      (next == s::comma && way != numerals::point) || next == s::point || next == s::arabic_point;
  return decimals && run(end) == 1 ? number_shape{end + 1, 1, 0} : number_shape{end, 0, 0};
}

}  // namespace detail

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
