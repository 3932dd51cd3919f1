// SPDX-License-Identifier: MIT
/// @file prompt/pivot_cost.hpp
/// What thinking in another language costs: tokens and time before the answer begins.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "../core/result.hpp"
#include "../core/token_counter.hpp"
#include "segment.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// The parts of a prompt with its answer. `pivot` is everything that a model writes before the target text: sections
/// in the pivot language, all headers and separators. `target` is the target text and what follows it. Sums over many
/// prompts are costs too: `merge`.
struct pivot_cost {
  struct part {
    std::uint64_t bytes = 0, tokens = 0;
    friend constexpr bool operator==(const part&, const part&) = default;
  };
  part asked, pivot, target;

  /// Written tokens over those of the target: 1 is no overhead. 0 where the target has no tokens.
  [[nodiscard]] constexpr double factor() const noexcept {
    return ratio(pivot.tokens + target.tokens, target.tokens);
  }
  /// The part of all written tokens before the answer: of the time of writing, the share that a reader waits.
  [[nodiscard]] constexpr double waiting_share() const noexcept {
    return ratio(pivot.tokens, pivot.tokens + target.tokens);
  }
  /// Seconds until the answer begins, at so many tokens read and written a second; a rate of 0 counts no time.
  [[nodiscard]] constexpr double seconds_waiting(double read_rate, double write_rate) const noexcept {
    return (read_rate > 0 ? static_cast<double>(asked.tokens) / read_rate : 0) +
           (write_rate > 0 ? static_cast<double>(pivot.tokens) / write_rate : 0);
  }
  /// The same where the pivot part is given in the prompt (`prefilled`) and only read.
  [[nodiscard]] constexpr double seconds_prefilled(double read_rate) const noexcept {
    return read_rate > 0 ? static_cast<double>(asked.tokens + pivot.tokens) / read_rate : 0;
  }
  constexpr void merge(const pivot_cost& other) noexcept {
    add(asked, other.asked);
    add(pivot, other.pivot);
    add(target, other.target);
  }
  friend constexpr bool operator==(const pivot_cost&, const pivot_cost&) = default;

 private:
  [[nodiscard]] static constexpr double ratio(std::uint64_t a, std::uint64_t b) noexcept {
    return b == 0 ? 0 : static_cast<double>(a) / static_cast<double>(b);
  }
  static constexpr void add(part& to, const part& from) noexcept {
    to.bytes += from.bytes;
    to.tokens += from.tokens;
  }
};

/// The cost of one prompt. The answer begins with the first segment of the assistant that has a section or is trained;
/// the target with the first content of the section `target`. Each of the three parts is tokenised by itself. Fails
/// with `missing_key` where no such content is. O(bytes) and three calls of the counter.
template <prompt_pieces P, token_counter Counter>
[[nodiscard]] result<pivot_cost> pivot_cost_of(const P& pieces, const Counter& counter,
                                               std::string_view target = "y_t") {
  std::string texts[3];
  std::size_t now = 0;
  for_each_segment(pieces, [&](const segment& s) {
    if (now == 0 && s.role == role::assistant && (!s.section.empty() || s.trained)) now = 1;
    if (now == 1 && s.section == target && s.origin == origin::content) now = 2;
    texts[now] += s.text;
  });
  if (now < 2) return failure{.code = errc::missing_key, .key = target};
  const auto part = [&counter](const std::string& text) {
    return pivot_cost::part{text.size(), static_cast<std::uint64_t>(counter.count(text))};
  };
  pivot_cost out;
  out.asked = part(texts[0]);
  out.pivot = part(texts[1]);
  out.target = part(texts[2]);
  return out;
}

/// The value that `q` of all values do not exceed: the ceil(q n)-th smallest (nearest rank), the smallest for q <= 0,
/// the largest for q >= 1; 0 of none. For bytes or tokens before the answer: median, 99th percentile. O(n).
[[nodiscard]] inline std::uint64_t quantile(std::vector<std::uint64_t> values, double q) {
  if (values.empty()) return 0;
  const double wanted = q * static_cast<double>(values.size());
  auto rank =
      wanted > 0 ? static_cast<std::size_t>((std::min)(wanted, static_cast<double>(values.size()))) : 0;
  // 0.07 * 100 is a little more than 7.
  if (wanted - static_cast<double>(rank) > 1e-12 * wanted && rank < values.size()) ++rank;
  const std::size_t at = rank == 0 ? 0 : rank - 1;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
