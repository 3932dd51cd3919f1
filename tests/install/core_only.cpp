// SPDX-License-Identifier: MIT
#include <lagom/lagom.hpp>

int main() {
  const lagom::exit_policy policy{lagom::features<lagom::gap>{}, lagom::adainfer_rule()};
  auto run = policy.begin(1);
  const float logits[] = {1, 2, 3};
  return run.observe({.layer = 0}, logits) && run.token() == 2 ? 0 : 1;
}
