// SPDX-License-Identifier: MIT
// F-PABEE: stop when the answers of neighbouring layers have been close for two layers on end; as described and as released.
#include "rules.hpp"

namespace choose_exits {

namespace {

constexpr int patience = 2;

// What a layer is compared by: a second pass over the head, for two states. The replay counts the pass, not that there are
// two states in it.
template <class Signal>
lagom::result<rule_row> divergence_row(study& s, const Signal& signal, std::string name,
                                       std::string setting) {
  if (auto ok = lagom::record_signal(s.trace, s.states, signal); !ok) return ok.error();
  const lagom::features<Signal> pack{signal};
  const auto thresholds = quantiles(s, pack, 0, 40);  // low is safe
  if (!thresholds) return thresholds.error();
  const family f{.name = std::move(name),
                 .source = "Zhang et al. 2023, arXiv 2305.11916",
                 .setting = std::move(setting),
                 .settings = {thresholds->begin(), thresholds->end()}};
  const lagom::cost::work second_state{
      lagom::cost::full_head(s.shape, s.widths, 2).macs - lagom::cost::full_head(s.shape, s.widths).macs, 0};
  return judge(s, f, [&](double at, part which) -> lagom::result<outcomes> {
    const lagom::exit_policy policy{pack, lagom::fpabee(patience, static_cast<float>(at))};
    auto run = replay_policy(s, which, policy, lagom::cost::linear_decision(1));
    if (!run) return run;
    for (row_outcome& o : *run) {
      const int compared =
          std::min(o.stop.value, s.trace.layers() - 2);  // neither the first layer nor the last
      if (compared > 0) o.extra += compared * second_state;
    }
    return run;
  });
}

}  // namespace

rule_rows fpabee(study& s) {
  return s.with_head([&](const auto& head) -> rule_rows {
    auto paper = divergence_row(s, lagom::jensen_shannon{head}, "fpabee", "Jensen-Shannon < {:.3g} twice");
    if (!paper) return paper.error();
    auto released =
        divergence_row(s, lagom::fpabee_released{head}, "fpabee_released", "released score < {:.3g} twice");
    if (!released) return released.error();
    return std::vector{*paper, *released};
  });
}

}  // namespace choose_exits
