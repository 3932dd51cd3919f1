// SPDX-License-Identifier: MIT
/// @file exit/decode/draft_source.hpp
/// What a draft is read from: the model's own head, or anything else.
#pragma once

#include "layered_sequence.hpp"

namespace lagom {
inline namespace v0 {

/// Reads a draft from the state of the newest position, which the drafting layers have left: `stats(engine, position)` gives
/// its softmax statistics; for `sampled_drafts`, `logits(engine, position, to)` its logits. Verification never asks a
/// source, so no source changes what comes out, only how much of it was drafted. `own_head` and `module_head` are sources.
template <class S, class E>
concept draft_source = layered_sequence<E> && requires(S& from, E& engine, index_t p) {
  { from.stats(engine, p) } -> std::same_as<softmax_stats<accumulator_t<typename E::scalar_type>>>;
};

/// The model's own final norm and head.
struct own_head {
  template <layered_sequence E>
  [[nodiscard]] LAGOM_INLINE auto stats(E& engine, index_t position) const {
    return engine.probe(engine.hidden(position));
  }
  template <layered_sequence E, class To>
  LAGOM_INLINE void logits(E& engine, index_t position, const To& to) const {
    engine.logits(engine.hidden(position), to);
  }
};

namespace detail {
/// The layer that the state of a position comes out of. Precondition: one has run.
template <layered_sequence E>
[[nodiscard]] LAGOM_INLINE layer_index last_layer_of(const E& engine, index_t position) {
  int l = 0;
  while (l + 1 < engine.layers() && engine.held(layer_index(l + 1)) > position) ++l;
  return layer_index(l);
}
}  // namespace detail

}  // namespace v0
}  // namespace lagom
