// SPDX-License-Identifier: MIT
// The rules under comparison, fitted or not, behind one type.
#pragma once

#include <lagom/lagom.hpp>
#include <string>
#include <variant>

namespace early_exit {

// AdaInfer's two features.
using signals = lagom::features<lagom::gap, lagom::top_prob>;

enum class rule_kind { gap, svm_linear, svm_rbf, logistic, crf };
inline constexpr rule_kind all_rules[] = {rule_kind::gap, rule_kind::svm_linear, rule_kind::svm_rbf,
                                          rule_kind::logistic, rule_kind::crf};
inline constexpr std::string_view rule_names[] = {"gap", "svm_linear", "svm_rbf", "logistic", "crf"};
[[nodiscard]] constexpr std::string_view name(rule_kind k) { return rule_names[static_cast<std::size_t>(k)]; }

// What training data of one label leaves: always stop, or never.
struct constant_rule {
  bool stop = false;
  using state = lagom::no_state;
  float step(state&, lagom::vec_view<const float>) const noexcept { return stop ? 1.0f : -1.0f; }
};

using any_rule = std::variant<constant_rule, lagom::threshold<>, lagom::standardized<lagom::linear_svm<2>>,
                              lagom::standardized<lagom::rbf_svm<2>>, lagom::standardized<lagom::logistic<2>>,
                              lagom::standardized<lagom::crf<2>>>;

// Work of one decision, for the ledger.
[[nodiscard]] inline lagom::cost::work decision_cost(const any_rule& rule) {
  if (const auto* rbf = std::get_if<lagom::standardized<lagom::rbf_svm<2>>>(&rule)) {
    return lagom::cost::rbf_decision(2, static_cast<double>(rbf->rule.vectors()));
  }
  if (std::holds_alternative<lagom::standardized<lagom::crf<2>>>(rule)) return lagom::cost::crf_decision(2);
  return lagom::cost::linear_decision(2);
}

// A rule, and whether its fit reached the optimum.
struct fitted_rule {
  any_rule rule;
  bool converged = true;
};

// Fits a rule on labelled layers. A wrong stop costs the answer and a missed one a layer: a wrong stop weighs
// `caution` times as much. Margin classifiers weigh their errors so, with the classes balanced first; probabilistic
// ones stop at odds of `caution` to one. Data of one label is no failure here: the rule is then constant.
[[nodiscard]] inline lagom::result<fitted_rule> fit_rule(rule_kind kind, const lagom::dataset_view& data,
                                                         float caution) {
  const float stop_at = caution / (1 + caution);
  const auto fitted = [&](const auto& config, const auto& adjust) -> lagom::result<fitted_rule> {
    auto r = lagom::fit<2>(config, data);
    if (!r && r.error().code == lagom::errc::one_class) return fitted_rule{constant_rule{data.labels[0] > 0}};
    if (!r) return r.error();
    adjust(r->model.rule);
    return fitted_rule{std::move(r->model), r->report.converged};
  };
  const auto as_it_is = [](auto&) {};
  switch (kind) {
    case rule_kind::gap:
      return fitted_rule{lagom::adainfer_rule()};
    case rule_kind::svm_linear:
      return fitted(
          lagom::linear_svm_config{
              .loss = lagom::svm_loss::hinge, .negative_weight = caution, .balanced = true},
          as_it_is);
    case rule_kind::svm_rbf:
      return fitted(lagom::rbf_svm_config{.negative_weight = caution, .balanced = true, .max_rows = 2000},
                    as_it_is);
    case rule_kind::logistic:
      return fitted(lagom::logistic_config{}, [&](auto& rule) { rule = rule.at(stop_at); });
    case rule_kind::crf:
      return fitted(lagom::crf_config{}, [&](auto& rule) { rule.stop_at = stop_at; });
  }
  return lagom::failure{.code = lagom::errc::unsupported};
}

}  // namespace early_exit
