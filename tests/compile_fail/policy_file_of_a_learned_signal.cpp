// expect: save_policy: the weights of a learned signal belong to one model
// SPDX-License-Identifier: MIT
#include <lagom/io/policy_file.hpp>
#include <lagom/signal/gap.hpp>

#ifdef WITHOUT_FAULT
using pack = lagom::features<lagom::gap>;
#else
using pack = lagom::features<lagom::gap, lagom::lte>;
#endif
auto save(const pack& of) { return lagom::io::save_policy("p.json", of, lagom::threshold<>{}); }
