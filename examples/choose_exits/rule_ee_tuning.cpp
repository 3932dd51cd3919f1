// SPDX-License-Identifier: MIT
// EE-Tuning and the tuned lens: a layer answers through a module of its own, trained on what the last layer says.
#include <algorithm>
#include <thread>

#include "rules.hpp"
#include "support/parallel.hpp"

namespace choose_exits {

namespace {

// Confidences that the fitted rows meet, from high to low.
std::vector<double> confidences(const study& s, const lagom::trace<>& t, std::size_t n) {
  std::vector<float> seen;
  for (lagom::index_t row = 0; row < t.rows(); ++row) {
    for (int l = 0; s.rows(part::fit)(row) && l + 1 < t.layers(); ++l)
      seen.push_back(t.stats(row, l).top_prob());
  }
  std::sort(seen.rbegin(), seen.rend());
  std::vector<double> out;
  for (std::size_t k = 0; k < n && !seen.empty(); ++k) {
    const auto at = static_cast<double>(seen[std::min(seen.size() - 1, k * seen.size() / n)]);
    if (out.empty() || at < out.back()) out.push_back(at);
  }
  return out;
}

struct variant {
  lagom::exit_module kind;
  const char *name, *source;
};
constexpr variant variants[] = {
    {lagom::exit_module::norm, "ee_tuning_norm", "Pan et al. 2024, arXiv 2402.00518"},
    {lagom::exit_module::mlp, "ee_tuning_mlp", "Pan et al. 2024, arXiv 2402.00518"},
    {lagom::exit_module::linear, "tuned_lens", "Belrose et al. 2023, arXiv 2303.08112"},
};

template <class Head>
rule_rows rows_with(study& s, const Head& head) {
  const auto threads = [](lagom::index_t n, const auto& task) {
    support::parallel(static_cast<std::size_t>(n), std::max(1u, std::thread::hardware_concurrency()),
                      [&](std::size_t i) { task(static_cast<lagom::index_t>(i)); });
  };
  std::vector<rule_row> rows;
  for (const variant& v : variants) {
    const lagom::exit_modules_config config{.kind = v.kind,
                                            .inner = s.shape.hidden,
                                            .target = lagom::module_target::distribution,
                                            .epochs = 3,
                                            .optimizer = {.learning_rate = 1e-3},
                                            .max_rows = 800,
                                            .seed = s.seed};
    const auto fitted = lagom::fit(config, s.states, head, s.rows(part::fit), lagom::every_layer{}, threads);
    if (!fitted) return fitted.error();
    const lagom::exit_module_shape& shape = fitted->model.shape();
    lagom::trace<> tuned = s.trace;
    std::vector<float> scratch(static_cast<std::size_t>(shape.scratch()));
    const auto at = [&](lagom::layer_index l) { return fitted->model.at(l, head, scratch); };
    if (auto ok = lagom::record_answers(tuned, s.states, at); !ok) return ok.error();
    const family f{.name = v.name,
                   .source = v.source,
                   .setting = "top prob >= {:.4f}",
                   .settings = confidences(s, tuned, 80)};
    double trained = 0;  // of all layers that decide: a module that did not help is not there
    for (int l = 0; l + 1 < s.shape.layers; ++l) trained += fitted->model.trained(l) ? 1.0 : 0.0;
    const auto decision = lagom::cost::linear_decision(1) +
                          trained / std::max(1, s.shape.layers - 1) *
                              lagom::cost::work{shape.macs(), 4.0 * static_cast<double>(shape.parameters())};
    auto row = judge(s, f, [&](double p, part which) {
      const lagom::exit_policy policy{lagom::features<lagom::top_prob>{},
                                      lagom::threshold{static_cast<float>(p)}};
      return replay_policy(s, which, policy, decision, &tuned);
    });
    if (!row) return row.error();
    rows.push_back(std::move(*row));
  }
  return rows;
}

}  // namespace

rule_rows ee_tuning(study& s) {
  return s.with_head([&](const auto& head) { return rows_with(s, head); });
}

}  // namespace choose_exits
