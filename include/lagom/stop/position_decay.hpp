// SPDX-License-Identifier: MIT
/// @file stop/position_decay.hpp
/// Thresholds that fall along the sequence.
#pragma once

#include "../core/backend.hpp"
#include "../core/math.hpp"
#include "threshold.hpp"

namespace lagom {
inline namespace v0 {

/// CALM's threshold at token i of at most N: thr(i) = 0.9 thr + 0.1 thr exp(-T i / N). An early mistake spreads, a late
/// one does not; so it begins at `threshold` and falls towards 0.9 of it.
///
/// Source: Schuster et al. 2022, arXiv 2207.07061; FREE (arXiv 2310.05424) uses the same.
/// ```cpp
/// const lagom::position_decay decay{.threshold = 0.8, .length = 512};
/// policy.rule = decay.rule(i);                                   // before token i
/// ```
/// Preconditions: 0 <= threshold, 0 <= temperature, length > 0, position >= 0; 0 is the first token that is generated.
struct position_decay {
  double threshold = 0.8;
  double temperature = 4;  ///< T
  int length = 512;        ///< N, the most tokens that are generated

  [[nodiscard]] LAGOM_LEAF constexpr double at(int position) const noexcept {
    LAGOM_ASSERT(length > 0 && position >= 0 && temperature >= 0);
    return threshold * (0.9 + 0.1 * exp_nonpositive(-temperature * position / length));
  }
  /// The rule at that position. CALM stops at the threshold, FREE above it.
  template <class Comparator = at_least>
  [[nodiscard]] LAGOM_LEAF constexpr lagom::threshold<Comparator> rule(int position,
                                                                       int feature = 0) const noexcept {
    return {.value = static_cast<float>(at(position)), .feature = feature};
  }
};

/// The decay as CALM's program has it: the position is never passed on and stays 0, so the threshold never falls. For
/// reproducing its results.
struct position_decay_released {
  double threshold = 0.8;

  [[nodiscard]] LAGOM_LEAF constexpr double at(int) const noexcept { return threshold; }
  template <class Comparator = at_least>
  [[nodiscard]] LAGOM_LEAF constexpr lagom::threshold<Comparator> rule(int, int feature = 0) const noexcept {
    return {.value = static_cast<float>(threshold), .feature = feature};
  }
};

}  // namespace v0
}  // namespace lagom
