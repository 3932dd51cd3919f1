// SPDX-License-Identifier: MIT
/// @file stop/calibrate/binomial.hpp
/// The binomial distribution function, exact far into its tails.
#pragma once

#include "log_gamma.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// log P(X = k) for X ~ Bin(n, p), 0 <= k <= n, 0 < p < 1 (Loader 2000).
template <backend B = portable>
double log_binomial_mass(double k, double n, double p) noexcept {
  if (k == 0) return n * std::log1p(-p);
  if (k == n) return n * log(p);
  // Fast-math would join n - k with n (1 - p), and n would take the digits of both.
  const double rest = rounded(n - k), mean = rounded(n * p), other = rounded(n * rounded(1 - p));
  const double correction = factorial_error<B>(n) - factorial_error<B>(k) - factorial_error<B>(rest);
  const double away = deviance<B>(k, mean) + deviance<B>(rest, other);
  return correction - away - log_sqrt_two_pi + 0.5 * log(n / (k * rest));
}

/// 1 + r_1 + r_1 r_2 + ...: a tail over its first mass, the masses falling from there.
template <backend B = portable, class Ratio>
double tail_sum(double steps, const Ratio& ratio) noexcept {
  double term = 1, sum = 1;
  for (double i = 0; i < steps; i += 1) {
    term *= ratio(i);
    sum += term;
    if (!(term > 1e-17 * sum)) break;
  }
  return sum;
}

/// log P(X <= k).
template <backend B = portable>
double log_binomial_cdf(double k, double n, double p) noexcept {
  const double odds = p / (1 - p);
  if (k <= (n + 1) * p) {  // masses fall from k down
    const double first = log_binomial_mass<B>(k, n, p);
    const double sum =
        first + log(tail_sum<B>(k, [=](double i) { return (k - i) / ((n - k + i + 1) * odds); }));
    return sum < 0 ? sum : 0;
  }
  const double first = log_binomial_mass<B>(k + 1, n, p);  // masses fall from k + 1 up
  const double sum = tail_sum<B>(n - k - 1, [=](double i) { return (n - k - 1 - i) * odds / (k + 2 + i); });
  const double above = exp_nonpositive(first < 0 ? first : 0.0) * sum;
  return above < 1 ? std::log1p(-above) : -709.0;
}

}  // namespace detail

/// log P(X <= k) for X ~ Bin(n, p): 0 where k >= n or p = 0. Where the probability is 0 (k < 0, or p = 1 and k < n) it
/// is -1e300, a number that every exponential takes for 0.
///
/// Error at most 1e-12, from e^-100 down 1e-14 of the logarithm, for n up to 1e6 (absolute in the logarithm, so
/// relative in the probability). Cost: O(sqrt(n p (1 - p))), less far from the mean.
/// Preconditions: n >= 0, 0 <= p <= 1.
[[nodiscard]] LAGOM_INLINE double log_binomial_cdf(std::int64_t k, std::int64_t n, double p) noexcept {
  LAGOM_ASSERT(n >= 0 && p >= 0 && p <= 1);
  if (k < 0) return -1e300;
  if (k >= n || !(p > 0)) return 0;
  if (!(p < 1)) return -1e300;
  return detail::log_binomial_cdf<portable>(static_cast<double>(k), static_cast<double>(n), p);
}

/// P(X <= k) for X ~ Bin(n, p); 0 below e^-709.
[[nodiscard]] LAGOM_INLINE double binomial_cdf(std::int64_t k, std::int64_t n, double p) noexcept {
  return exp_nonpositive(log_binomial_cdf(k, n, p));
}

}  // namespace v0
}  // namespace lagom
