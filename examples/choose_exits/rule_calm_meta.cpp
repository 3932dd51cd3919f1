// SPDX-License-Identifier: MIT
// CALM's trained confidence: a linear head on the state, trained layer by layer or as a walk through the layers.
#include <algorithm>

#include "rules.hpp"

namespace choose_exits {

rule_rows calm_meta(study& s) {
  const auto labelled = lagom::label(s.trace, s.states, s.label(), s.rows(part::fit));
  if (!labelled) return labelled.error();
  const lagom::cost::work decision{static_cast<double>(s.shape.hidden), 4.0 * s.shape.hidden};
  std::vector<rule_row> rows;
  for (const auto loss : {lagom::meta_loss::independent, lagom::meta_loss::geometric}) {
    const auto head = lagom::fit(lagom::meta_config{.loss = loss}, labelled->view());
    if (!head && head.error().code == lagom::errc::one_class) continue;  // nothing to learn
    if (!head) return head.error();
    const lagom::features pack{head->model.signal()};
    if (auto ok = lagom::record_signal(s.trace, s.states, head->model.signal()); !ok) return ok.error();
    auto thresholds = quantiles(s, pack, 0, 40);
    if (!thresholds) return thresholds.error();
    std::reverse(thresholds->begin(), thresholds->end());  // high is safe
    const family f{.name = loss == lagom::meta_loss::independent ? "calm_meta" : "calm_geom_like",
                   .source = "Schuster et al. 2022, arXiv 2207.07061",
                   .setting = "confidence >= {:.4f}",
                   .settings = {thresholds->begin(), thresholds->end()}};
    auto row = judge(s, f, [&](double at, part which) {
      const lagom::exit_policy policy{pack, lagom::threshold{static_cast<float>(at)}};
      return replay_policy(s, which, policy, decision);
    });
    if (!row) return row.error();
    rows.push_back(std::move(*row));
  }
  return rows;
}

}  // namespace choose_exits
