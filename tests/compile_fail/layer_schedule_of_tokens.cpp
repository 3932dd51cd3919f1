// expect: schedule: needs
// SPDX-License-Identifier: MIT
#include <lagom/lagom.hpp>

bool ends() {
  using namespace lagom;
#ifdef WITHOUT_FAULT
  const not_before first{token_position{8}};
#else
  const not_before first{8};
#endif
  const stop_generating policy{token_features{end_prob{}}, threshold{0.5f}, first};
  auto run = policy.begin();
  return run.observe({.token = 1, .end_prob = 0.6f});
}
