// SPDX-License-Identifier: MIT
// RAEE: leave where similar prompts could have left, without a probe on the way.
#include "rules.hpp"

namespace choose_exits {

rule_rows raee(study& s) {
  // A decoder's token embedding says nothing of the prompt; the state after the first layer stands for the input.
  const auto inputs = s.states.at(lagom::layer_index(0));
  const auto memory = lagom::fit(lagom::raee_config{.label = s.label()}, s.trace, inputs, s.rows(part::fit));
  if (!memory) return memory.error();
  const auto remembered = static_cast<double>(s.count(part::fit)), width = static_cast<double>(inputs.cols());
  const lagom::cost::work search{2 * remembered * width, 4 * remembered * width};
  const auto leave = [&](part which, const auto& layer_of) {
    const auto run = lagom::replay_chosen(
        s.trace, [&](lagom::index_t row) { return layer_of(inputs.row(row)); }, s.rows(which));
    outcomes out;
    for (const auto& o : run.outcomes)
      out.push_back(
          {o.stop, o.token, static_cast<double>(o.probes), o.stop.value < 0 ? lagom::cost::work{} : search});
    return lagom::result<outcomes>(std::move(out));
  };
  const std::string source = "Huang et al. 2024, arXiv 2405.15198";
  const lagom::portable backend;
  auto strongest = judge(
      s, family{"raee", source, "strongest of 12 neighbours", {0}},
      [&](double, part which) { return leave(which, [&](auto x) { return memory->choose(backend, x); }); });
  if (!strongest) return strongest.error();
  family shares{"raee_share", source, "{:.3g} of 12 neighbours ready", {}};
  for (const double share : {0.999, 0.99, 0.98, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1})
    shares.settings.push_back(share);
  auto share = judge(s, shares, [&](double at, part which) {
    return leave(which, [&](auto x) { return memory->quantile(backend, x, at); });
  });
  if (!share) return share.error();
  return std::vector{*strongest, *share};
}

}  // namespace choose_exits
