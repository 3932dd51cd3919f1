// SPDX-License-Identifier: MIT
// AdaInfer: the gap rule as published, and classifiers of gap and top probability.
#include "early_exit/rules.hpp"

#include <algorithm>

#include "rules.hpp"

namespace choose_exits {

namespace {

// A classifier that must be surer than it was fitted to be.
template <lagom::stop_rule Rule>
struct with_margin {
  Rule rule;
  float margin = 0;
  using state = typename Rule::state;
  float step(state& s, lagom::vec_view<const float> x) const noexcept { return rule.step(s, x) - margin; }
};

}  // namespace

rule_rows adainfer(study& s) {
  using early_exit::rule_kind;
  std::vector<rule_row> rows;
  auto data = lagom::label(s.trace, early_exit::signals{}, s.label(), s.rows(part::fit));
  if (!data) return data.error();
  const auto view = data->view();
  for (const rule_kind kind : early_exit::all_rules) {
    const auto fitted = early_exit::fit_rule(kind, view, s.caution);
    if (!fitted) return fitted.error();
    const auto decision = early_exit::decision_cost(fitted->rule);
    family f{.name = "adainfer_" + std::string(name(kind)),
             .source = "Fan et al. 2024, arXiv 2403.02181",
             .setting = kind == rule_kind::gap ? "gap >= 0.8" : "margin {:g}",
             .settings = {}};
    const bool probability = kind == rule_kind::logistic || kind == rule_kind::crf;
    if (kind == rule_kind::gap) {
      f.settings = {0};
    } else if (probability) {
      f.setting = "probability >= {:g}";
      f.settings = {0.99999, 0.9999, 0.9995, 0.999, 0.998, 0.995, 0.99, 0.98,
                    0.97,    0.95,   0.9,    0.85,  0.8,   0.7,   0.6,  0.5};
    } else {
      f.settings = {8, 4, 3, 2, 1.5, 1, 0.75, 0.5, 0.25, 0};
    }
    auto row = judge(s, f, [&](double setting, part which) {
      return std::visit(
          [&]<class R>(const R& rule) {
            const auto run = [&](const auto& r) {
              return replay_policy(s, which, lagom::exit_policy{early_exit::signals{}, r}, decision);
            };
            const auto at = static_cast<float>(setting);
            if constexpr (requires { rule.rule.at(at); }) {
              auto r = rule;
              r.rule = rule.rule.at(at);
              return run(r);
            } else if constexpr (requires { rule.rule.stop_at; }) {
              auto r = rule;
              r.rule.stop_at = at;
              return run(r);
            } else {
              return run(with_margin<R>{rule, at});
            }
          },
          fitted->rule);
    });
    if (!row) return row.error();
    rows.push_back(std::move(*row));
  }
  return rows;
}

}  // namespace choose_exits
