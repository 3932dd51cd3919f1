// SPDX-License-Identifier: MIT
/// @file embed/quantile.hpp
/// Quantiles of sorted numbers.
#pragma once

#include <span>

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// The q quantile, 0 <= q <= 1, of rising numbers, interpolated linearly between neighbours (NumPy's default:
/// place q (n - 1)). 0 of none.
[[nodiscard]] inline double quantile(std::span<const double> sorted, double q) noexcept {
  if (sorted.empty()) return 0;
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  if (below + 1 >= sorted.size()) return sorted.back();
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[below + 1] - sorted[below]);
}

}  // namespace embed
}  // namespace v0
}  // namespace lagom
