// expect: rule: its `state` must be trivially copyable and default-constructible
// SPDX-License-Identifier: MIT
#include <lagom/stop/stop_rule.hpp>
#include <vector>

struct hoarder {
  struct state {
#ifdef WITHOUT_FAULT
    float last = 0;
#else
    std::vector<float> all;
#endif
  };
  float step(state&, lagom::vec_view<const float> x) const noexcept { return x[0]; }
};
static_assert(lagom::check_rule<hoarder>::value);
