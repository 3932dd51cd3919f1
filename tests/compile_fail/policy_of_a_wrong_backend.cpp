// expect: policy: the backend must be a copyable class, such as lagom::portable
// SPDX-License-Identifier: MIT
#include <lagom/lagom.hpp>

#ifdef WITHOUT_FAULT
constexpr lagom::portable backend;
#else
constexpr int backend = 3;
#endif
constexpr lagom::exit_policy policy{lagom::features<lagom::gap>{}, lagom::threshold{0.8f},
                                    lagom::every_layer{}, backend};
