// SPDX-License-Identifier: MIT
#include "use.hpp"

float fused_rounding() { return rounding(); }
double fused_everything() { return everything(); }
