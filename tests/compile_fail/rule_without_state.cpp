// expect: rule: needs a type `state`
// SPDX-License-Identifier: MIT
#include <lagom/stop/stop_rule.hpp>

struct stateless {
#ifdef WITHOUT_FAULT
  using state = lagom::no_state;
  float step(state&, lagom::vec_view<const float> x) const noexcept { return x[0]; }
#else
  float step(lagom::vec_view<const float> x) const noexcept { return x[0]; }
#endif
};
static_assert(lagom::check_rule<stateless>::value);
