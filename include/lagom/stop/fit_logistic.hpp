// SPDX-License-Identifier: MIT
/// @file stop/fit_logistic.hpp
/// Fitting logistic regression.
#pragma once

#include "fit_linear_svm.hpp"
#include "logistic.hpp"

namespace lagom {
inline namespace v0 {

/// min 1/2 |w|^2 (+ 1/2 b^2 if the bias is regularised) + C sum_i weight_i log(1 + exp(-y_i (w . x_i + b))):
/// scikit-learn's `LogisticRegression(C=C)` with the default, unregularised bias.
struct logistic_config {
  double C = 1;
  bias_term bias = bias_term::unregularised;
  double positive_weight = 1;
  double negative_weight = 1;
  bool balanced = false;
  bool standardize = true;
  double tolerance = 1e-10;
  int max_iterations = 200;
};

namespace detail {
struct logistic_loss {
  LAGOM_INLINE static double value(double m) noexcept { return softplus(-m); }
  LAGOM_INLINE static double slope(double m) noexcept { return -sigmoid(-m); }
  LAGOM_INLINE static double curvature(double m) noexcept {
    const double p = sigmoid(m);
    return p * (1 - p);
  }
};
}  // namespace detail

/// Fits logistic regression on the first N features, exactly, by Newton. Deterministic.
/// Fails like `fit(linear_svm_config, ...)`.
template <std::size_t N, backend B = portable>
result<fitted<standardized<logistic<N>>>> fit(const logistic_config& config, const dataset_view& data) {
  return detail::fit_linear<logistic, N, B>(config, data, [&](const auto& problem, fit_report& report) {
    return detail::newton<N, B, detail::logistic_loss>(problem, config.tolerance, config.max_iterations,
                                                       report);
  });
}

}  // namespace v0
}  // namespace lagom
