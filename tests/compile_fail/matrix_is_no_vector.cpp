// expect: (no match|no viable|constraints not satisfied|no matching)
// SPDX-License-Identifier: MIT
#include <lagom/core/mat_view.hpp>
#include <lagom/kernel/dot.hpp>

float both(lagom::mat_view<const float> m) {
#ifdef WITHOUT_FAULT
  return lagom::dot(lagom::portable{}, m.row(0), m.row(1));
#else
  return lagom::dot(lagom::portable{}, m, m);
#endif
}
