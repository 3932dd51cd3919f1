// expect: features: a pack in a pack
// SPDX-License-Identifier: MIT
#include <lagom/lagom.hpp>

#ifdef WITHOUT_FAULT
constexpr lagom::features<lagom::gap, lagom::top_prob> pack;
#else
constexpr lagom::features<lagom::features<lagom::gap, lagom::top_prob>> pack;
#endif
