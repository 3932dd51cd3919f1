// SPDX-License-Identifier: MIT
/// @file exit/decode/copy_kv.hpp
/// Skipped layers take the keys and values of the layer before.
#pragma once

#include "kv_policy.hpp"

namespace lagom {
inline namespace v0 {

/// The keys and values of the last layer that ran are copied to all deeper ones: no arithmetic at all, and the coarsest stand-in.
/// Approximate. The engine copies by `copy_kv(l, p)`: layer l of position p takes those of layer l - 1.
struct copy_kv {
  static constexpr std::string_view name = "copy";
  static constexpr kv_exactness exactness = kv_exactness::approximate;

  LAGOM_INLINE bool may_leave(index_t) const noexcept { return true; }
  template <layered_sequence E>
  LAGOM_INLINE void leave(E& engine, layer_index after, index_t position) const {
    for (int l = after.value + 1; l < engine.layers(); ++l) engine.copy_kv(layer_index(l), position);
  }
};

}  // namespace v0
}  // namespace lagom
