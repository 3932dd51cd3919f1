// SPDX-License-Identifier: MIT
// pivot_data without arguments: a sample of each method, in colour where the terminal has it.
#pragma once

#include <string>

namespace pivot_data {
void show(const std::string& quads);
}
