// SPDX-License-Identifier: MIT
/// @file stop/calibrate/confidence_sequence.hpp
#pragma once

#include <cmath>

#include "wsr_betting.hpp"

namespace lagom {
inline namespace v0 {

/// Bounds of a mean loss that hold at all times at once: P(mean in [lower_t, upper_t] for all t) >= 1 - error. So one
/// may look after every loss and stop when one likes.
///
/// The predictable plug-in empirical Bernstein sequence: sum(b_i x_i) / sum(b_i) +- (log(2/error) + sum v_i psi(b_i)) /
/// sum(b_i) with b_t = min(1/2, sqrt(2 log(2/error) / (t s_{t-1} log(1 + t)))), v_i = 4 (x_i - m_{i-1})^2, psi(b) =
/// (-log(1 - b) - b) / 4, m and s the running mean and variance of `wsr_bet`; intersected over time.
/// Source: Waudby-Smith & Ramdas 2020, arXiv 2010.09686, theorem 2. Losses in [0, 1] of one conditional mean; what is
/// no such loss is counted and left out. Bounds that cross say that the mean did not stay the same. Constant memory.
/// Precondition of `step`: 0 < error < 1. Cost: three logarithms and a root a loss.
struct confidence_sequence {
  error_rate error{0.05};

  struct state {
    wsr_bet seen{};
    double bets = 0, weighted = 0, spread = 0;  ///< sums of b_i, b_i x_i, v_i psi(b_i)
    double lower = 0, upper = 1;
    std::int64_t refused = 0;
  };

  LAGOM_INLINE void step(state& s, double loss) const noexcept {
    LAGOM_ASSERT(error.value > 0 && error.value < 1);
    if (!is_finite(&loss) || loss < 0 || loss > 1) {
      ++s.refused;
      return;
    }
    const double goal = detail::log(2 / error.value), t = s.seen.rows + 1;
    const double free = detail::sqrt(2 * goal / (s.seen.squares * std::log1p(t)));
    const double bet = free < 0.5 ? free : 0.5;
    const double off = loss - s.seen.sum / t;
    s.bets += bet;
    s.weighted += bet * loss;
    s.spread += off * off * (-std::log1p(-bet) - bet);
    s.seen.push(loss);
    const double middle = s.weighted / s.bets, radius = (goal + s.spread) / s.bets;
    if (middle - radius > s.lower) s.lower = middle - radius;
    if (middle + radius < s.upper) s.upper = middle + radius;
  }
};

}  // namespace v0
}  // namespace lagom
