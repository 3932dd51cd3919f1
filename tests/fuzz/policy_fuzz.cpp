// SPDX-License-Identifier: MIT
// Any bytes as a saved policy of every kind; what loads can be asked.
#include <lagom/io/learned_policy.hpp>
#include <lagom/signal/candidate_probe.hpp>
#include <lagom/signal/gap.hpp>
#include <lagom/signal/top_prob.hpp>

#include "fuzz/support.hpp"

namespace {
template <class Rule>
void load(const std::string& path) {
  auto rule = lagom::io::load_policy<Rule>(path, lagom::features<lagom::gap, lagom::top_prob>{});
  if (!rule) return;
  typename Rule::state state{};
  const float x[] = {0.5f, 0.75f};
  for (int i = 0; i < 3; ++i) (void)rule->step(state, x);
}

using probe = lagom::candidate_probe<2, lagom::head<float>>;

// SpecEE's predictors, asked where the model goes on to layers they may not have.
void load_predictors(const std::string& path) {
  auto rule = lagom::io::load_policy<lagom::specee<2>>(path, lagom::features<probe>{});
  if (!rule) return;
  lagom::specee<2>::state state{};
  for (int l = 0; l < 4; ++l) {
    const float x[] = {1, -1, 0.75f, 0.25f, 3, static_cast<float>(l)};
    (void)rule->step(state, x);
  }
}

// What loads can be asked, and is saved and loaded again.
template <class Rule, class Pack>
void load_learned(const std::string& path, const Pack& pack) {
  const lagom::io::model_identity model{.fingerprint = 7, .layers = 4, .hidden = 3};
  auto policy = lagom::io::load_learned_policy<Rule>(path, pack, model);
  if (!policy) return;
  const float hidden[] = {1, -2, 0.5f};
  float x[Pack::width];
  typename Rule::state state{};
  policy->signals()(lagom::layer_obs{.hidden = hidden}, lagom::portable{}, x);
  (void)policy->rule.step(state, x);
  const std::string again = fuzz::scratch() + "/again.json";
  if (!lagom::io::save_learned_policy(again, policy->signals(), policy->rule, model)) std::abort();
  if (!lagom::io::load_learned_policy<Rule>(again, pack, model)) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string path = fuzz::as_file(data, size, fuzz::scratch() + "/policy.json");
  load<lagom::threshold<>>(path);
  load<lagom::patience>(path);
  load<lagom::standardized<lagom::linear_svm<2>>>(path);
  load<lagom::standardized<lagom::logistic<2>>>(path);
  load<lagom::standardized<lagom::rbf_svm<2>>>(path);
  load<lagom::standardized<lagom::crf<2>>>(path);
  load<lagom::calibrated<lagom::threshold<>>>(path);
  load<lagom::calibrated<lagom::standardized<lagom::rbf_svm<2>>>>(path);
  load<lagom::in_a_row<lagom::threshold<lagom::below>>>(path);
  load<lagom::falling_threshold<>>(path);
  load<lagom::when_alarmed<lagom::drift_alarm>>(path);
  load<lagom::when_alarmed<lagom::risk_monitor>>(path);
  load<lagom::all_of<lagom::threshold<>, lagom::on_features<lagom::standardized<lagom::linear_svm<1>>>>>(
      path);
  load<lagom::any_of<lagom::patience, lagom::calibrated<lagom::threshold<>>>>(path);
  load_predictors(path);
  load_learned<lagom::threshold<lagom::below>>(path, lagom::features<lagom::lte>{});
  load_learned<lagom::calibrated<lagom::threshold<>>>(path,
                                                      lagom::features<lagom::gap, lagom::meta_confidence>{});
  (void)lagom::io::load_layers(path).has_value();
  (void)lagom::io::load_recent_exits(path).has_value();
  return 0;
}
