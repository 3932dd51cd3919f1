// SPDX-License-Identifier: MIT
/// @file core/moments.hpp
/// Mean and variance as a mergeable value.
#pragma once

#include "math.hpp"

namespace lagom {
inline namespace v0 {

/// Welford's recurrence; merging by Chan et al. (1979). The default value is the identity.
struct moments {
  std::int64_t count = 0;
  double mean = 0;
  double squares = 0;  ///< sum of squared deviations from the mean

  LAGOM_LEAF constexpr void push(double x) noexcept {
    ++count;
    const double d = x - mean;
    mean += d / static_cast<double>(count);
    squares += d * (x - mean);
  }
  LAGOM_LEAF constexpr void merge(const moments& other) noexcept {
    if (other.count == 0) return;
    const auto n = static_cast<double>(count), m = static_cast<double>(other.count);
    const double d = other.mean - mean;
    mean += d * m / (n + m);
    squares += other.squares + d * d * n * m / (n + m);
    count += other.count;
  }

  /// Divided by n: what a table of a whole data set means. 0 for an empty one.
  [[nodiscard]] LAGOM_LEAF constexpr double population_variance() const noexcept {
    return count > 0 ? squares / static_cast<double>(count) : 0;
  }
  /// Divided by n - 1: the unbiased estimate. 0 below two values.
  [[nodiscard]] LAGOM_LEAF constexpr double sample_variance() const noexcept {
    return count > 1 ? squares / static_cast<double>(count - 1) : 0;
  }
};

}  // namespace v0
}  // namespace lagom
