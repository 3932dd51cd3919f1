// expect: schedule: needs `bool operator\(\)\(lagom::layer_index, int n_layers\) const noexcept`
// SPDX-License-Identifier: MIT
#include <lagom/stop/schedule.hpp>

struct unplanned {
#ifdef WITHOUT_FAULT
  bool operator()(lagom::layer_index, int) const noexcept { return true; }
#endif
};
static_assert(lagom::check_schedule<unplanned>::value);
