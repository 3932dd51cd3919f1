// SPDX-License-Identifier: MIT
/// @file exit/decode/propagate_kv.hpp
/// Skipped layers project their keys and values from the exit state.
#pragma once

#include "kv_policy.hpp"

namespace lagom {
inline namespace v0 {

/// The state is propagated: every skipped layer makes keys and values of the exit state, by its own norm and projections, as
/// CALM and LITE do (Schuster et al. 2022, arXiv 2207.07061, section 3.4; arXiv 2310.18581). Approximate, but for the first skipped
/// layer, whose input the exit state is: leaving before the last layer alone costs later tokens nothing.
/// The engine projects by `project_kv(l, p)`. Cost: `cost::kv_projection` a layer, 2 to 17 % of the layer.
struct propagate_kv {
  static constexpr std::string_view name = "propagate";
  static constexpr kv_exactness exactness = kv_exactness::approximate;

  LAGOM_INLINE bool may_leave(index_t) const noexcept { return true; }
  template <layered_sequence E>
  LAGOM_INLINE void leave(E& engine, layer_index after, index_t position) const {
    for (int l = after.value + 1; l < engine.layers(); ++l) engine.project_kv(layer_index(l), position);
  }
};

}  // namespace v0
}  // namespace lagom
