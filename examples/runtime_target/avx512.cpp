// SPDX-License-Identifier: MIT
#include "with_native.hpp"

probe_result probe_avx512(const probe_input& in) { return with_native(in); }
