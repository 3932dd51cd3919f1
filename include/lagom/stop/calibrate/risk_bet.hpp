// SPDX-License-Identifier: MIT
/// @file stop/calibrate/risk_bet.hpp
/// Bets on whether the next loss is above or below a tolerance.
#pragma once

#include <cmath>

#include "loss_sum.hpp"

namespace lagom {
inline namespace v0 {

/// What was seen of a stream of losses, older ones less: mean and variance with exponential forgetting. They begin as
/// if one loss had been seen, of the tolerance's own mean and variance.
struct recent_losses {
  double weight = 0;  ///< 0: nothing begun
  double mean = 0;
  double variance = 0;

  /// Begins, or takes in a loss; it weighs 1 / memory once so many were seen.
  LAGOM_LEAF constexpr void push(double loss, double limit, double memory) noexcept {
    begin(limit);
    weight = weight + 1 < memory ? weight + 1 : memory;
    const double d = loss - mean, part = 1 / weight;
    mean += part * d;
    variance = (1 - part) * (variance + part * d * d);
  }
  LAGOM_LEAF constexpr void begin(double limit) noexcept {
    if (weight > 0) return;
    *this = {1, limit, limit * (1 - limit)};
  }
};

namespace detail {

/// The share of capital to bet on the next loss being above `limit` (positive) or below (negative): Kelly's to second
/// order, (mean - limit) / (variance + (mean - limit)^2), at most half of what could be lost (Waudby-Smith & Ramdas
/// 2020, arXiv 2010.09686, "aGRAPA").
LAGOM_LEAF constexpr double risk_bet(const recent_losses& seen, double limit) noexcept {
  const double d = seen.mean - limit, room = seen.variance + d * d;
  const double most = 0.5 / limit, least = -0.5 / (1 - limit);
  if (!(room > 1e-300)) return d > 0 ? most : d < 0 ? least : 0;
  const double share = d / room;
  return share > most ? most : share < least ? least : share;
}

/// Settings that a monitor cannot run with.
template <backend B>
result<done> check_monitor(tolerance limit, double memory) noexcept {
  if (!is_finite(&limit.value) || !(limit.value > 0 && limit.value < 1))
    return failure{.code = errc::out_of_range, .key = "tolerance"};
  if (!is_finite(&memory) || !(memory >= 2)) return failure{.code = errc::out_of_range, .key = "memory"};
  return done{};
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
