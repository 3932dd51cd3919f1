// SPDX-License-Identifier: MIT
#include "use.hpp"

float plain_rounding() { return rounding(); }
double plain_everything() { return everything(); }
