// SPDX-License-Identifier: MIT
/// @file stop/fit_logistic.hpp
/// Fitting logistic regression.
#pragma once

#include "fit_linear_svm.hpp"
#include "logistic.hpp"
#include "twice_atanh.hpp"

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
  static constexpr bool slow = true;
  template <class T>
  LAGOM_INLINE static void at(T m, T& value, T& slope, T& curvature) noexcept {
    const T e = exp_nonpositive(m < 0 ? m : -m);
    const T p = 1 / (1 + e), q = m < 0 ? p : e * p;  // q = 1 / (1 + e^m)
    value = (m < 0 ? -m : T(0)) + twice_atanh(e / (2 + e));
    slope = -q;
    curvature = q - q * q;
  }
};
}  // namespace detail

/// Fits logistic regression on the first N features, exactly, by Newton. Deterministic, whatever runs it.
/// Cost and failures are those of `fit(linear_svm_config, ...)` with the squared hinge.
template <std::size_t N, backend B = portable, executor E = seq>
result<fitted<standardized<logistic<N>>>> fit(const logistic_config& config, const dataset_view& data,
                                              const E& run = {}) {
  return detail::fit_by_newton<logistic, N, B, detail::logistic_loss>(config, data, run);
}

}  // namespace v0
}  // namespace lagom
