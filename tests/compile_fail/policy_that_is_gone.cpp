// expect: (deleted|not viable|no matching)
// SPDX-License-Identifier: MIT
#include <lagom/lagom.hpp>

int last_probe() {
#ifdef WITHOUT_FAULT
  const lagom::exit_policy policy{lagom::features<lagom::gap>{}, lagom::threshold{0.8f}};
  return policy.begin(4).probes();
#else
  return lagom::exit_policy{lagom::features<lagom::gap>{}, lagom::threshold{0.8f}}.begin(4).probes();
#endif
}
