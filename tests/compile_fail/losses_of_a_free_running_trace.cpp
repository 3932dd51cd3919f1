// expect: exit_losses: a free-running trace does not say what the model would have done
// SPDX-License-Identifier: MIT
#include <lagom/lagom.hpp>

#ifdef WITHOUT_FAULT
constexpr auto kind = lagom::trace_kind::teacher_forced;
#else
constexpr auto kind = lagom::trace_kind::free_running;
#endif

bool judge(const lagom::trace<kind>& t) {
  return lagom::exit_losses(t, 1, lagom::exit_loss::textual, [](lagom::index_t) {
           return lagom::exit_policy{lagom::features<lagom::gap>{}, lagom::threshold{0.9f}};
         }).has_value();
}
