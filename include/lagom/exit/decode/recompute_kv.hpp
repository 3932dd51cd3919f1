// SPDX-License-Identifier: MIT
/// @file exit/decode/recompute_kv.hpp
/// Skipped layers run later, from the first layer on.
#pragma once

#include "kv_policy.hpp"

namespace lagom {
inline namespace v0 {

/// No state is kept: the next token brings all that miss layers with it, from their embeddings (EE-LLM, arXiv 2312.04916,
/// section 4.1). Exact. What the first layers did is done again with every token, so the work grows with the square of the tokens
/// that wait: the bound matters more here than anywhere.
/// The engine begins again by `rewind(p)`: positions from p on have their embeddings as states, and no layer holds them.
struct recompute_kv {
  static constexpr std::string_view name = "recompute";
  static constexpr kv_exactness exactness = kv_exactness::exact;
  index_t most = 8;  ///< tokens that may wait; the next one then runs to the end

  LAGOM_INLINE bool may_leave(index_t deferred) const noexcept { return deferred < most; }
  template <layered_sequence E>
  LAGOM_INLINE void leave(E& engine, layer_index, index_t) const {
    engine.rewind(engine.held(layer_index(engine.layers() - 1)));
  }
};

}  // namespace v0
}  // namespace lagom
