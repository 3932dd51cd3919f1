// SPDX-License-Identifier: MIT
/// @file stop/calibrate/risk_monitor.hpp
#pragma once

#include "risk_bet.hpp"

namespace lagom {
inline namespace v0 {

/// What a monitor has shown so far.
enum class risk_verdict : std::uint8_t {
  open,      ///< neither
  kept,      ///< the mean loss was below the tolerance
  exceeded,  ///< the mean loss was above the tolerance
};

/// Watches a stream of losses and says at any time whether the tolerance is kept: testing by betting, valid at every
/// look.
///
/// Two players begin with 1. One bets that losses are above the tolerance: capital prod (1 + b_t (x_t - tolerance)),
/// one that they are below. If every loss has a conditional mean of at most the tolerance, the first ever reaches 1 /
/// error_rate with probability at most error_rate (Ville's inequality), and likewise the second if it is at least that.
/// The bets b_t come from the losses before (`risk_bet`); whatever they are the guarantee holds, good bets are quick.
///
/// Source: Waudby-Smith & Ramdas 2020, arXiv 2010.09686. The configuration does not change; `state` belongs to the
/// caller, one a stream. A verdict stays. For a stream that may turn bad after a long good time take a `drift_alarm`.
/// ```cpp
/// const lagom::risk_monitor monitor{.tolerance = lagom::tolerance{0.05}, .error_rate = lagom::error_rate{0.01}};
/// lagom::risk_monitor::state s;
/// if (monitor.step(s, loss) == lagom::risk_verdict::exceeded) fall_back_to_full_depth();
/// ```
/// Losses are in [0, 1]; what is not (or no number) is counted and left out. Precondition of `step`: `check()` passes.
/// Cost: two logarithms a loss, nothing allocated.
struct risk_monitor {
  lagom::tolerance tolerance{};
  lagom::error_rate error_rate{};
  double memory = 500;  ///< losses that the bets remember

  struct state {
    recent_losses seen{};
    double above = 0, below = 0;  ///< logarithms of the two capitals
    std::int64_t losses = 0;
    std::int64_t refused = 0;
    risk_verdict verdict = risk_verdict::open;
  };

  /// Fails with `out_of_range` for a tolerance or an error rate that is not between 0 and 1, a memory below 2.
  [[nodiscard]] LAGOM_INLINE result<done> check() const noexcept {
    if (auto ok = detail::check_monitor<portable>(tolerance, memory); !ok) return ok;
    return detail::check_error_rate<portable>(error_rate);
  }

  LAGOM_INLINE risk_verdict step(state& s, double loss) const noexcept {
    if (!is_finite(&loss) || loss < 0 || loss > 1) {
      ++s.refused;
      return s.verdict;
    }
    s.seen.begin(tolerance.value);
    const double bet = detail::risk_bet(s.seen, tolerance.value),
                 gain = std::log1p(bet * (loss - tolerance.value));
    (bet > 0 ? s.above : s.below) += gain;
    s.seen.push(loss, tolerance.value, memory);
    ++s.losses;
    const double goal = -detail::log(error_rate.value);
    if (s.verdict == risk_verdict::open && s.above >= goal) s.verdict = risk_verdict::exceeded;
    if (s.verdict == risk_verdict::open && s.below >= goal) s.verdict = risk_verdict::kept;
    return s.verdict;
  }
};

}  // namespace v0
}  // namespace lagom
