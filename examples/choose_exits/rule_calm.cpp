// SPDX-License-Identifier: MIT
// CALM's confidences that need no training: softmax difference, softmax maximum, saturation of the state.
#include <algorithm>

#include "rules.hpp"

namespace choose_exits {

namespace {

// Stops where the feature is at least a threshold, from the highest threshold down.
template <class Signal>
lagom::result<rule_row> threshold_row(const study& s, const Signal& signal, std::string name,
                                      std::string setting, lagom::cost::work decision) {
  const lagom::features<Signal> pack{signal};
  auto thresholds = quantiles(s, pack, 0, 40);
  if (!thresholds) return thresholds.error();
  std::reverse(thresholds->begin(), thresholds->end());
  const family f{.name = std::move(name),
                 .source = "Schuster et al. 2022, arXiv 2207.07061",
                 .setting = std::move(setting),
                 .settings = {thresholds->begin(), thresholds->end()}};
  return judge(s, f, [&](double at, part which) {
    const lagom::exit_policy policy{pack, lagom::threshold{static_cast<float>(at)}};
    return replay_policy(s, which, policy, decision);
  });
}

}  // namespace

rule_rows calm(study& s) {
  std::vector<rule_row> rows;
  const auto decision = lagom::cost::linear_decision(1);
  const auto add = [&](lagom::result<rule_row> row) -> lagom::result<lagom::done> {
    if (!row) return row.error();
    rows.push_back(std::move(*row));
    return lagom::done{};
  };
  if (auto ok = add(threshold_row(s, lagom::gap{}, "calm_gap", "gap >= {:.4f}", decision)); !ok)
    return ok.error();
  if (auto ok = add(threshold_row(s, lagom::top_prob{}, "calm_top_prob", "top prob >= {:.4f}", decision));
      !ok)
    return ok.error();
  if (auto ok = add(threshold_row(s, lagom::hidden_cosine{}, "calm_state", "cosine >= {:.4f}",
                                  lagom::cost::state_cosine(s.shape) + decision));
      !ok)
    return ok.error();
  return rows;
}

}  // namespace choose_exits
