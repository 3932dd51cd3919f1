// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace lagom_test {

// Calls of operator new by this program so far; count_allocations.cpp is linked in.
std::size_t allocations() noexcept;

}  // namespace lagom_test
