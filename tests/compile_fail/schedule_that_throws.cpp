// expect: schedule: its call operator must be noexcept and return bool
// SPDX-License-Identifier: MIT
#include <lagom/stop/schedule.hpp>

struct risky {
#ifdef WITHOUT_FAULT
  bool operator()(lagom::layer_index, int) const noexcept { return true; }
#else
  bool operator()(lagom::layer_index, int) const { return true; }
#endif
};
static_assert(lagom::check_schedule<risky>::value);
