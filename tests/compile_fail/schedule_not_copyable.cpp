// expect: schedule: must be copyable, it is a plain value
// SPDX-License-Identifier: MIT
#include <lagom/stop/schedule.hpp>

struct pinned {
  pinned() = default;
#ifndef WITHOUT_FAULT
  pinned(const pinned&) = delete;
#endif
  bool operator()(lagom::layer_index, int) const noexcept { return true; }
};
static_assert(lagom::check_schedule<pinned>::value);
