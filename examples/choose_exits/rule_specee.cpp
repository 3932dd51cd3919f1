// SPDX-License-Identifier: MIT
// SpecEE: four candidate tokens, their rows of the head at every layer, a perceptron a layer, the whole head to confirm.
#include <algorithm>
#include <array>
#include <thread>

#include "rules.hpp"
#include "support/parallel.hpp"

namespace choose_exits {

namespace {

constexpr std::size_t candidates = 4;
using drafts = std::array<lagom::token_id, candidates>;

// No draft head was trained for this model: the candidates are the best tokens after an early layer, for one more pass
// over the head.
template <class Head>
std::vector<drafts> draft(const study& s, const Head& head, lagom::layer_index from) {
  std::vector<drafts> out(static_cast<std::size_t>(s.trace.rows()));
  std::vector<lagom::token_id> order(static_cast<std::size_t>(s.shape.vocab));
  std::vector<float> logits(order.size());
  for (lagom::index_t row = 0; row < s.trace.rows(); ++row) {
    lagom::detail::head_products<lagom::portable, float, Head> products({}, s.states.at(row, from), head);
    products([](lagom::index_t r) { return r; }, static_cast<lagom::index_t>(logits.size()), logits.data());
    for (std::size_t v = 0; v < order.size(); ++v) order[v] = static_cast<lagom::token_id>(v);
    std::partial_sort(
        order.begin(), order.begin() + candidates, order.end(), [&](lagom::token_id a, lagom::token_id b) {
          const float x = logits[static_cast<std::size_t>(a)], y = logits[static_cast<std::size_t>(b)];
          return x > y || (x == y && a < b);
        });
    std::copy_n(order.begin(), candidates, out[static_cast<std::size_t>(row)].begin());
  }
  return out;
}

template <class Head>
rule_rows rows_with(study& s, const Head& head) {
  using probe = lagom::candidate_probe<candidates, Head>;
  if (s.shape.vocab < static_cast<int>(candidates)) return std::vector<rule_row>{};
  const lagom::layer_index from = s.shape.layers / 3;
  const lagom::not_before probed{from.value + 1};
  const auto proposed = draft(s, head, from);
  const auto signal = [&](lagom::index_t row) {
    return probe{head, proposed[static_cast<std::size_t>(row)]};
  };
  if (auto ok = lagom::record_signal(s.trace, s.states, signal, probed); !ok) return ok.error();
  const lagom::features<probe> pack;
  auto data = lagom::label(s.trace, pack, s.label(), s.rows(part::fit), probed);
  if (!data) return data.error();
  const auto threads = [](lagom::index_t n, const auto& task) {
    support::parallel(static_cast<std::size_t>(n), std::max(1u, std::thread::hardware_concurrency()),
                      [&](std::size_t i) { task(static_cast<lagom::index_t>(i)); });
  };
  const lagom::specee_config config{.max_rows = 500, .seed = s.seed};
  const auto predictor = lagom::fit<candidates>(config, data->view(), threads);
  if (!predictor && predictor.error().code == lagom::errc::one_class)
    return std::vector<rule_row>{};  // nothing to learn
  if (!predictor) return predictor.error();
  const family f{
      .name = "specee",
      .source = "Xu et al. 2025, arXiv 2504.08850",
      .setting = "p > {:.4g}, confirmed",
      .settings = {.9999, .999, .998, .995, .99, .98, .97, .96, .95, .93, .9, .85, .8, .7, .6, .5}};
  const auto decision = lagom::cost::row_head(s.shape, candidates, s.widths) +
                        lagom::cost::perceptron_decision(3 * candidates, static_cast<double>(config.hidden));
  auto row = judge(s, f, [&](double p, part which) -> lagom::result<outcomes> {
    const lagom::exit_policy policy{pack, predictor->model.above(static_cast<float>(p)), probed};
    auto all = replay_policy(s, which, policy, decision);
    if (!all) return all.error();
    for (row_outcome& o : *all) o.heads += o.stop.value >= 0 ? 1 : 0;  // the drafts' own
    return std::move(*all);
  });
  if (!row) return row.error();
  return std::vector{*row};
}

}  // namespace

rule_rows specee(study& s) {
  return s.with_head([&](const auto& head) { return rows_with(s, head); });
}

}  // namespace choose_exits
