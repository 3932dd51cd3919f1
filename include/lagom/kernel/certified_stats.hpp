// SPDX-License-Identifier: MIT
/// @file kernel/certified_stats.hpp
/// What a certified probe knows, how surely, and what it read.
#pragma once

#include "softmax_stats.hpp"

namespace lagom {
inline namespace v0 {

/// How surely a decision and a token are those of the full head.
enum class certainty : std::uint8_t {
  /// Not decided: the budget was used up, and the full head may not be read.
  unknown,
  /// With probability 1 - delta over the key of the preparation, for a state chosen without knowing it. `row_code`
  /// says on what assumption, if any.
  certified,
  /// Always: every bound is hard, or the full head was read.
  exact,
};

/// What a rule says of an interval of distributions.
enum class certified_verdict : std::uint8_t { open, go_on, stop };

/// Two distributions that enclose the one of the full head: gap() and top_prob() of `low` are at most, those of `high`
/// at least what `unembed` would give, rounding included. Where the full head was read both are its statistics.
///
/// Both have the maximum, the sum and the second logit (so gap, top_prob, log_sum); `runner_up` and the entropy are
/// known only where the full head was read.
template <std::floating_point T = float>
struct certified_stats {
  softmax_stats<T> low{};
  softmax_stats<T> high{};
  certainty how = certainty::unknown;
  double delta = 0;  ///< probability that this is wrong; 0 where exact
  certified_verdict decision = certified_verdict::open;
  index_t rows_read = 0;         ///< rows of the full head that were read
  std::uint64_t bytes_read = 0;  ///< of prepared rows and of the full head

  /// The best token of the full head; `no_token` where unknown.
  [[nodiscard]] LAGOM_LEAF constexpr token_id token() const noexcept { return low.top; }
};

}  // namespace v0
}  // namespace lagom
