// SPDX-License-Identifier: MIT
/// @file stop/calibrate/mixture_threshold.hpp
/// From a Beta mixture to a threshold.
#pragma once

#include "beta_mixture.hpp"

namespace lagom {
inline namespace v0 {

/// Did a threshold come to the end of its grid?
enum class saturation : std::uint8_t {
  none,
  lowest,   ///< all of the grid passes: the components hardly differ, or hardly anything is wrong
  highest,  ///< none of it does: no confidence is enough
};

/// A threshold of FREE, and whether it is one.
struct mixture_threshold {
  double value = 0.9;
  saturation saturated = saturation::highest;
};

/// Point i = 0 ... 9 of the grid: 0.3 to 0.9 at equal distances.
[[nodiscard]] LAGOM_LEAF constexpr double mixture_grid(int i) noexcept {
  return i == 9 ? 0.9 : 0.3 + i * ((0.9 - 0.3) / 9);
}

/// How likely a confidence x belongs to the component of larger mean, the two being equally frequent: p_i(x) / (p_0(x)
/// + p_1(x)).
template <backend B = portable>
[[nodiscard]] double mixture_ratio(const beta_mixture& m, double x) noexcept {
  const int i = m.component[1].mean() > m.component[0].mean() ? 1 : 0;
  return sigmoid(m.component[i].log_density(x) - m.component[1 - i].log_density(x));
}

/// The threshold of a mixture, on the grid: where the ratio is above 0.4.
///
/// `paper` and `released` count the points that pass and take so many from the top, as if the ratio grew with the
/// confidence; `fixed` takes the lowest point from which on all pass. If none does, 0.9. Cost: 20 densities.
template <backend B = portable>
[[nodiscard]] mixture_threshold threshold_of(const beta_mixture& m,
                                             mixture_mode mode = mixture_mode::fixed) noexcept {
  int passing = 0, from_top = 0;
  for (int i = 9; i >= 0; --i) {
    const bool passes = mixture_ratio<B>(m, mixture_grid(i)) > 0.4;
    if (passes && from_top == 9 - i) ++from_top;
    passing += passes;
  }
  const int counted = mode == mixture_mode::fixed ? from_top : passing;
  return {mixture_grid(counted > 0 ? 10 - counted : 9), counted == 0    ? saturation::highest
                                                        : counted == 10 ? saturation::lowest
                                                                        : saturation::none};
}

}  // namespace v0
}  // namespace lagom
