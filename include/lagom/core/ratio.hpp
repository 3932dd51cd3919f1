// SPDX-License-Identifier: MIT
/// @file core/ratio.hpp
/// Cost ratio and saving: two types, because "expected saving" has meant both.
#pragma once

#include <compare>

#include "types.hpp"

namespace lagom {
inline namespace v0 {

/// Cost divided by the cost of the full model: 0.6 means "60 % of full". 1 is no gain, above 1 is a loss.
struct cost_ratio {
  double value = 1;
  constexpr cost_ratio() noexcept = default;
  LAGOM_LEAF constexpr explicit cost_ratio(double v) noexcept : value(v) {}
  [[nodiscard]] LAGOM_LEAF constexpr double percent() const noexcept { return 100 * value; }
  friend constexpr auto operator<=>(const cost_ratio&, const cost_ratio&) = default;
};

/// The part of the full cost that was not spent: 0.4 means "40 % saved". Negative when early exit is dearer.
struct saving {
  double value = 0;
  constexpr saving() noexcept = default;
  LAGOM_LEAF constexpr explicit saving(double v) noexcept : value(v) {}
  [[nodiscard]] LAGOM_LEAF constexpr double percent() const noexcept { return 100 * value; }
  friend constexpr auto operator<=>(const saving&, const saving&) = default;
};

LAGOM_LEAF constexpr saving saved(cost_ratio r) noexcept { return saving(1 - r.value); }
LAGOM_LEAF constexpr cost_ratio left(saving s) noexcept { return cost_ratio(1 - s.value); }

}  // namespace v0
}  // namespace lagom
