// SPDX-License-Identifier: MIT
/// @file signal/top_prob.hpp
#pragma once

#include "exit_signal.hpp"

namespace lagom {
inline namespace v0 {

/// p(1), the probability of the best token: the second input of AdaInfer's classifier.
///
/// Source: Fan et al. 2024, arXiv 2403.02181; CALM's `softmax_max`.
/// In (0, 1]; 0 when the statistics are not valid.
/// Reads the softmax statistics; costs a few operations beyond them.
struct top_prob {
  static constexpr std::string_view name = "top_prob";
  static constexpr std::size_t width = 1;
  static constexpr need needs = need::probabilities;

  template <backend B, scalar T>
  LAGOM_LEAF void operator()(const basic_layer_obs<T>& o, const B&, float* out) const noexcept {
    out[0] = static_cast<float>(o.stats.top_prob());
  }
};

}  // namespace v0
}  // namespace lagom
