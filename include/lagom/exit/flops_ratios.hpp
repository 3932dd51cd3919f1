// SPDX-License-Identifier: MIT
/// @file exit/flops_ratios.hpp
/// What a policy saved, as published and as it really is.
#pragma once

#include "../core/moments.hpp"
#include "../cost/adainfer.hpp"
#include "../cost/ledger.hpp"
#include "replay.hpp"

namespace lagom {
inline namespace v0 {

/// Work of the early exits over that of the full model; below 1 is a saving.
struct flops_ratios {
  cost_ratio paper{1};    ///< AdaInfer's formula at the mean stop layer: one head, no probes
  cost_ratio prefill{1};  ///< every probe and decision charged, a prompt of the row's length read at once
  cost_ratio decode{
      1};  ///< the same for one token after a context of the row's length, and the keys and values
           ///< that the skipped layers owe the next token
};

/// Charges a replay over the rows for which `keep(row)` is true (all of them must have been replayed); `decision` is
/// the work of one decision of the rule. Sums over rows are compared, not means of ratios. No rows: all ratios are 1.
/// Cost: a few dozen operations a row.
template <backend B = portable, trace_kind Kind, class Keep = every_row>
[[nodiscard]] flops_ratios charge(const trace<Kind>& t, const replayed<Kind>& run,
                                  const cost::decoder_shape& shape, cost::work decision,
                                  const Keep& keep = {}) {
  LAGOM_ASSERT(static_cast<index_t>(run.outcomes.size()) == t.rows());
  double spent[2] = {}, full[2] = {};  // prefill, decode
  moments stop, length;
  for (index_t row = 0; row < t.rows(); ++row) {
    if (!keep(row)) continue;
    const exit_outcome& out = run.outcomes[static_cast<std::size_t>(row)];
    LAGOM_ASSERT(out.stop.value >= 0);
    const bool early = out.stop.value + 1 < t.layers();
    cost::executed ran{.blocks = out.stop.value + 1.0,
                       .heads = static_cast<double>(out.probes),
                       .decisions = static_cast<double>(out.probes - (early ? 0 : 1)),
                       .decision = decision};
    const double tokens = t.length(row);
    spent[0] += total(shape, cost::prefill(tokens), ran).macs;
    full[0] += full_model(shape, cost::prefill(tokens)).macs;
    ran.kv_layers = t.layers() - ran.blocks;
    spent[1] += total(shape, cost::decode(tokens), ran).macs;
    full[1] += full_model(shape, cost::decode(tokens)).macs;
    stop.push(out.stop.value);
    length.push(tokens);
  }
  if (stop.count == 0) return {};
  const cost::adainfer_model published = cost::published_model(shape, length.mean);
  return {.paper = cost::adainfer_ratio(published, used_when_stopped_at(mean_layer_index(stop.mean))),
          .prefill = cost_ratio(spent[0] / full[0]),
          .decode = cost_ratio(spent[1] / full[1])};
}

}  // namespace v0
}  // namespace lagom
