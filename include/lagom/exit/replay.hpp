// SPDX-License-Identifier: MIT
/// @file exit/replay.hpp
/// Any policy over a trace, without the model.
#pragma once

#include "exit_policy.hpp"
#include "trace_features.hpp"

namespace lagom {
inline namespace v0 {

/// What a policy did with one row. A row that was left out has stop -1.
struct exit_outcome {
  layer_index stop{-1};
  token_id token = no_token;
  int probes = 0;
};

/// The outcomes of a replay, row by row. `exact` says whether the model itself, run under the policy, would have
/// done the same: true where no recorded token depends on an earlier stop. Over teacher-forced tokens this holds for
/// an engine whose skipped layers get their exact keys and values; one that copies the exit state into the cache
/// changes the states of later tokens, and no replay can know.
template <trace_kind Kind>
struct replayed {
  static constexpr bool exact = Kind != trace_kind::free_running;
  std::vector<exit_outcome> outcomes;
  layer_index first_probed{-1};  ///< the first layer that the schedule looks at; -1 = none
};

/// Keeps every row.
struct every_row {
  LAGOM_INLINE constexpr bool operator()(index_t) const noexcept { return true; }
};

/// Runs `policy` over the rows of the trace for which `keep(row)` is true: the same code as live, fed with
/// recorded statistics. Fails with `wrong_features` when a signal needs what was not recorded.
/// Cost: rows x layers rule steps; no head is passed.
template <trace_kind Kind, class... Ss, stop_rule R, schedule S, backend B, class Keep = every_row>
result<replayed<Kind>> replay(const trace<Kind>& recorded,
                              const exit_policy<features<Ss...>, R, S, B>& policy, const Keep& keep = {}) {
  using columns = trace_features<features<Ss...>, Kind>;
  auto made = columns::make(policy.features, recorded);
  if (!made) return made.error();
  exit_policy<columns, R, S, B> shadow{*made, policy.rule, policy.schedule, policy.backend};
  replayed<Kind> result;
  result.outcomes.reserve(static_cast<std::size_t>(recorded.rows()));
  for (int l = 0; l + 1 < recorded.layers() && result.first_probed.value < 0; ++l) {
    if (policy.schedule(layer_index(l), recorded.layers())) result.first_probed = l;
  }
  for (index_t row = 0; row < recorded.rows(); ++row) {
    exit_outcome& out = result.outcomes.emplace_back();
    if (!keep(row)) continue;
    shadow.features.at_row(row);
    auto state = shadow.state(recorded.layers());
    for (int l = 0; l < recorded.layers(); ++l) {
      if (shadow.observe(state, layer_obs{.layer = l}, recorded.stats(row, l))) break;
    }
    out = {state.stop, state.stats.top, state.probes};
  }
  return result;
}

}  // namespace v0
}  // namespace lagom
