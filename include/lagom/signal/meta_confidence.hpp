// SPDX-License-Identifier: MIT
/// @file signal/meta_confidence.hpp
#pragma once

#include "../kernel/dot.hpp"
#include "exit_signal.hpp"

namespace lagom {
inline namespace v0 {

/// The confidence of a linear head with two classes on the hidden state: softmax(W h + b)[1] = sigmoid((w_1 - w_0) . h
/// + b_1 - b_0). CALM's and FREE's `meta` measure: trained to say whether this layer's answer is the last one's.
///
/// Source: Schuster et al. 2022, arXiv 2207.07061; Bae et al. 2023, arXiv 2310.05424. Sees `weights`, the difference
/// w_1 - w_0 of the two rows; they must outlive it. In [0, 1]; NaN states give NaN, which stops no model. Reads the
/// hidden state only: the head is passed once, at the exit. Cost: h multiply-adds.
struct meta_confidence {
  static constexpr std::string_view name = "meta_confidence";
  static constexpr std::size_t width = 1;
  static constexpr need needs = need::hidden;

  vec_view<const float> weights{};
  float bias = 0;  ///< b_1 - b_0

  template <backend B, scalar T>
  LAGOM_LEAF void operator()(const basic_layer_obs<T>& o, const B& b, float* out) const noexcept {
    const auto score = dot(b, o.hidden, weights) + static_cast<accumulator_t<T, float>>(bias);
    out[0] = is_finite(&score) ? static_cast<float>(sigmoid(score)) : static_cast<float>(score);
  }
};

}  // namespace v0
}  // namespace lagom
