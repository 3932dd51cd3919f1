// SPDX-License-Identifier: MIT
// BERxiT: one linear module for all layers says how likely the layer is wrong.
#include "rules.hpp"

namespace choose_exits {

rule_rows berxit(study& s) {
  const auto labelled = lagom::label(s.trace, s.states, s.label(), s.rows(part::fit));
  if (!labelled) return labelled.error();
  const auto module = lagom::fit(lagom::lte_config{}, labelled->view());
  if (!module && module.error().code == lagom::errc::one_class)
    return std::vector<rule_row>{};  // nothing to learn
  if (!module) return module.error();
  const lagom::features pack{module->model.signal()};
  if (auto ok = lagom::record_signal(s.trace, s.states, module->model.signal()); !ok) return ok.error();
  const auto thresholds = quantiles(s, pack, 0, 40);  // low is safe
  if (!thresholds) return thresholds.error();
  const family f{.name = "berxit_lte",
                 .source = "Xin et al. 2021, EACL",
                 .setting = "u < {:.3g}",
                 .settings = {thresholds->begin(), thresholds->end()}};
  const lagom::cost::work decision{static_cast<double>(s.shape.hidden), 4.0 * s.shape.hidden};
  auto row = judge(s, f, [&](double setting, part which) {
    const lagom::exit_policy policy{pack, lagom::threshold<lagom::below>{static_cast<float>(setting)}};
    return replay_policy(s, which, policy, decision);
  });
  if (!row) return row.error();
  return std::vector{*row};
}

}  // namespace choose_exits
