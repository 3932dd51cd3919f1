// SPDX-License-Identifier: MIT
/// @file stop/calibrate/drift_alarm.hpp
#pragma once

#include "risk_bet.hpp"

namespace lagom {
inline namespace v0 {

/// Says when losses that were within the tolerance have come to be above it, however long it went well before.
///
/// An e-detector of the CUSUM kind: S_t = max(S_{t-1}, 1) (1 + b_t (x_t - tolerance)), S_0 = 1, alarm at S_t >= run. As
/// long as every loss has a conditional mean of at most the tolerance, the mean time to the first (false) alarm is at
/// least `run` losses. b_t is the bet of `risk_bet` where that is positive, else 0: while all is well nothing is
/// staked.
///
/// Source: Shin, Ramdas & Rinaldo 2022, arXiv 2203.03532. The configuration does not change; `state` belongs to the
/// caller, one a stream. After an alarm the state goes on; a fresh one starts again. Losses are in [0, 1]; what is not
/// is counted and left out. Precondition of `step`: `check()` passes. Cost: a logarithm a loss where something is
/// staked, nothing allocated.
struct drift_alarm {
  lagom::tolerance tolerance{};
  double run = 1e5;     ///< mean number of losses between false alarms, at least
  double memory = 100;  ///< losses that the bets remember: fewer notice sooner, more notice smaller drifts

  struct state {
    recent_losses seen{};
    double evidence = 0;  ///< log S_t
    std::int64_t losses = 0;
    std::int64_t refused = 0;
    std::int64_t alarm = -1;  ///< at how many losses it came; -1: not yet
  };

  /// Fails with `out_of_range` for a tolerance that is not between 0 and 1, a memory below 2, a run below 1.
  [[nodiscard]] LAGOM_INLINE result<done> check() const noexcept {
    if (!is_finite(&run) || !(run >= 1)) return failure{.code = errc::out_of_range, .key = "run"};
    return detail::check_monitor<portable>(tolerance, memory);
  }

  /// True from the alarm on.
  LAGOM_INLINE bool step(state& s, double loss) const noexcept {
    if (!is_finite(&loss) || loss < 0 || loss > 1) {
      ++s.refused;
      return s.alarm >= 0;
    }
    s.seen.begin(tolerance.value);
    const double bet = detail::risk_bet(s.seen, tolerance.value);
    if (s.evidence < 0) s.evidence = 0;
    if (bet > 0) s.evidence += std::log1p(bet * (loss - tolerance.value));
    s.seen.push(loss, tolerance.value, memory);
    ++s.losses;
    if (s.alarm < 0 && s.evidence >= detail::log(run)) s.alarm = s.losses;
    return s.alarm >= 0;
  }
};

}  // namespace v0
}  // namespace lagom
