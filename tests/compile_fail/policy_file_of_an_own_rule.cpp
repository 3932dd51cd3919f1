// expect: rule_format: this rule has no file form
// SPDX-License-Identifier: MIT
#include <lagom/io/policy_file.hpp>
#include <lagom/signal/gap.hpp>

struct half {
  using state = lagom::no_state;
  float step(state&, lagom::vec_view<const float> x) const noexcept { return x[0] - 0.5f; }
};
#ifdef WITHOUT_FAULT
using rule = lagom::threshold<>;
#else
using rule = half;
#endif
auto save(const rule& of) { return lagom::io::save_policy("p.json", lagom::features<lagom::gap>{}, of); }
