// SPDX-License-Identifier: MIT
// Sanitizers make a program many times slower: there, of cases that differ in their data alone every fifth is taken, and
// long texts are a fifth as long.
#pragma once

#include <cstddef>

namespace lagom_test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr std::size_t stride = 5;
#else
inline constexpr std::size_t stride = 1;
#endif

}  // namespace lagom_test
