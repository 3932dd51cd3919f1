// SPDX-License-Identifier: MIT
// PABEE: stop when the answer has stayed the same.
#include <algorithm>

#include "rules.hpp"

namespace choose_exits {

rule_rows pabee(study& s) {
  family f{.name = "pabee",
           .source = "Zhou et al. 2020, arXiv 2006.04152",
           .setting = "patience {:.0f}",
           .settings = {}};
  for (int steps = s.trace.layers() - 1; steps > 0; --steps) f.settings.push_back(steps);
  if (f.settings.empty()) f.settings.push_back(1);
  auto row = judge(s, f, [&](double setting, part which) {
    const lagom::exit_policy policy{lagom::features<lagom::agreement>{},
                                    lagom::patience{static_cast<int>(setting)}};
    return replay_policy(s, which, policy, lagom::cost::linear_decision(1));
  });
  if (!row) return row.error();
  return std::vector{*row};
}

}  // namespace choose_exits
