// SPDX-License-Identifier: MIT
/// @file signal/mlp_cosine.hpp
#pragma once

#include "cosine_of.hpp"

namespace lagom {
inline namespace v0 {

/// Cosine similarity of the MLP outputs (before the residual) of this layer and the previous one: AdaInfer's second analysis feature.
///
/// Source: Fan et al. 2024, arXiv 2403.02181.
/// In [-1, 1]; 0 at the first layer and for zero vectors.
/// Cost: 3 h multiply-adds, 2 h elements read; no pass over the head.
struct mlp_cosine {
  static constexpr std::string_view name = "mlp_cosine";
  static constexpr std::size_t width = 1;
  static constexpr need needs = need::mlp | need::prev_mlp;

  template <backend B, scalar T>
  LAGOM_LEAF void operator()(const basic_layer_obs<T>& o, const B& b, float* out) const noexcept {
    detail::cosine_of(b, o.mlp, o.prev_mlp, out);
  }
};

}  // namespace v0
}  // namespace lagom
