// SPDX-License-Identifier: MIT
// DeeBERT: stop when the entropy of the layer's answer is low.
#include <algorithm>

#include "rules.hpp"

namespace choose_exits {

rule_rows deebert(study& s) {
  const lagom::features<lagom::entropy> pack;
  const auto thresholds = quantiles(s, pack, 0, 40);  // low is safe
  if (!thresholds) return thresholds.error();
  const family f{.name = "deebert",
                 .source = "Xin et al. 2020, arXiv 2004.12993",
                 .setting = "entropy < {:.3g}",
                 .settings = {thresholds->begin(), thresholds->end()}};
  auto row = judge(s, f, [&](double setting, part which) {
    const lagom::exit_policy policy{pack, lagom::threshold<lagom::below>{static_cast<float>(setting)}};
    return replay_policy(s, which, policy, lagom::cost::linear_decision(1));
  });
  if (!row) return row.error();
  return std::vector{*row};
}

}  // namespace choose_exits
