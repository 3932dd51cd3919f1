// expect: combines stop rules or schedules, not both
// SPDX-License-Identifier: MIT
#include <lagom/lagom.hpp>

#ifdef WITHOUT_FAULT
constexpr lagom::all_of both{lagom::every_nth{2}, lagom::not_before{3}};
#else
constexpr lagom::all_of both{lagom::threshold{0.8f}, lagom::not_before{3}};
#endif
