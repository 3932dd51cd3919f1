// expect: certified_answer: the policy's signals must be gap and top_prob; others need the full head
// SPDX-License-Identifier: MIT
#include <lagom/lagom.hpp>

#ifdef WITHOUT_FAULT
using signals = lagom::features<lagom::gap>;
#else
using signals = lagom::features<lagom::entropy>;
#endif
using policy = lagom::exit_policy<signals, lagom::linear_svm<1>>;
using answer = lagom::certified_answer<policy, lagom::head<float>>;
static_assert(sizeof(answer) > 0);
