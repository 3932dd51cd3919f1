// SPDX-License-Identifier: MIT
/// @file io/hf/known_pattern.hpp
/// The split patterns that most tokenizers have, as scanners.
#pragma once

#include <optional>
#include <string_view>

#include "char_scan.hpp"

namespace lagom {
inline namespace v0 {
namespace io {
namespace detail {

/// GPT-2's pattern, which the ByteLevel pre-tokenizer has.
inline constexpr std::string_view gpt2_pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

/// A pattern that is recognised by its text. All of them match somewhere at every place of a text, so a text
/// is cut without rest; `next` gives what PCRE2 gives for the pattern, in one pass without going back over
/// more than two runs.
class hf_known_pattern {
 public:
  /// Nothing for a pattern that is not known.
  static std::optional<hf_known_pattern> of(std::string_view pattern) {
    using namespace std::string_view_literals;
    constexpr std::string_view cased =
        R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"sv;
    constexpr std::string_view cased_too =
        R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"sv;
    constexpr std::string_view contraction = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"sv;
    constexpr std::string_view spaces = R"(|\s*[\r\n]+|\s+(?!\S)|\s+)"sv;
    constexpr std::string_view words[] = {R"(|[^\r\n\p{L}\p{N}]?\p{L}+)"sv,
                                          R"(|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+)"sv};
    constexpr std::string_view others[] = {R"(| ?[^\s\p{L}\p{N}]+)"sv, R"(| ?[^\s\p{L}\p{M}\p{N}]+)"sv};
    constexpr std::string_view digits[] = {R"(|\p{N}+)"sv, R"(|\p{N})"sv, R"(|\p{N}{1,2})"sv,
                                           R"(|\p{N}{1,3})"sv};
    hf_known_pattern out;
    if (pattern == gpt2_pattern ||
        pattern == R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)"sv) {
      return out;
    }
    std::string_view rest = pattern;
    const auto take = [&rest](std::string_view text) {
      if (rest.substr(0, text.size()) != text) return false;
      rest.remove_prefix(text.size());
      return true;
    };
    if (take(cased)) {
      out.kind_ = kind::cased;
      out.contracts_ = take(contraction) && take("?");
      if (!take(cased_too) || (out.contracts_ && !(take(contraction) && take("?")))) return std::nullopt;
    } else if (take(contraction)) {
      out.kind_ = kind::words;
      if (take(words[1])) {
        out.word_ |= char_bit::mark;
      } else if (!take(words[0])) {
        return std::nullopt;
      }
    } else {
      return std::nullopt;
    }
    const std::string_view tail = out.kind_ == kind::cased ? R"([\r\n/]*)"sv : R"([\r\n]*)"sv;
    const std::string_view other = others[out.word_ == char_bit::letter ? 0 : 1];
    for (std::uint8_t most = 0; most < 4; ++most) {
      std::string_view left = rest;
      for (const std::string_view part : {digits[most], other, tail, spaces}) {
        if (left.substr(0, part.size()) != part) break;
        left.remove_prefix(part.size());
        if (part == spaces && left.empty()) {
          out.most_digits_ = most;
          return out;
        }
      }
    }
    return std::nullopt;
  }

  /// Calls `part(begin, end)` for every part of a text.
  template <class Part>
  void cut(const char* p, const char* end, Part&& part) const {
    const auto all = [&](auto next) {
      while (p < end) {
        const char* const to = next(p);
        part(p, to);
        p = to;
      }
    };
    switch (kind_) {
      case kind::gpt2:
        return all([&](const char* at) { return next_gpt2(at, end); });
      case kind::words:
        return all([&](const char* at) { return next_word(at, end); });
      case kind::cased:
        return all([&](const char* at) { return next_cased(at, end); });
    }
  }

 private:
  enum class kind : std::uint8_t { gpt2, words, cased };
  static constexpr unsigned letter = char_bit::letter, number = char_bit::number, space = char_bit::space;
  static constexpr unsigned upper = char_bit::upper, lower = char_bit::lower, mark = char_bit::mark;

  /// The end of a contraction that begins at the apostrophe `p`; `p` when there is none. Without case, U+017F
  /// is an s.
  static const char* past_contraction(const char* p, const char* end, bool any_case) noexcept {
    if (end - p < 2) return p;
    const auto small = [any_case](char c) {
      return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    };
    const char first = small(p[1]);
    if (first == 's' || first == 't' || first == 'm' || first == 'd') return p + 2;
    if (end - p < 3) return p;
    if (any_case && p[1] == '\xC5' && p[2] == '\xBF') return p + 3;
    const char second = small(p[2]);
    const bool two = (second == 'e' && (first == 'r' || first == 'v')) || (first == 'l' && second == 'l');
    return two ? p + 3 : p;
  }

  /// `\s+(?!\S)|\s+` from `p` on, where the run of spaces ends at `run`.
  const char* spaces(const char* p, const char* run, const char* end) const noexcept {
    if (run == end) return end;
    const char* last = run - 1;
    while ((static_cast<unsigned char>(*last) & 0xC0) == 0x80) --last;
    return last == p ? run : last;
  }

  const char* next_gpt2(const char* p, const char* end) const noexcept {
    const char* q = p;
    if (*p == ' ' && end - p > 1) ++q;
    const hf_char c = scan_.at(q);
    if ((c.bits & letter) != 0) return scan_.past_letters(q + c.length, end, letter);
    if ((c.bits & number) != 0) return scan_.past(q + c.length, end, number);
    if ((c.bits & space) == 0) {
      if (*p == '\'') {
        if (const char* const to = past_contraction(p, end, false); to != p) return to;
      }
      return scan_.until(q + c.length, end, letter | number | space);
    }
    return spaces(p, scan_.past(q, end, space), end);
  }

  /// Everything but words: numbers, others, spaces. `c` is the character at `p`.
  const char* next_rest(const char* p, hf_char c, const char* end, bool slash) const noexcept {
    if ((c.bits & number) != 0) {
      if (most_digits_ == 0) return scan_.past(p, end, number);
      for (unsigned n = 0; n < most_digits_ && p < end; ++n) {
        const hf_char digit = scan_.at(p);
        if ((digit.bits & number) == 0) break;
        p += digit.length;
      }
      return p;
    }
    const unsigned known = word_ | letter | number | space;
    const char* const q = *p == ' ' && end - p > 1 ? p + 1 : p;
    if ((scan_.at(q).bits & known) == 0) {
      const char* to = scan_.until(q, end, known);
      while (to < end && (*to == '\r' || *to == '\n' || (slash && *to == '/'))) ++to;
      return to;
    }
    const char* const run = scan_.past(p, end, space);
    for (const char* last = run; last > p; --last) {
      if (last[-1] == '\n' || last[-1] == '\r') return last;
    }
    return spaces(p, run, end);
  }

  /// Whether `[^\r\n\p{L}\p{N}]` matches a character.
  static bool may_lead(const char* p, hf_char c) noexcept {
    return (c.bits & (letter | number)) == 0 && *p != '\r' && *p != '\n';
  }

  const char* next_word(const char* p, const char* end) const noexcept {
    const hf_char c = scan_.at(p);
    if ((c.bits & letter) != 0) return scan_.past_letters(p + c.length, end, word_);
    if (*p == '\'') {
      if (const char* const to = past_contraction(p, end, true); to != p) return to;
    }
    const char* const q = p + c.length;
    if (may_lead(p, c) && q < end) {
      const hf_char d = scan_.at(q);
      if ((d.bits & word_) != 0) return scan_.past_letters(q + d.length, end, word_);
    }
    if ((c.bits & word_) != 0) return q;
    return next_rest(p, c, end, false);
  }

  /// Up to where `[upper others]*[lower others]+` matches, others being letters without case, and marks; null
  /// when it does not.
  const char* past_lower(const char* p, const char* end, const char*& upper_end) const noexcept {
    const char* last = nullptr;
    while (p < end) {
      const hf_char c = scan_.at(p);
      if ((c.bits & (letter | mark)) == 0) break;
      if ((c.bits & lower) != 0) return past_any_but_upper(p + c.length, end);
      p += c.length;
      if ((c.bits & upper) == 0) last = p;
    }
    upper_end = p;
    return last;
  }
  const char* past_any_but_upper(const char* p, const char* end) const noexcept {
    while (p < end) {
      const hf_char c = scan_.at(p);
      if ((c.bits & (letter | mark)) == 0 || (c.bits & upper) != 0) break;
      p += c.length;
    }
    return p;
  }

  const char* next_cased(const char* p, const char* end) const noexcept {
    const hf_char c = scan_.at(p);
    const char* to = nullptr;
    const char* upper_end = nullptr;
    if (may_lead(p, c)) {
      const char* const q = p + c.length;
      upper_end = q;
      if (q < end) to = past_lower(q, end, upper_end);
      if (to == nullptr && (c.bits & mark) != 0) to = q;  // the mark alone; no word follows it
      if (to == nullptr && upper_end != q) to = upper_end;
    } else if ((c.bits & letter) != 0) {
      to = past_lower(p, end, upper_end);
      if (to == nullptr) to = upper_end;
    }
    if (to == nullptr) return next_rest(p, c, end, true);
    return contracts_ && to < end && *to == '\'' ? past_contraction(to, end, true) : to;
  }

  hf_text_scan scan_;
  kind kind_ = kind::gpt2;
  std::uint8_t word_ = char_bit::letter;
  std::uint8_t most_digits_ = 0;  // of one part; 0: any number
  bool contracts_ = false;
};

}  // namespace detail
}  // namespace io
}  // namespace v0
}  // namespace lagom
