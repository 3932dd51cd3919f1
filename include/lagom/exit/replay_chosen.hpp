// SPDX-License-Identifier: MIT
/// @file exit/replay_chosen.hpp
/// Exits that are chosen before the forward pass, over a trace.
#pragma once

#include "replay.hpp"

namespace lagom {
inline namespace v0 {

/// The outcomes of leaving every row at the layer that `choose(row)` names, without probes on the way: one pass over the
/// head each, for the answer. Rows for which `keep(row)` is false are left out. What `evaluate` takes.
/// Precondition: choose gives layers of the model.
template <backend B = portable, trace_kind Kind, class Choose, class Keep = every_row>
[[nodiscard]] replayed<Kind> replay_chosen(const trace<Kind>& recorded, const Choose& choose,
                                           const Keep& keep = {}) {
  replayed<Kind> result;
  result.first_probed = 0;
  result.outcomes.resize(static_cast<std::size_t>(recorded.rows()));
  for (index_t row = 0; row < recorded.rows(); ++row) {
    if (!keep(row)) continue;
    const layer_index stop = choose(row);
    LAGOM_ASSERT(0 <= stop.value && stop.value < recorded.layers());
    result.outcomes[static_cast<std::size_t>(row)] = {stop, recorded.stats(row, stop).top, 1};
  }
  return result;
}

}  // namespace v0
}  // namespace lagom
