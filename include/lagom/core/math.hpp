// SPDX-License-Identifier: MIT
/// @file core/math.hpp
/// The few mathematical functions of the hot loops: the same text on every compiler, target and device.
#pragma once

#include <cmath>

#include "scalar.hpp"

namespace lagom {
inline namespace v0 {

/// a * b + c: fused where the target does it in one instruction (fast-math may not reassociate across it).
LAGOM_LEAF constexpr float multiply_add(float a, float b, float c) noexcept {
#if LAGOM_HAS_FMA()
  return __builtin_fmaf(a, b, c);
#else
  return a * b + c;
#endif
}
/// @overload
LAGOM_LEAF constexpr double multiply_add(double a, double b, double c) noexcept {
#if LAGOM_HAS_FMA()
  return __builtin_fma(a, b, c);
#else
  return a * b + c;
#endif
}

/// The value of `x`, computed before anything that follows: a fence against reassociation under fast-math.
template <std::floating_point T>
LAGOM_LEAF constexpr T rounded(T x) noexcept {
#if LAGOM_HAS_CUDA()
  return x;
#elif __has_builtin(__builtin_assoc_barrier)
  return __builtin_assoc_barrier(x);
#elif __has_builtin(__arithmetic_fence)
  return __arithmetic_fence(x);
#else
  return x;
#endif
}

/// The larger of x and the point where `exp_nonpositive` becomes 0 (-88, -709), for x <= 0. Integer minimum of
/// the bits (they order negative floats): compilers turn a floating-point comparison into a branch.
/// -infinity and NaN give that point.
LAGOM_LEAF constexpr float exp_clamp(float x) noexcept {
  constexpr std::uint32_t lowest = 0xc2b00000u;  // -88
  const std::uint32_t bits = detail::bit_cast<std::uint32_t>(x) | 0x80000000u;
  return detail::bit_cast<float>(bits < lowest ? bits : lowest);
}
/// @overload
LAGOM_LEAF constexpr double exp_clamp(double x) noexcept {
  constexpr std::uint64_t lowest = 0xc086280000000000u;  // -709
  const std::uint64_t bits = detail::bit_cast<std::uint64_t>(x) | 0x8000000000000000u;
  return detail::bit_cast<double>(bits < lowest ? bits : lowest);
}

/// e^x for what `exp_clamp` returns. For loops that need the clamped argument too; else `exp_nonpositive`.
LAGOM_LEAF constexpr float exp_of_clamped(float x) noexcept {
  const int n = static_cast<int>(x * 1.44269504f - 0.5f);
  const auto k = static_cast<float>(n);
  const float r = multiply_add(k, 2.12194440e-4f, rounded(multiply_add(k, -0.693359375f, x)));
  float q = 1.38145840e-3f;
  q = multiply_add(q, r, 8.36872392e-3f);
  q = multiply_add(q, r, 4.16683887e-2f);
  q = multiply_add(q, r, 1.66665206e-1f);
  q = multiply_add(q, r, 4.99999934e-1f);
  const float power = multiply_add(q, r * r, r) + 1.0f;
  return power * detail::bit_cast<float>(static_cast<std::uint32_t>(n + 127) << 23);
}
/// @overload
LAGOM_LEAF constexpr double exp_of_clamped(double x) noexcept {
  const int n = static_cast<int>(x * 1.44269504088896341 - 0.5);
  const auto k = static_cast<double>(n);
  const double r =
      multiply_add(k, -1.42860682030941723e-6, rounded(multiply_add(k, -6.93145751953125e-1, x)));
  double q = 2.5000050912281526e-8;
  q = multiply_add(q, r, 2.7630262844871354e-7);
  q = multiply_add(q, r, 2.7557586481304679e-6);
  q = multiply_add(q, r, 2.4801493061604863e-5);
  q = multiply_add(q, r, 1.9841269506377612e-4);
  q = multiply_add(q, r, 1.3888888943662552e-3);
  q = multiply_add(q, r, 8.3333333334945904e-3);
  q = multiply_add(q, r, 4.1666666666530051e-2);
  q = multiply_add(q, r, 1.6666666666666412e-1);
  q = multiply_add(q, r, 5.0000000000000106e-1);
  const double power = multiply_add(q, r * r, r) + 1.0;
  return power *
         detail::bit_cast<double>(static_cast<std::uint64_t>(static_cast<std::int64_t>(n) + 1023) << 52);
}

/// e^x for what `exp_clamp` returns, for sums of many, in fewer operations than `exp_of_clamped`: relative error at most
/// 2e-7 from x = -20 up and 4e-7 below. Under fast-math without fused multiply-adds it is 5e-8 (4 + |x|).
///
/// With fused multiply-adds the nearest integer is made by adding 1.5 2^23, which leaves it in the low bits; without them
/// g++ drops the fence between the addition and its undoing where it vectorises under fast-math.
LAGOM_LEAF constexpr float exp_summand(float x) noexcept {
#if LAGOM_HAS_FMA()
  constexpr float shift = 12582912.0f;
  const float shifted = rounded(multiply_add(x, 1.44269504f, shift));
  const float r = multiply_add(rounded(shifted - shift), -0.693147182f, x);
  const std::uint32_t n = detail::bit_cast<std::uint32_t>(shifted);
#else
  const int whole = static_cast<int>(x * 1.44269504f - 0.5f);
  const auto k = static_cast<float>(whole);
  const float r = multiply_add(k, 2.12194440e-4f, rounded(multiply_add(k, -0.693359375f, x)));
  const auto n = static_cast<std::uint32_t>(whole);
#endif
  float p = 0.00829027214f;
  p = multiply_add(p, r, 0.0418981598f);
  p = multiply_add(p, r, 0.166676381f);
  p = multiply_add(p, r, 0.499991478f);
  p = multiply_add(p, r, 0.999999706f);
  p = multiply_add(p, r, 1.0f);
  return p * detail::bit_cast<float>((n + 127u) << 23);
}
/// @overload
LAGOM_LEAF constexpr double exp_summand(double x) noexcept { return exp_of_clamped(x); }

/// e^x for x <= 0, branch-free: vectorises wherever the compiler vectorises integer conversions.
///
/// Error at most 1.1 ULP (1.5 under fast-math) where the result is a normal number: x >= -87.33 (float),
/// x >= -708.39 (double); of floats in loops that g++ vectorises under fast-math without fused multiply-adds, 5e-8 (4 + |x|). It is +0 from x = -88 (-709) down, for -infinity and for NaN.
/// Precondition: x is not positive.
///
/// Method: x = n ln 2 + r with |r| <= ln(2)/2, e^r = 1 + r + r^2 q(r) with a minimax q, and the exponent set
/// by integer arithmetic; the clamp makes the exponent field 0 where the result is 0.
template <std::floating_point T>
LAGOM_LEAF constexpr T exp_nonpositive(T x) noexcept {
  return exp_of_clamped(exp_clamp(x));
}

// Not in namespace lagom: `using namespace lagom` must not make `sqrt(x)` ambiguous.
namespace detail {

/// Natural logarithm of a positive number.
LAGOM_LEAF float log(float x) noexcept { return std::log(x); }
/// @overload
LAGOM_LEAF double log(double x) noexcept { return std::log(x); }

/// Square root of a number that is not negative.
LAGOM_LEAF float sqrt(float x) noexcept { return std::sqrt(x); }
/// @overload
LAGOM_LEAF double sqrt(double x) noexcept { return std::sqrt(x); }

}  // namespace detail

/// 1 / (1 + e^-x): never overflows, 0.5 at 0, symmetric.
template <std::floating_point T>
LAGOM_LEAF constexpr T sigmoid(T x) noexcept {
  const T e = exp_nonpositive(x < 0 ? x : -x);
  return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

/// log(1 + e^x) without overflow: the loss of logistic regression and the pairwise log-sum-exp.
template <std::floating_point T>
LAGOM_LEAF T softplus(T x) noexcept {
  const T e = exp_nonpositive(x < 0 ? x : -x);
  return (x > 0 ? x : T(0)) + std::log1p(e);
}

/// What the bits of a floating-point value say, whatever the compiler was allowed to assume about NaN and
/// infinity (`-ffast-math` folds `std::isnan` to false).
template <std::floating_point T>
struct float_bits;
template <>
struct float_bits<float> {
  using type = std::uint32_t;
  static constexpr type infinity = 0x7f800000u;
  static constexpr type magnitude_mask = 0x7fffffffu;
};
template <>
struct float_bits<double> {
  using type = std::uint64_t;
  static constexpr type infinity = 0x7ff0000000000000u;
  static constexpr type magnitude_mask = 0x7fffffffffffffffu;
};

/// The bits of `*x`. Read through the pointer: a compiler that assumes finite *arguments* cannot interfere.
template <std::floating_point T>
LAGOM_LEAF auto bits_of(const T* x) noexcept {
  typename float_bits<T>::type bits;
  __builtin_memcpy(&bits, x, sizeof bits);
  return bits;
}

/// Is `*x` neither NaN nor infinite? Holds under `-ffast-math` too.
template <std::floating_point T>
LAGOM_LEAF bool is_finite(const T* x) noexcept {
  return (bits_of(x) & float_bits<T>::magnitude_mask) < float_bits<T>::infinity;
}

}  // namespace v0
}  // namespace lagom
