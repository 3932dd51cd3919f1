// SPDX-License-Identifier: MIT
/// @file stop/twice_atanh.hpp
/// The logarithm of 1 + x, for loops that vectorise.
#pragma once

#include "../core/math.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// 2 atanh(s) for 0 <= s <= 1/3, branch-free, by a minimax polynomial in s^2: log(1 + x) for s = x / (2 + x),
/// 0 <= x <= 1. Error at most 2 ULP.
LAGOM_LEAF constexpr float twice_atanh(float s) noexcept {
  const float t = s * s;
  float p = 2.32243292e-1f;
  p = multiply_add(p, t, 2.17065758e-1f);
  p = multiply_add(p, t, 2.85923580e-1f);
  p = multiply_add(p, t, 3.99997063e-1f);
  p = multiply_add(p, t, 6.66666673e-1f);
  return multiply_add(p * t, s, 2 * s);
}
/// @overload
LAGOM_LEAF constexpr double twice_atanh(double s) noexcept {
  const double t = s * s;
  double p = 1.61640456119435322e-1;
  p = multiply_add(p, t, 8.80073848614467388e-2);
  p = multiply_add(p, t, 1.20010728095907125e-1);
  p = multiply_add(p, t, 1.33141442096549362e-1);
  p = multiply_add(p, t, 1.53855700649586231e-1);
  p = multiply_add(p, t, 1.81817894361328582e-1);
  p = multiply_add(p, t, 2.22222227174278270e-1);
  p = multiply_add(p, t, 2.85714285671087572e-1);
  p = multiply_add(p, t, 4.00000000000145827e-1);
  p = multiply_add(p, t, 6.66666666666666586e-1);
  return multiply_add(p * t, s, 2 * s);
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
