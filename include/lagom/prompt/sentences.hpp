// SPDX-License-Identifier: MIT
/// @file prompt/sentences.hpp
/// Texts cut into sentences, by rules.
#pragma once

#include "strip.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {
namespace detail {

/// Ends a sentence wherever it stands: full stops, marks of question and exclamation of scripts that use them for
/// nothing else.
[[nodiscard]] constexpr bool always_ends(char32_t c) noexcept {
  return c == 0x3002 || c == 0xFF01 || c == 0xFF1F || c == 0xFF61 || c == 0x0964 || c == 0x0965 ||
         c == 0x061F || c == 0x06D4 || c == 0x0589 || c == 0x1362 || c == 0x1367 || c == 0x17D4 ||
         c == 0x104B;
}
[[nodiscard]] constexpr bool may_end(char32_t c) noexcept {
  return c == '.' || c == '!' || c == '?' || c == 0x2026;
}
/// Stands after the end and belongs to the sentence: quotes and brackets.
[[nodiscard]] constexpr bool closes(char32_t c) noexcept {
  return c == '"' || c == '\'' || c == ')' || c == ']' || c == 0xBB || c == 0x2019 || c == 0x201D ||
         c == 0x300D || c == 0x300F || c == 0xFF09;
}

/// Whether the full stop at byte `dot` ends an English abbreviation or an initial.
[[nodiscard]] constexpr bool abbreviates(std::string_view text, std::size_t dot) noexcept {
  constexpr std::string_view names[] = {"Mr",  "Mrs", "Ms",  "Dr",  "Prof", "St",  "Jr", "Sr",
                                        "vs",  "etc", "cf",  "al",  "Inc",  "Ltd", "Co", "e.g",
                                        "i.e", "ca",  "U.S", "Gen", "Col",  "Rev", "Hon"};
  constexpr std::string_view numbered[] = {"No",  "Fig", "Eq", "Vol",
                                           "Sec", "p",   "pp", "approx"};  // a number follows
  std::size_t begin = dot;
  while (begin > 0 && dot - begin < 8) {  // longer than any abbreviation
    const char c = text[begin - 1];
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.')) break;
    --begin;
  }
  const std::string_view word = text.substr(begin, dot - begin);
  if (word.size() == 1 && word[0] >= 'A' && word[0] <= 'Z' && word[0] != 'I') return true;
  for (const std::string_view k : names) {
    if (word == k) return true;
  }
  std::size_t after = dot + 1;
  while (after < text.size() && text[after] == ' ') ++after;
  const bool digit = after < text.size() && text[after] >= '0' && text[after] <= '9';
  for (const std::string_view k : numbered) {
    if (digit && word == k) return true;
  }
  return false;
}

}  // namespace detail

/// Calls `visit(sentence)` for every sentence, without the white space around it; none is empty.
///
/// A sentence ends at a blank line; after the marks of scripts whose marks do nothing else (`。` `।` `؟` `።`
/// `។` ...); and after `.` `!` `?` `…` when white space follows that no small ASCII letter comes after,
/// unless the stop ends one of thirty-one English abbreviations (`No.` and its like before a number) or a
/// single capital but I. Closing quotes and brackets go with the sentence. Thai and other texts without marks
/// are one sentence a paragraph. O(bytes).
template <class Visit>
constexpr void for_each_sentence(std::string_view text, Visit&& visit) {
  std::size_t begin = 0;
  const auto cut = [&](std::size_t end) {
    const std::string_view s = strip(text.substr(begin, end - begin));
    begin = end;
    if (!s.empty()) visit(s);
  };
  for (std::size_t i = 0; i < text.size();) {
    const utf8_char c = decode_utf8(text, i);
    const std::size_t at = i;
    i += c.length;
    if (c.code == '\n') {
      std::size_t line = i;
      while (line < text.size() && (text[line] == ' ' || text[line] == '\t' || text[line] == '\r')) ++line;
      if (line < text.size() && text[line] == '\n') cut(i = line + 1);
      continue;
    }
    const bool always = detail::always_ends(c.code);
    if (!always && !detail::may_end(c.code)) continue;
    if (c.code == '.' && detail::abbreviates(text, at)) continue;
    for (; i < text.size(); i += decode_utf8(text, i).length) {
      const char32_t next = decode_utf8(text, i).code;
      if (!detail::may_end(next) && !detail::always_ends(next) && !detail::closes(next)) break;
    }
    std::size_t after = i;
    while (after < text.size() && is_space(decode_utf8(text, after).code))
      after += decode_utf8(text, after).length;
    const bool small = after < text.size() && text[after] >= 'a' && text[after] <= 'z';
    if (always || after == text.size() || (after > i && !small)) cut(i);
  }
  cut(text.size());
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
