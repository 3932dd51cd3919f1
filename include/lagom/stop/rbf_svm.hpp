// SPDX-License-Identifier: MIT
/// @file stop/rbf_svm.hpp
/// Support vector machine with a Gaussian kernel.
#pragma once

#include <vector>

#include "../core/math.hpp"
#include "stop_rule.hpp"

namespace lagom {
inline namespace v0 {

/// Stops when sum_i coefficient_i exp(-gamma |x - s_i|^2) + bias >= 0.
///
/// `Array` holds the support vectors (feature by feature: all first features, then all second ones, ...) and
/// their coefficients alpha_i y_i: `std::vector<float>` owns them, `std::array` makes a constant of the program,
/// `vec_view<const float>` sees a device buffer. Cost: (N + 1) multiply-adds and one exponential a support
/// vector. Fitted by `fit(rbf_svm_config, dataset)`.
template <std::size_t N, class Array = std::vector<float>>
struct rbf_svm {
  Array support{};       ///< N x support vectors
  Array coefficients{};  ///< alpha_i y_i
  float gamma = 1;
  float bias = 0;

  static constexpr std::size_t width = N;
  using state = no_state;

  /// Number of support vectors.
  [[nodiscard]] LAGOM_LEAF constexpr index_t vectors() const noexcept { return as_vec(coefficients).size(); }

  LAGOM_LEAF float step(state&, vec_view<const float> x) const noexcept {
    constexpr index_t lanes = 16;
    const auto s = as_vec(support);
    const auto c = as_vec(coefficients);
    const index_t n = c.size();
    LAGOM_ASSERT(s.contiguous() && c.contiguous() && s.size() == static_cast<index_t>(N) * n);
    float sum[lanes] = {};
    for (index_t i = 0; i < n; i += lanes) {
      const index_t m = n - i < lanes ? n - i : lanes;
      float distance[lanes] = {};
      for (index_t f = 0; f < static_cast<index_t>(N); ++f) {
        const float* LAGOM_RESTRICT from = s.data() + f * n + i;
        for (index_t j = 0; j < m; ++j) distance[j] += (x[f] - from[j]) * (x[f] - from[j]);
      }
      const float* LAGOM_RESTRICT weight = c.data() + i;
      for (index_t j = 0; j < m; ++j) sum[j] += weight[j] * exp_nonpositive(-gamma * distance[j]);
    }
    float total = bias;
    for (const float part : sum) total += part;
    return total;
  }
};

}  // namespace v0
}  // namespace lagom
