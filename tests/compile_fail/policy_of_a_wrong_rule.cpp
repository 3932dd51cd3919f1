// expect: rule: needs a type `state`
// SPDX-License-Identifier: MIT
#include <lagom/exit/exit_policy.hpp>
#include <lagom/signal/gap.hpp>
#include <lagom/stop/threshold.hpp>

#ifdef WITHOUT_FAULT
lagom::exit_policy policy{lagom::features<lagom::gap>{}, lagom::threshold{0.8f}};
#else
lagom::exit_policy policy{lagom::features<lagom::gap>{}, 0.8f};
#endif
