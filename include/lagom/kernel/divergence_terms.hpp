// SPDX-License-Identifier: MIT
/// @file kernel/divergence_terms.hpp
/// What one token adds to the divergences of two distributions, with all its digits where the two are nearly equal.
#pragma once

#include "../core/math.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// first x^n + ... + last, by Horner. A fold and no loop: loops over it vectorise.
template <std::floating_point T, std::same_as<T>... Ts>
LAGOM_LEAF constexpr T polynomial(T x, T first, Ts... others) noexcept {
  T sum = first;
  ((sum = multiply_add(sum, x, others)), ...);
  return sum;
}

/// Series for |d| <= 1 in u = d^2, and log(1 + x) for 0 <= x <= 1/e. Near-minimax, relative errors under half an ULP.
template <std::floating_point T>
struct divergence_series;

template <>
struct divergence_series<float> {
  /// (t atanh t + ln(1 - t^2) / 2) / u with t = tanh(d / 2).
  LAGOM_LEAF static constexpr float middle(float u) noexcept {
    return polynomial(u, -1.47405655e-6f, 1.86823152e-5f, -1.84190361e-4f, 1.73604845e-3f, -1.56249947e-2f,
                      1.25000000e-1f);
  }
  /// ln cosh(d / 2) / u.
  LAGOM_LEAF static constexpr float log_cosh(float u) noexcept {
    return polynomial(u, -1.40204718e-7f, 2.09290164e-6f, -2.63300478e-5f, 3.47217217e-4f, -5.20833291e-3f,
                      1.25000000e-1f);
  }
  LAGOM_LEAF static constexpr float log1p(float x) noexcept {
    return x * polynomial(x, -3.90775079e-2f, 1.03006220e-1f, -1.55731094e-1f, 1.98243606e-1f,
                          -2.49842374e-1f, 3.33326265e-1f, -4.99999878e-1f, 1.0f);
  }
};

template <>
struct divergence_series<double> {
  LAGOM_LEAF static constexpr double middle(double u) noexcept {
    return polynomial(u, 1.2066345148251358e-13, -1.9708627528114533e-12, 2.1627157205603349e-11,
                      -2.1620232113117872e-10, 2.1254153460898070e-9, -2.0825721724389110e-8,
                      2.0358560772299143e-7, -1.9835528613037373e-6, 1.9221230156975244e-5,
                      -1.8446180555540256e-4, 1.7361111111111042e-3, -1.5625e-2, 0.125);
  }
  LAGOM_LEAF static constexpr double log_cosh(double u) noexcept {
    return polynomial(u, -5.6761161066712424e-14, 9.5403013605756173e-13, -1.1264917056825754e-11,
                      1.2491552793576230e-10, -1.3883128838590028e-9, 1.5660402604964421e-8,
                      -1.8032297946761096e-7, 2.1356922382849376e-6, -2.6351686507774048e-5,
                      3.4722222222221354e-4, -5.2083333333333332e-3, 0.125);
  }
  LAGOM_LEAF static double log1p(double x) noexcept { return std::log1p(x); }
};

/// (e^-d - 1 + d) / d^2 = even(u) - d odd(u), and of -d: even(u) + d odd(u). Taylor; |d| <= 1.
template <std::floating_point T>
struct relative_entropy_series {
  LAGOM_LEAF static constexpr T even(T u) noexcept {
    if constexpr (sizeof(T) == 4) {
      return polynomial(u, T(1) / 3628800, T(1) / 40320, T(1) / 720, T(1) / 24, T(1) / 2);
    } else {
      return polynomial(u, 1 / T(6402373705728000), 1 / T(20922789888000), 1 / T(87178291200),
                        1 / T(479001600), 1 / T(3628800), 1 / T(40320), 1 / T(720), 1 / T(24), 1 / T(2));
    }
  }
  LAGOM_LEAF static constexpr T odd(T u) noexcept {
    if constexpr (sizeof(T) == 4) {
      return polynomial(u, T(1) / 39916800, T(1) / 362880, T(1) / 5040, T(1) / 120, T(1) / 6);
    } else {
      return polynomial(u, 1 / T(121645100408832000), 1 / T(355687428096000), 1 / T(1307674368000),
                        1 / T(6227020800), 1 / T(39916800), 1 / T(362880), 1 / T(5040), 1 / T(120), 1 / T(6));
    }
  }
};

/// One token with probabilities p and q, m = (p + q) / 2. Every term but `mixture` is at least 0 and, where p and q are
/// close, of the size of its value: nothing cancels.
template <std::floating_point T>
struct divergence_terms {
  T forward;   ///< p ln(p / q) - p + q
  T backward;  ///< q ln(q / p) - q + p
  T middle;    ///< (p ln(p / m) + q ln(q / m)) / 2
  T outward;   ///< m (ln(m / p) + ln(m / q)) / 2 = m ln cosh(d / 2)
  T mixture;   ///< -m ln m

  /// From ln p, ln q and d = ln p - ln q, which the caller may know better than their difference. No branches.
  LAGOM_LEAF static divergence_terms of(T log_p, T log_q, T d) noexcept {
    constexpr T ln2 = T(0.69314718055994530942), most = T(0.36787944117144232160);
    using series = divergence_series<T>;
    using relative = relative_entropy_series<T>;
    const T p = exp_summand(exp_clamp(log_p)), q = exp_summand(exp_clamp(log_q));
    const T m = (p + q) / 2;
    const T far = d < 0 ? -d : d;
    const bool close = far < 1;
    const T c = close ? d : T(0), u = c * c;
    const T ratio = exp_summand(exp_clamp(-far));  // of the smaller to the larger probability
    const T l = series::log1p(ratio < most ? ratio : most);
    const T larger = log_p > log_q ? log_p : log_q;
    const T even = relative::even(u), odd = c * relative::odd(u);
    // Both sides of every choice are there before it is made: no branches.
    const T forward_close = p * u * (even - odd), forward_far = p * d - p + q;
    const T backward_close = q * u * (even + odd), backward_far = p - q - q * d;
    const T middle_close = u * series::middle(u), middle_far = ln2 - l - far * ratio / (1 + ratio);
    const T log_close = u * series::log_cosh(u), log_far = l - ln2;
    const T log_m_close = log_close - far / 2, outward_far = far / 2 + log_far;
    divergence_terms t;
    t.forward = close ? forward_close : forward_far;
    t.backward = close ? backward_close : backward_far;
    t.middle = m * (close ? middle_close : middle_far);
    t.outward = m * (close ? log_close : outward_far);
    t.mixture = -m * (larger + (close ? log_m_close : log_far));
    return t;
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
