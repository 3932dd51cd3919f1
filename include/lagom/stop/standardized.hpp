// SPDX-License-Identifier: MIT
/// @file stop/standardized.hpp
/// Feature standardisation as part of the model, so that it travels with the classifier.
#pragma once

#include "stop_rule.hpp"

namespace lagom {
inline namespace v0 {

/// x_j -> (x_j - mean_j) * inverse_deviation_j.
template <std::size_t N>
struct scaler {
  float mean[N] = {};
  float inverse_deviation[N] = {};

  LAGOM_LEAF constexpr void operator()(vec_view<const float> x, float* scaled) const noexcept {
    for (std::size_t j = 0; j < N; ++j) {
      scaled[j] = (x[static_cast<index_t>(j)] - mean[j]) * inverse_deviation[j];
    }
  }
};

/// A rule that sees standardised features: what every `fit` returns.
template <stop_rule Rule>
struct standardized {
  static constexpr std::size_t width = Rule::width;
  using rule_type = Rule;
  using state = typename Rule::state;

  scaler<width> scale{};
  Rule rule{};

  LAGOM_LEAF float step(state& s, vec_view<const float> x) const noexcept {
    float scaled[width];
    scale(x, scaled);
    return rule.step(s, vec_view<const float>(scaled, width));
  }
};

}  // namespace v0
}  // namespace lagom
