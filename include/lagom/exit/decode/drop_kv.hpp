// SPDX-License-Identifier: MIT
/// @file exit/decode/drop_kv.hpp
/// Skipped layers never hear of the token.
#pragma once

#include "kv_policy.hpp"

namespace lagom {
inline namespace v0 {

/// Deeper layers do without the position: later tokens attend there to those that remain. Approximate, and free.
/// The engine passes over it by `skip_kv(l, p)`: layer l holds one position more, with nothing in it.
struct drop_kv {
  static constexpr std::string_view name = "drop";
  static constexpr kv_exactness exactness = kv_exactness::approximate;

  LAGOM_INLINE bool may_leave(index_t) const noexcept { return true; }
  template <layered_sequence E>
  LAGOM_INLINE void leave(E& engine, layer_index after, index_t position) const {
    for (int l = after.value + 1; l < engine.layers(); ++l) engine.skip_kv(layer_index(l), position);
  }
};

}  // namespace v0
}  // namespace lagom
