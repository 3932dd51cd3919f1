// expect: rule: `step` must be noexcept and return float
// SPDX-License-Identifier: MIT
#include <lagom/stop/stop_rule.hpp>

struct risky {
  using state = lagom::no_state;
#ifdef WITHOUT_FAULT
  float step(state&, lagom::vec_view<const float> x) const noexcept { return x[0]; }
#else
  float step(state&, lagom::vec_view<const float> x) const { return x[0]; }
#endif
};
static_assert(lagom::check_rule<risky>::value);
