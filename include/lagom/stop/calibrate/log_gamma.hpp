// SPDX-License-Identifier: MIT
/// @file stop/calibrate/log_gamma.hpp
/// Logarithms of factorials and of the gamma function, without the C library's global sign.
#pragma once

#include <cmath>

#include "../../core/backend.hpp"
#include "../../core/math.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

inline constexpr double log_sqrt_two_pi = 0.918938533204672741780329736406;

/// log Gamma(x) - ((x - 1/2) log x - x + log sqrt(2 pi)) for x >= 15: five terms of Stirling's series, to 1e-17.
LAGOM_LEAF constexpr double stirling_error(double x) noexcept {
  const double y = 1 / (x * x);
  double s = 1.0 / 1188;
  s = 1.0 / 1680 - y * s;
  s = 1.0 / 1260 - y * s;
  s = 1.0 / 360 - y * s;
  s = 1.0 / 12 - y * s;
  return s / x;
}

/// log Gamma(x), x > 0 and finite: absolute error 3e-15 below x = 15 (relative where the result is large), relative
/// above.
template <backend B = portable>
double log_gamma(double x) noexcept {
  double product = 1;  // Gamma(x + m) = x (x + 1) ... (x + m - 1) Gamma(x)
  for (; x < 15; x += 1) product *= x;
  return (x - 0.5) * log(x) - x + log_sqrt_two_pi + stirling_error(x) - log(product);
}

/// log n! - ((n + 1/2) log n - n + log sqrt(2 pi)), n >= 1 (Loader 2000, "Fast and accurate computation of binomial
/// probabilities").
template <backend B = portable>
double factorial_error(double n) noexcept {
  if (n >= 15) return stirling_error(n);
  double factorial = 1;
  for (double i = 2; i <= n; i += 1) factorial *= i;
  return log(factorial) - ((n + 0.5) * log(n) - n + log_sqrt_two_pi);
}

/// x log(x / m) + m - x, the deviance of x from m > 0, x >= 0: without cancellation where they are close (Loader 2000).
/// 0 log 0 is 0.
template <backend B = portable>
double deviance(double x, double m) noexcept {
  if (!(x > 0)) return m;
  const double d = x - m, far = d < 0 ? -d : d;
  if (!(far < 0.1 * (x + m))) return x * log(x / m) + m - x;
  const double v = d / (x + m), square = v * v;
  double term = 2 * x * v, sum = d * v;
  for (int k = 3; k < 60; k += 2) {  // v < 0.1: eight terms are enough
    term *= square;
    const double next = sum + term / k;
    if (next == sum) break;
    sum = next;
  }
  return sum;
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
