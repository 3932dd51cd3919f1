// expect: observe: the answer comes from a lagom::head, logits, softmax statistics
// SPDX-License-Identifier: MIT
#include <lagom/lagom.hpp>

bool stops(lagom::vec_view<const double> logits, lagom::vec_view<const float> state) {
  const lagom::exit_policy policy{lagom::features<lagom::gap>{}, lagom::threshold{0.8f}};
#ifdef WITHOUT_FAULT
  auto run = policy.begin<double>(4);
  (void)state;
  return run.observe({.layer = 0}, logits);
#else
  auto run = policy.begin(4);
  return run.observe({.layer = 0, .hidden = state}, logits);
#endif
}
