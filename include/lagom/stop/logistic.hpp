// SPDX-License-Identifier: MIT
/// @file stop/logistic.hpp
/// Logistic regression.
#pragma once

#include "../core/math.hpp"
#include "linear_svm.hpp"

namespace lagom {
inline namespace v0 {

/// P(stop is right | x) = sigmoid(w . x + b); stops at P >= `probability`.
///
/// The score is on the log-odds scale: w . x + b - logit(probability). At the default 0.5 it is the linear
/// decision function itself. Cost: N multiply-adds. Fitted by `fit(logistic_config, dataset)`.
template <std::size_t N>
struct logistic {
  float weights[N] = {};
  float bias = 0;
  float log_odds = 0;  ///< stop at these log-odds or more: log(p / (1 - p))

  static constexpr std::size_t width = N;
  using state = no_state;

  LAGOM_LEAF constexpr float step(state&, vec_view<const float> x) const noexcept {
    return detail::affine(weights, bias, x) - log_odds;
  }

  /// The probability itself.
  [[nodiscard]] LAGOM_LEAF constexpr float probability(vec_view<const float> x) const noexcept {
    return sigmoid(detail::affine(weights, bias, x));
  }

  /// The same classifier, stopping at another probability. Precondition: 0 < p < 1.
  [[nodiscard]] LAGOM_LEAF logistic at(float p) const noexcept {
    LAGOM_ASSERT(p > 0 && p < 1);
    logistic other = *this;
    other.log_odds = detail::log(p / (1 - p));
    return other;
  }
};

}  // namespace v0
}  // namespace lagom
