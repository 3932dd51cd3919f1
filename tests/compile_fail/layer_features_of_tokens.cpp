// expect: stop_generating: the features are a lagom::token_features of token signals
// SPDX-License-Identifier: MIT
#include <lagom/lagom.hpp>

#ifdef WITHOUT_FAULT
const lagom::stop_generating policy{lagom::token_features{lagom::of_token{lagom::entropy{}}},
                                    lagom::threshold{0.5f}};
#else
const lagom::stop_generating policy{lagom::features<lagom::entropy>{}, lagom::threshold{0.5f}};
#endif
