// SPDX-License-Identifier: MIT
/// @file signal/hidden_cosine.hpp
#pragma once

#include "cosine_of.hpp"

namespace lagom {
inline namespace v0 {

/// Cosine similarity of the block outputs of this layer and the previous one: CALM's `state` measure, AdaInfer's third analysis feature.
///
/// Source: Fan et al. 2024, arXiv 2403.02181; Schuster et al. 2022, arXiv 2207.07061.
/// In [-1, 1]; 0 for zero vectors and where there is no previous state (an engine may show the embedding to the first
/// layer).
/// Cost: 3 h multiply-adds, 2 h elements read; no pass over the head.
struct hidden_cosine {
  static constexpr std::string_view name = "hidden_cosine";
  static constexpr std::size_t width = 1;
  static constexpr need needs = need::hidden | need::prev_hidden;

  template <backend B, scalar T>
  LAGOM_LEAF void operator()(const basic_layer_obs<T>& o, const B& b, float* out) const noexcept {
    detail::cosine_of(b, o.hidden, o.prev_hidden, out);
  }
};

}  // namespace v0
}  // namespace lagom
