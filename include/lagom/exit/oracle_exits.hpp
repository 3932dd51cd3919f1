// SPDX-License-Identifier: MIT
/// @file exit/oracle_exits.hpp
/// The earliest layers that would have done: the upper bound of what any rule can save.
#pragma once

#include "evaluate.hpp"
#include "exit_costs.hpp"

namespace lagom {
inline namespace v0 {

/// First layer whose best token is the full model's answer. The last layer's always is.
template <trace_kind Kind>
[[nodiscard]] LAGOM_INLINE layer_index earliest_agreeing(const trace<Kind>& t, index_t row) noexcept {
  int l = 0;
  while (l + 1 < t.layers() && !(t.stats(row, l).valid() && t.stats(row, l).top == t.final_token(row))) ++l;
  return l;
}

/// First layer from which on every layer answers as the full model does: CALM's `oracle_tok_consistency`, DeeBERT's and
/// PABEE's hindsight.
template <trace_kind Kind>
[[nodiscard]] LAGOM_INLINE layer_index earliest_consistent(const trace<Kind>& t, index_t row) noexcept {
  int l = t.layers() - 1;
  while (l > 0 && t.stats(row, l - 1).valid() && t.stats(row, l - 1).top == t.final_token(row)) --l;
  return l;
}

/// What hindsight would have cost, on average.
struct oracle_cost {
  mean_layers_used used{};
  double free = 0;  ///< mean cost of a row whose probes are free: its blocks, what it owes, one head
  double charged =
      0;  ///< the same with a head and a decision at every layer before the stop, and a decision there
};

/// Sums up the stops `stop(row)` over the rows for which `keep(row)` is true. The free cost bounds from below what a rule
/// costs that stops where the loss that defines the oracle allows. No rows: all 0.
template <backend B = portable, trace_kind Kind, class Stop, class Keep = every_row>
[[nodiscard]] oracle_cost oracle_exits(const trace<Kind>& t, const exit_costs& costs, const Stop& stop,
                                       const Keep& keep = {}) {
  oracle_cost sum;
  double n = 0;
  for (index_t row = 0; row < t.rows(); ++row) {
    if (!keep(row)) continue;
    const layer_index at = stop(row);
    LAGOM_ASSERT(0 <= at.value && at.value < t.layers());
    const double used = at.value + 1.0, skipped = t.layers() - used;
    const double decisions = used - (skipped > 0 ? 0 : 1);  // the last layer is not tested
    const double blocks = used * costs.block + skipped * costs.skipped;
    sum.used.value += used;
    sum.free += blocks + costs.head;
    sum.charged += blocks + used * costs.head + decisions * costs.decision;
    ++n;
  }
  if (n > 0) {
    sum.used.value /= n;
    sum.free /= n;
    sum.charged /= n;
  }
  return sum;
}

}  // namespace v0
}  // namespace lagom
