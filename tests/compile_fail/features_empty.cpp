// expect: features: needs at least one signal
// SPDX-License-Identifier: MIT
#include <lagom/signal/features.hpp>
#include <lagom/signal/gap.hpp>

#ifdef WITHOUT_FAULT
lagom::features<lagom::gap> pack;
#else
lagom::features<> pack;
#endif
