// expect: schedule: its call operator must be noexcept and return bool
// SPDX-License-Identifier: MIT
#include <lagom/stop/schedule.hpp>

struct counting {
#ifdef WITHOUT_FAULT
  bool operator()(lagom::layer_index, int) const noexcept { return true; }
#else
  int operator()(lagom::layer_index, int) const noexcept { return 1; }
#endif
};
static_assert(lagom::check_schedule<counting>::value);
