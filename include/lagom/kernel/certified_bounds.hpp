// SPDX-License-Identifier: MIT
/// @file kernel/certified_bounds.hpp
/// How far the logits of prepared rows are from those that the full head computes.
#pragma once

#include "head.hpp"
#include "prepared_state.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

template <class B>
inline constexpr bool is_portable = false;
template <target Target>
inline constexpr bool is_portable<basic_portable<Target>> = true;

/// The longest chain of additions behind one element of a product of n elements: what bounds its rounding. The
/// portable body sums in lanes. A backend says so in a member `summation_depth(n)`; of one that does not, any order
/// is assumed.
template <backend B>
LAGOM_HD index_t summation_depth(const B& b, index_t n) noexcept {
  if constexpr (requires { b.summation_depth(n); }) {
    return b.summation_depth(n);
  } else if constexpr (is_portable<B>) {
    constexpr index_t slice = slice_of_state;
    return (n < slice ? n : slice) / 16 + 8 + n / slice;
  } else {
    return n;
  }
}

/// For one state before one head: |logit of prepared row i - logit that `unembed` computes| <= error * error_i +
/// norm * norm_i; two computations of the same logit differ by at most rounding * norm_i.
///
/// The terms: what the row lost (`error`, with its probability), what the state lost (Cauchy-Schwarz), and the
/// rounding of the full head's sum (Higham 2002, section 3.1: depth * u * sum |w_j y_j|, at most depth * u |w| |y|).
///
/// With dithered rows (`int4`) `delta` is for two things, half of it each: that every row keeps its bound (two sides
/// of V rows), and what `certified_averaging` says of sums (three sides of each of `levels`).
struct certified_bounds {
  float error = 0;
  float norm = 0;
  float rounding = 0;
  float scale = 0;       ///< errors of row i are sub-Gaussian of scale * error_i,
  float spread = 0;      ///< and within this many of those
  float deviations = 0;  ///< so many scales a sum may be off; 0: errors do not average out

  /// Levels below the best logit at which sums are bounded.
  static constexpr index_t levels = 16;
  /// In scales: what a logit is off because elements of a dither are numbers of 16 bits, (12 h)^1/2 / 2^17 at most,
  /// and because products with them are summed in float.
  static constexpr float dither_rounding = 0x1p-7f;

  template <backend B>
  LAGOM_HD static certified_bounds of(const B& b, const prepared_rows& rows, const prepared_state& s,
                                      double head_scale, double delta) noexcept {
    constexpr double unit = 0x1p-24;
    const double scale = head_scale < 0 ? -head_scale : head_scale;
    const auto n = static_cast<double>(rows.cols);
    const bool dithered = rows.code == row_code::int4;
    const double share = dithered ? delta / 2 : delta;
    // 2 V exp(-z^2 / 2) = share; Cauchy-Schwarz where that is better.
    double z = 1, sums = 0;
    if (rows.code != row_code::int8) {
      const double hard = dithered ? 3 * n : n > 2 ? n - 1 : 1.0;
      const double tail = 2 * detail::log(2 * static_cast<double>(rows.rows) / share);
      z = detail::sqrt(tail < hard ? tail : hard);
    }
    if (dithered) sums = detail::sqrt(2 * detail::log(3 * static_cast<double>(levels) / share));
    const double sum = static_cast<double>(summation_depth(b, rows.cols) + 8) * unit * 1.01;
    const double rounded = dithered ? z + static_cast<double>(dither_rounding) : z;
    return {up(scale * rounded * s.norm),
            up(scale * (s.rest + (sum + 0x1p-20) * s.norm)),
            up(2 * scale * sum * s.norm),
            up(scale * s.norm),
            up(z),
            up(sums)};
  }

 private:
  LAGOM_LEAF static float up(double x) noexcept {
    return static_cast<float>(x < 1e38 ? x * (1 + 0x1p-18) : 1e38);
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
