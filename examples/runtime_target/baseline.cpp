// SPDX-License-Identifier: MIT
#include "with_native.hpp"

probe_result probe_baseline(const probe_input& in) { return with_native(in); }
