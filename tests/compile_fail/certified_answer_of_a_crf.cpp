// expect: certified_answer: the policy's rule must be a monotone_rule; others need the full head
// SPDX-License-Identifier: MIT
#include <lagom/lagom.hpp>

#ifdef WITHOUT_FAULT
using rule = lagom::linear_svm<1>;
#else
using rule = lagom::crf<1>;
#endif
using policy = lagom::exit_policy<lagom::features<lagom::gap>, rule>;
using answer = lagom::certified_answer<policy, lagom::head<float>>;
static_assert(sizeof(answer) > 0);
