// SPDX-License-Identifier: MIT
/// @file exit/decode/fill_kv.hpp
/// Skipped layers run at once, after the answer is out.
#pragma once

#include "kv_policy.hpp"

namespace lagom {
inline namespace v0 {

/// The answer leaves early and the token goes on: its latency is saved, its work is not. Exact. With the layers spread over a
/// pipeline, the later stages fill while the next token begins (EE-LLM, arXiv 2312.04916, section 4.2); in one process the next
/// token waits, and what is won is time to the answer only.
struct fill_kv {
  static constexpr std::string_view name = "fill";
  static constexpr kv_exactness exactness = kv_exactness::exact;

  LAGOM_INLINE bool may_leave(index_t) const noexcept { return true; }
  template <layered_sequence E>
  LAGOM_INLINE void leave(E& engine, layer_index after, index_t) const {
    for (int l = after.value + 1; l < engine.layers(); ++l) detail::catch_up(engine, layer_index(l));
  }
};

}  // namespace v0
}  // namespace lagom
