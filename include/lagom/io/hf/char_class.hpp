// SPDX-License-Identifier: MIT
/// @file io/hf/char_class.hpp
/// Character classes of Hugging Face tokenizers, spelled as the inside of a PCRE2 class.
#pragma once

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "unicode_tables.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// Appends "\x{41}-\x{5a}".
inline void append_class_range(std::string& out, char32_t first, char32_t last) {
  char text[40];
  const auto one = static_cast<unsigned>(first), two = static_cast<unsigned>(last);
  out.append(text, static_cast<std::size_t>(
                       one == two ? std::snprintf(text, sizeof text, "\\x{%x}", one)
                                  : std::snprintf(text, sizeof text, "\\x{%x}-\\x{%x}", one, two)));
}

template <std::size_t N>
void append_class_ranges(std::string& out, const code_range (&table)[N]) {
  for (const code_range& r : table) append_class_range(out, r.first, r.last);
}

/// `\s`: White_Space. PCRE2's own `\s` has U+180E too.
[[nodiscard]] inline std::string space_class() {
  std::string out;
  append_class_ranges(out, white_space);
  return out;
}

/// `\S`, as ranges, so that it can stand inside another class.
[[nodiscard]] inline std::string non_space_class() {
  std::string out;
  char32_t next = 0;
  for (const code_range& r : white_space) {
    if (r.first > next) append_class_range(out, next, r.first - 1);
    next = r.last + 1;
  }
  append_class_range(out, next, 0x10FFFF);
  return out;
}

/// `\p{name}` for a general category ("L", "Nd", "Letter") or a script ("Han"); nothing for other names, and
/// nothing for C and Cn, which shrink as Unicode grows.
[[nodiscard]] inline std::optional<std::string> property_class(std::string_view name) {
  struct long_name {
    std::string_view name, code;
  };
  constexpr long_name longs[] = {{"Letter", "L"},      {"Mark", "M"},   {"Number", "N"},
                                 {"Punctuation", "P"}, {"Symbol", "S"}, {"Separator", "Z"}};
  for (const auto& l : longs) {
    if (name == l.name) name = l.code;
  }
  constexpr std::string_view categories[] = {
      "L",  "Lu", "Ll", "Lt", "Lm", "Lo", "M",  "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P",  "Pc", "Pd",
      "Ps", "Pe", "Pi", "Pf", "Po", "S",  "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "Cc", "Cf", "Co"};
  if (std::find(std::begin(categories), std::end(categories), name) != std::end(categories)) {
    std::string out = "\\p{" + std::string(name) + "}";
    for (const category_range& r : assigned_late) {
      const bool belongs = r.major == name[0] && (name.size() == 1 || r.minor == name[1]);
      if (belongs) append_class_range(out, r.first, r.last);
    }
    return out;
  }
  constexpr std::string_view scripts[] = {
      "Arabic",   "Armenian", "Bengali",  "Bopomofo", "Cherokee", "Cyrillic",  "Devanagari", "Ethiopic",
      "Georgian", "Greek",    "Gujarati", "Gurmukhi", "Han",      "Hangul",    "Hebrew",     "Hiragana",
      "Kannada",  "Katakana", "Khmer",    "Lao",      "Latin",    "Malayalam", "Mongolian",  "Myanmar",
      "Oriya",    "Sinhala",  "Tamil",    "Telugu",   "Thai",     "Tibetan"};
  if (std::find(std::begin(scripts), std::end(scripts), name) != std::end(scripts)) {
    std::string out = "\\p{sc:" + std::string(name) + "}";
    for (const script_range& r : script_late) {
      if (name == r.script) append_class_range(out, r.first, r.last);
    }
    return out;
  }
  return std::nullopt;
}

/// Word characters as both regular expression libraries of the reference have them, and `\w` inside a set of
/// a file's pattern: Alphabetic, M, Nd, Pc.
[[nodiscard]] inline std::string common_word_class() {
  return "\\p{Alphabetic}" + *property_class("L") + *property_class("M") + *property_class("Nd") +
         *property_class("Pc");
}

/// `\w` of the patterns in a file, outside of sets (Oniguruma, which adds the superscripts and fractions of
/// Latin-1).
[[nodiscard]] inline std::string pattern_word_class() {
  return common_word_class() + "\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}";
}

/// `\w` of the library's own patterns (UTS 18, which adds the two joiners).
[[nodiscard]] inline std::string builtin_word_class() { return common_word_class() + "\\x{200c}\\x{200d}"; }

/// What the Digits pre-tokenizer splits at: Nd, Nl, No.
[[nodiscard]] inline std::string numeric_class() {
  std::string out = *property_class("N");
  append_class_ranges(out, numeric_late);
  return out;
}

/// One character that the Punctuation pre-tokenizer splits at, as an expression: ASCII punctuation and P.
[[nodiscard]] inline std::string punctuation_expression() {
  std::string out = "(?:[!-/:-@\\[-`{-~]|(?![";
  append_class_ranges(out, punctuation_late);
  out += "])[\\p{P}";
  append_class_ranges(out, punctuation_once);
  return out + "])";
}

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
