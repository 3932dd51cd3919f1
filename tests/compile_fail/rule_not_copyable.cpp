// expect: rule: must be copyable, it is a plain value
// SPDX-License-Identifier: MIT
#include <lagom/stop/stop_rule.hpp>

struct pinned {
  pinned() = default;
#ifndef WITHOUT_FAULT
  pinned(const pinned&) = delete;
#endif
  using state = lagom::no_state;
  float step(state&, lagom::vec_view<const float> x) const noexcept { return x[0]; }
};
static_assert(lagom::check_rule<pinned>::value);
