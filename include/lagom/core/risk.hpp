// SPDX-License-Identifier: MIT
/// @file core/risk.hpp
/// Tolerance and error rate: two types, because the literature writes either of them as alpha, delta and epsilon.
#pragma once

#include <compare>

#include "types.hpp"

namespace lagom {
inline namespace v0 {

/// The mean loss that is still accepted, in [0, 1]: CALM's delta, LTT's alpha, RC-EENN's epsilon.
struct tolerance {
  double value = 0;
  constexpr tolerance() noexcept = default;
  LAGOM_LEAF constexpr explicit tolerance(double v) noexcept : value(v) {}
  friend constexpr auto operator<=>(const tolerance&, const tolerance&) = default;
};

/// The probability with which a guarantee may be wrong, above 0 and below 1: CALM's epsilon, LTT's and RC-EENN's delta.
struct error_rate {
  double value = 0;
  constexpr error_rate() noexcept = default;
  LAGOM_LEAF constexpr explicit error_rate(double v) noexcept : value(v) {}
  friend constexpr auto operator<=>(const error_rate&, const error_rate&) = default;
};

}  // namespace v0
}  // namespace lagom
