// SPDX-License-Identifier: MIT
/// @file signal/gap.hpp
#pragma once

#include "exit_signal.hpp"

namespace lagom {
inline namespace v0 {

/// p(1) - p(2), the margin of the best token over the second: AdaInfer's main feature, CALM's `softmax_diff`.
///
/// Source: Fan et al. 2024, arXiv 2403.02181; Schuster et al. 2022, arXiv 2207.07061.
/// In [0, 1]; 1 over a one-token vocabulary, 0 when the statistics are not valid.
/// Reads the softmax statistics; costs a few operations beyond them.
struct gap {
  static constexpr std::string_view name = "gap";
  static constexpr std::size_t width = 1;
  static constexpr need needs = need::probabilities;

  template <backend B, scalar T>
  LAGOM_LEAF void operator()(const basic_layer_obs<T>& o, const B&, float* out) const noexcept {
    out[0] = static_cast<float>(o.stats.gap());
  }
};

}  // namespace v0
}  // namespace lagom
