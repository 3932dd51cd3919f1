// SPDX-License-Identifier: MIT
/// @file prompt/budget.hpp
/// Texts within a number of tokens, whole characters at a time.
#pragma once

#include <array>

#include "../core/token_counter.hpp"
#include "../text/utf8.hpp"
#include "segment.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Whether something was made to fit.
enum class budget_verdict : std::uint8_t { ok, over_budget };
[[nodiscard]] constexpr std::array<std::string_view, 2> names_of(budget_verdict) noexcept {
  return {"ok", "over_budget"};
}

/// The largest offset up to `at` that is not inside a character; an ill-formed sequence counts as one. O(1).
[[nodiscard]] constexpr std::size_t floor_to_code_point(std::string_view text, std::size_t at) noexcept {
  if (at >= text.size()) return text.size();
  for (std::size_t back = 1; back <= 3 && back <= at; ++back) {
    const auto lead = static_cast<unsigned char>(text[at - back]);
    if ((lead & 0xC0) == 0x80) continue;
    return decode_utf8(text, at - back).length > back ? at - back : at;
  }
  return at;
}

/// Bytes of the longest beginning of a text, whole characters, that has at most `limit` tokens by itself. Found by
/// bisection: for a tokenizer that may give fewer tokens to a longer text it fits too, but may not be the longest.
/// Cost: about log2(bytes) counts.
template <token_counter Counter>
[[nodiscard]] constexpr std::size_t cut_to_tokens(std::string_view text, std::size_t limit,
                                                  const Counter& counter) {
  const std::size_t over = limit + 1;
  const auto fits = [&](std::size_t n) {
    return count_tokens_upto(counter, text.substr(0, n), over) <= limit;
  };
  if (over == 0 || fits(text.size())) return text.size();
  std::size_t low = 0, high = text.size();  // low fits, high does not
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2, at = floor_to_code_point(text, middle);
    if (at <= low) {  // inside the character that begins at low: the next one begins in (middle, high]
      const std::size_t next = low + decode_utf8(text, low).length;
      if (next >= high) break;
      (fits(next) ? low : high) = next;
    } else {
      (fits(at) ? low : high) = at;
    }
  }
  return low;
}

/// Sum of the tokens of all segments, each by itself: what a row of the mask policy `isolated` has at most, but for
/// tokenizers that put something around every text.
template <prompt_pieces P, token_counter Counter>
[[nodiscard]] constexpr std::size_t count_segments(const P& pieces, const Counter& counter) {
  std::size_t sum = 0;
  for_each_segment(pieces, [&](const segment& s) { sum += counter.count(s.text); });
  return sum;
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
