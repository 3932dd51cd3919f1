// SPDX-License-Identifier: MIT
/// @file exit/decode/defer_batch.hpp
/// Skipped layers run later, for all tokens that skipped them together.
#pragma once

#include "kv_policy.hpp"

namespace lagom {
inline namespace v0 {

/// The state waits, and the first token that goes deeper takes along all that wait there: layer l runs over `held(l)` to the
/// newest position, in one pass over its weights (FREE, arXiv 2310.05424, section 3.2, with one exit; here exits may differ, since
/// a token never waits above one that came after it). Exact. Saves reading weights, not operations; work still deferred when
/// the text ends is never done.
struct defer_batch {
  static constexpr std::string_view name = "defer_batch";
  static constexpr kv_exactness exactness = kv_exactness::exact;
  index_t most = 16;  ///< tokens that may wait; the next one then runs to the end

  LAGOM_INLINE bool may_leave(index_t deferred) const noexcept { return deferred < most; }
  template <layered_sequence E>
  LAGOM_INLINE void leave(E&, layer_index, index_t) const noexcept {}
};

}  // namespace v0
}  // namespace lagom
