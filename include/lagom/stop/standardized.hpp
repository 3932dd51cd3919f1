// SPDX-License-Identifier: MIT
/// @file stop/standardized.hpp
/// Feature standardisation as part of the model, so that it travels with the classifier.
#pragma once

#include <array>

#include "stop_rule.hpp"

namespace lagom {
inline namespace v0 {

/// x_j -> (x_j - mean_j) * inverse_deviation_j.
template <std::size_t N>
struct scaler {
  std::array<float, N> mean{};
  std::array<float, N> inverse_deviation{};

  LAGOM_LEAF constexpr std::array<float, N> operator()(vec_view<const float> x) const noexcept {
    std::array<float, N> scaled{};
    for (std::size_t j = 0; j < N; ++j) {
      scaled[j] = (x[static_cast<index_t>(j)] - mean[j]) * inverse_deviation[j];
    }
    return scaled;
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
    const auto scaled = scale(x);
    return rule.step(s, vec_view<const float>(scaled.data(), scaled.size()));
  }
};

}  // namespace v0
}  // namespace lagom
