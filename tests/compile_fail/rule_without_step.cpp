// expect: rule: needs `float step\(state&, lagom::vec_view<const float> features\) const noexcept`
// SPDX-License-Identifier: MIT
#include <lagom/stop/stop_rule.hpp>

struct idle {
  using state = lagom::no_state;
#ifdef WITHOUT_FAULT
  float step(state&, lagom::vec_view<const float> x) const noexcept { return x[0]; }
#endif
};
static_assert(lagom::check_rule<idle>::value);
