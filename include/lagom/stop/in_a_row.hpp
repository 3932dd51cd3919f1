// SPDX-License-Identifier: MIT
/// @file stop/in_a_row.hpp
/// Stop when another rule would have stopped for long enough.
#pragma once

#include "threshold.hpp"

namespace lagom {
inline namespace v0 {

/// Patience with any rule: a counter that grows by one at a step at which `rule` says stop, falls back to 0 at one at which
/// it does not (or has no finite score), and stops at `steps`. `patience` is this with agreement of answers.
///
/// ```cpp
/// lagom::in_a_row{3, lagom::threshold<lagom::below>{0.5f}}     // entropy below 0.5 at three steps on end
/// ```
/// The score is the counter minus `steps`. Precondition: steps > 0.
template <stop_rule Rule>
struct in_a_row {
  int steps = 1;
  Rule rule{};

  static constexpr std::size_t width = detail::width_of<Rule>;

  struct state {
    typename Rule::state rule{};
    int counted = 0;
  };

  LAGOM_LEAF float step(state& s, vec_view<const float> x) const noexcept {
    LAGOM_ASSERT(steps > 0);
    const float score = rule.step(s.rule, x);
    s.counted = is_finite(&score) && score >= 0 ? s.counted + 1 : 0;
    return static_cast<float>(s.counted - steps);
  }
  template <class Stats>
    requires confirming_rule<Rule>
  LAGOM_LEAF bool confirms(const state& s, const Stats& answer) const noexcept {
    return rule.confirms(s.rule, answer);
  }
};

template <stop_rule Rule>
in_a_row(int, Rule) -> in_a_row<Rule>;

/// F-PABEE (Zhang et al. 2023, arXiv 2305.11916): stops when the distributions of neighbouring layers have been closer than
/// `divergence` for `steps` layers on end; 1 step is a plain threshold, and large thresholds are PABEE without its answers.
/// Feature `feature` is the divergence: `jensen_shannon`, or `fpabee_released`. The paper does not say whether equality
/// counts; here it does not.
[[nodiscard]] LAGOM_LEAF constexpr in_a_row<threshold<below>> fpabee(int steps, float divergence,
                                                                     int feature = 0) noexcept {
  return {.steps = steps, .rule = {.value = divergence, .feature = feature}};
}

}  // namespace v0
}  // namespace lagom
