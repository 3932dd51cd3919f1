// SPDX-License-Identifier: MIT
/// @file prompt/number_answer.hpp
/// Numbers in answers, and the one that is the answer.
#pragma once

#include <optional>

#include "numerals.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

namespace detail {

/// The character that ends before byte `at`, and where it begins; U+0000 where there is none.
[[nodiscard]] constexpr char32_t character_before(std::string_view text, std::size_t at, std::size_t& begin) {
  begin = at;
  while (begin > 0) {
    --begin;
    if ((static_cast<unsigned char>(text[begin]) & 0xC0) != 0x80) break;
  }
  return begin < at ? decode_utf8(text, begin).code : U'\0';
}

/// Whether a dash after this character is no sign: letters of scripts that put spaces between words, digits,
/// `)`, `%`.
[[nodiscard]] constexpr bool joins_dash(char32_t c) {
  if (c < 0x80)
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ')' || c == '%';
  return (c >= 0xC0 && c < 0xE00) || (c >= 0x1E00 && c < 0x2000) || (c >= 0xAC00 && c < 0xD7B0) ||
         digit_value(c) >= 0;
}
[[nodiscard]] constexpr bool is_currency(char32_t c) {
  return c == '$' || c == 0xA3 || c == 0xA5 || (c >= 0x20A0 && c < 0x20D0);
}

/// The groups of digits from byte `i` on that separators hold together; `i` moves behind them.
inline void take_groups(std::string_view text, std::size_t& i, std::vector<digit_group>& groups) {
  groups.clear();
  for (separator before = separator::none;;) {
    digit_group g{before, {i, i}, {}};
    utf8_char c;
    for (; i < text.size(); i += c.length) {
      c = decode_utf8(text, i);
      const int d = digit_value(c.code);
      if (d < 0) break;
      g.digits += static_cast<char>('0' + d);
    }
    g.where.end = i;
    groups.push_back(std::move(g));
    if (i == text.size()) return;
    before = separator_of(c.code);
    const std::size_t after = i + c.length;
    if (before == separator::none || after >= text.size() || digit_value(decode_utf8(text, after).code) < 0)
      return;
    i = after;
  }
}

/// A number of some of the groups, with the sign and the point that may stand before the first of all.
[[nodiscard]] inline number number_of(std::string_view text, const std::vector<digit_group>& groups,
                                      std::size_t at, number_shape shape) {
  number n{{groups[at].where.begin, groups[at + shape.groups - 1].where.end}, {}};
  std::string decimals;
  for (std::size_t k = 0; k < shape.groups; ++k)
    (k + shape.decimals == shape.groups ? decimals : n.value) += groups[at + k].digits;
  bool negative = false;
  if (at == 0) {
    std::size_t begin = 0, further = 0;
    char32_t left = character_before(text, n.where.begin, begin);
    if (left == '.' && shape.groups == 1) {
      const char32_t c = character_before(text, begin, further);
      if (!joins_dash(c) && c != '.') {
        decimals.swap(n.value);
        n.where.begin = begin;
        left = character_before(text, n.where.begin, begin);
      }
    }
    if (is_currency(left)) left = character_before(text, begin, begin);
    if (left == '-' || left == 0x2212 || left == 0x2013)
      negative = !joins_dash(character_before(text, begin, further));
    if (negative) n.where.begin = begin;
  }
  n.value.erase(0, (std::min)(n.value.find_first_not_of('0'), n.value.size()));
  decimals.erase(decimals.find_last_not_of('0') + 1);
  if (n.value.empty()) n.value = "0";
  if (!decimals.empty()) n.value.append(".").append(decimals);
  if (negative && n.value != "0") n.value.insert(0, "-");
  return n;
}

}  // namespace detail

/// Calls `visit(number)` for every number of a text, from left to right.
///
/// Digits are 22 sets of decimal digits, ASCII and full width among them; numbers in words or in Han numerals
/// are not read. Groups of digits are joined by `,` `.` their full-width forms, the Arabic separators,
/// apostrophes and spaces by these rules: where `,` and `.` both stand, the last one begins the decimals; one
/// that repeats before groups of three (or the Indian two, two, three) groups; one that repeats otherwise
/// makes a list (`1,2,3`); a single one is read as `numerals` says; apostrophes, no-break and thin spaces
/// group before three digits. A fraction, a date or a time is several numbers. Signs are `-` U+2212 U+2013,
/// directly before the number or its currency sign, where no letter of a script with spaces, no digit, `)` or
/// `%` stands before them (`10-5` is 10 and 5, `F-16` is 16). `.5` is 0.5 after anything but a letter, a
/// digit or a point. O(bytes).
template <class Visit>
void for_each_number(std::string_view text, numerals way, Visit&& visit) {
  std::vector<detail::digit_group> groups;
  for (std::size_t i = 0; i < text.size();) {
    const utf8_char c = decode_utf8(text, i);
    if (detail::digit_value(c.code) < 0) {
      i += c.length;
      continue;
    }
    detail::take_groups(text, i, groups);
    for (std::size_t at = 0, list = 0; at < groups.size();) {
      detail::number_shape shape;
      if (list > 0) {
        --list;
      } else {
        shape = detail::shape_of(groups, at, way);
        if (shape.alone > 0) list = shape.alone - 1;
      }
      visit(static_cast<const number&>(detail::number_of(text, groups, at, shape)));
      at += shape.groups;
    }
  }
}

/// The last number of a text: what is taken for the answer in MGSM, SVAMP and MathOctopus (arXiv 2310.20246). With a
/// `cue` ("####", "The answer is") the first number after its last occurrence, where there is one.
[[nodiscard]] inline std::optional<number> number_answer(std::string_view text, numerals way = numerals::any,
                                                         std::string_view cue = {}) {
  std::optional<number> out;
  const std::size_t said = cue.empty() ? std::string_view::npos : text.rfind(cue);
  const std::size_t after = said == std::string_view::npos ? text.size() : said + cue.size();
  bool found = false;
  for_each_number(text, way, [&](const number& n) {
    if (found) return;
    out = n;
    found = n.where.begin >= after;
  });
  return out;
}

/// Whether an answer is the wanted number: as decimals where `tolerance` is 0, else |a - b| <= tolerance max(1, |b|).
/// No number is never right.
[[nodiscard]] inline bool is_right(const std::optional<number>& answer, const number& wanted,
                                   double tolerance = 0) {
  if (!answer) return false;
  if (*answer == wanted) return true;
  if (tolerance == 0) return false;
  const double b = wanted.approximate(), difference = answer->approximate() - b;
  const double size = b < 0 ? -b : b;
  return (difference < 0 ? -difference : difference) <= tolerance * (size > 1 ? size : 1);
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
