// expect: policy: the rule reads more features than the signals write
// SPDX-License-Identifier: MIT
#include <lagom/lagom.hpp>

#ifdef WITHOUT_FAULT
constexpr lagom::linear_svm<1> rule;
#else
constexpr lagom::linear_svm<4> rule;
#endif
constexpr lagom::exit_policy policy{lagom::features<lagom::gap>{}, rule};
