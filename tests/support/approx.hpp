// SPDX-License-Identifier: MIT
// Tolerances in one place, and numbers to test with.
#pragma once

#include <cmath>
#include <cstdint>
#include <lagom/core/random.hpp>
#include <lagom/core/scalar.hpp>
#include <vector>

namespace lagom_test {

// What a kernel may lose against a long double reference, relative to the sum of magnitudes.
template <class T>
inline constexpr double tolerance = sizeof(lagom::accumulator_t<T>) == 8 ? 1e-14 : 2e-6;

// |a - b| within `t` of the scale.
inline bool near(double a, double b, double t, double scale = 1) {
  return std::abs(a - b) <= t * std::max(1.0, scale);
}

// Standard normal numbers, the same on every platform.
template <class T>
std::vector<T> normal(std::size_t n, std::uint64_t stream, double deviation = 1) {
  const lagom::philox random{20241121};
  std::vector<T> out(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double u = 1 - random.uniform(stream, 2 * i), v = random.uniform(stream, 2 * i + 1);
    const double z = std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v);
    if constexpr (sizeof(T) == 2) {
      out[i] = T(static_cast<float>(deviation * z));
    } else {
      out[i] = static_cast<T>(deviation * z);
    }
  }
  return out;
}

}  // namespace lagom_test
