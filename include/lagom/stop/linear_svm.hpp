// SPDX-License-Identifier: MIT
/// @file stop/linear_svm.hpp
/// A linear decision function.
#pragma once

#include "stop_rule.hpp"

namespace lagom {
inline namespace v0 {

namespace detail {
/// w . x + b over the first N features.
template <std::size_t N>
LAGOM_LEAF constexpr float affine(const float (&w)[N], float b, vec_view<const float> x) noexcept {
  LAGOM_ASSERT(x.size() >= static_cast<index_t>(N));
  float sum = b;
  for (std::size_t j = 0; j < N; ++j) sum += w[j] * x[static_cast<index_t>(j)];
  return sum;
}
}  // namespace detail

/// Linear support vector machine: stops when w . x + b >= 0. AdaInfer's main classifier with N = 2 (gap and
/// top_prob). Weights can be constants of the program:
/// ```cpp
/// constexpr lagom::linear_svm<2> svm{{3.1f, 1.2f}, -2.0f};
/// ```
/// Cost: N multiply-adds. Fitted by `fit(linear_svm_config, dataset)`.
template <std::size_t N>
struct linear_svm {
  float weights[N] = {};
  float bias = 0;

  static constexpr std::size_t width = N;
  using state = no_state;

  LAGOM_LEAF constexpr float step(state&, vec_view<const float> x) const noexcept {
    return detail::affine(weights, bias, x);
  }
};

}  // namespace v0
}  // namespace lagom
