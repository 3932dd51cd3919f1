// expect: of_token: the signal reads more of a layer than a token has
// SPDX-License-Identifier: MIT
#include <lagom/lagom.hpp>

#ifdef WITHOUT_FAULT
lagom::of_token<lagom::entropy> signal;
#else
lagom::of_token<lagom::relative_depth> signal;
#endif
