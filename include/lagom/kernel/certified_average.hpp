// SPDX-License-Identifier: MIT
/// @file kernel/certified_average.hpp
/// A bound of a sum of exponentials that uses that the errors of rows with dithers of their own average out.
#pragma once

#include "certified_bounds.hpp"
#include "certified_workspace.hpp"
#include "lanes.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// What some rows add to the sums of `certified_averaging`, relative to e^T.
template <class B>
struct certified_average {
  double over = 0, under = 0;  ///< sums over A of e^(z + e), at most and at least
  double rise = 0, fall = 0;   ///< sums over known rows of I of c e, at most and at least
  double size = 0;             ///< of those sums, without signs
  double known = 0;            ///< sum over known rows of I of c s, at most
  double widest = 0;           ///< largest s
  double roughest = 0;         ///< largest rounding of a logit of the full head
  float group[static_cast<std::size_t>(prepared_rows::most_dithers)] = {};  ///< b_k, at most

  LAGOM_HD void store(double* to) const noexcept {
    const double all[] = {over, under, rise, fall, size, known, widest, roughest};
    for (int i = 0; i < 8; ++i) to[i] = all[i];
    for (index_t k = 0; k < prepared_rows::most_dithers; ++k) to[8 + k] = static_cast<double>(group[k]);
  }
  /// What `store` wrote, added.
  LAGOM_HD void merge(const double* from) noexcept {
    over += from[0];
    under += from[1];
    rise += from[2];
    fall += from[3];
    size += from[4];
    known += from[5];
    widest = from[6] > widest ? from[6] : widest;
    roughest = from[7] > roughest ? from[7] : roughest;
    for (index_t k = 0; k < prepared_rows::most_dithers; ++k) group[k] += static_cast<float>(from[8 + k]);
  }
};

/// The tail A of dithered rows (`int4`) against a level T that is not below the cut, T among a few numbers that do
/// not depend on the dither: the best logit of the full head less 0, 1, ... `certified_bounds::levels` - 1.
///
/// Row i: logit z_i (a computed one, without the dither), what the prepared row gives z_i + e_i + d_i, |d_i| <= D_i,
/// weight c_i = e^z_i (raised or lowered by rounding), I = {i : z_i < T}. e_i has mean 0 and is sub-Gaussian of scale
/// s_i over the dither of its group k(i); groups are independent, rows of one group depend on each other in any way.
///
/// - L = sum_I c_i e_i: a group's part is sub-Gaussian of scale b_k = sum c_i s_i whatever the dependence (Hoelder),
///   so that L is of scale B = (sum_k b_k^2)^1/2, B^2 <= max_k b_k * sum_k b_k. P(|L| > t B) <= 2 exp(-t^2 / 2).
/// - Q = sum_I c_i e_i^2: with m_k = sum c_i s_i^2, E exp(q Q) <= prod_k (1 - 2 q m_k)^-1/2 (convexity, and what
///   sub-Gaussian squares have), so that P(Q > sum m_k + 2 (x sum m_k^2)^1/2 + 2 x max m_k) <= e^-x (Laurent &
///   Massart 2000, lemma 1).
///
/// I holds the same rows whatever is read; all of A is in I, and the errors of the known rows of I are known. As
/// e^x >= 1 + x,
///
///     sum_A c_i <= sum_A c_i e^e_i + t B + sum over known rows of I of c_i e_i,
///
/// and with e^x <= 1 + x + f x^2 up to |x| = r, f = (e^r - 1 - r) / r^2, the other way round. Which rows are in A may
/// depend on their errors, and rows need not be independent. Assumed is that the generator behind the dither is
/// uniform.
template <class B>
struct certified_averaging {
  static constexpr index_t tile = certified_workspace::tile;

  /// The rows first ... end - 1, relative to e^T.
  LAGOM_HD static certified_average<B> part(const prepared_rows& rows, const certified_bounds& bounds,
                                            const certified_workspace& work, float cut, float level,
                                            index_t begin, index_t end) noexcept {
    constexpr auto width = lanes<float>::width;
    certified_average<B> a;
    for (index_t first = begin; first < end; first += tile) {
      const index_t n = end - first < tile ? end - first : tile;
      const float* LAGOM_RESTRICT upper = work.upper.data() + first;
      const float* LAGOM_RESTRICT exact = work.exact.data() + first;
      const float* LAGOM_RESTRICT error = rows.error.data() + first;
      const float* LAGOM_RESTRICT norm = rows.norm.data() + first;
      // Short loops without a branch, each over one array: what compilers turn into vectors.
      float c[tile], over[tile], under[tile], most[tile], least[tile], scale[tile], read[tile], rough[tile];
      for (index_t r = 0; r < n; ++r) {
        const float u = upper[r], z = exact[r];
        const bool in_tail = u < cut, known = u >= cut && z < level;
        const float s = bounds.scale * error[r], far = bounds.norm * norm[r];
        const float apart = far + s * certified_bounds::dither_rounding;
        const float middle = u - bounds.error * error[r] - far;
        c[r] = in_tail ? u : known ? z : none;
        over[r] = in_tail ? middle + apart : none;
        under[r] = in_tail ? middle - apart : none;
        most[r] = known ? middle - z + apart : 0.0f;
        least[r] = known ? middle - z - apart : 0.0f;
        read[r] = known ? s : 0.0f;
        scale[r] = in_tail ? s : read[r];
        rough[r] = bounds.rounding * norm[r];
      }
      const index_t whole = (n + width - 1) / width * width;
      for (index_t r = n; r < whole; ++r) {
        c[r] = over[r] = under[r] = none;
        most[r] = least[r] = read[r] = scale[r] = rough[r] = 0;
      }
      for (index_t r = 0; r < whole; ++r) c[r] = exp_nonpositive(c[r] - level);
      for (index_t r = 0; r < whole; ++r) over[r] = exp_nonpositive(over[r] - level);
      for (index_t r = 0; r < whole; ++r) under[r] = exp_nonpositive(under[r] - level);
      float size[tile];
      for (index_t r = 0; r < whole; ++r) {
        const float grow = 1 + rough[r] * (1 + rough[r]), shrink = 1 - rough[r];
        over[r] *= grow;
        under[r] *= shrink;
        const float up = c[r] * most[r], down = c[r] * least[r];
        most[r] = up > 0 ? up * grow : up;
        least[r] = down > 0 ? down * shrink : down;
        size[r] = (up > 0 ? up : -up) + (down > 0 ? down : -down);
        read[r] *= c[r] * grow;
        c[r] *= grow * scale[r];
      }
      for (index_t r = 0; r < whole; r += width) {
        float* LAGOM_RESTRICT group = a.group + r % prepared_rows::most_dithers;
        for (index_t j = 0; j < width; ++j) group[j] += c[r + j];
      }
      a.over += sum_of(over, whole);
      a.under += sum_of(under, whole);
      a.rise += sum_of(most, whole);
      a.fall += sum_of(least, whole);
      a.size += sum_of(size, whole);
      a.known += sum_of(read, whole);
      const auto w = static_cast<double>(largest_of(scale, whole)),
                 g = static_cast<double>(largest_of(rough, whole));
      a.widest = w > a.widest ? w : a.widest;
      a.roughest = g > a.roughest ? g : a.roughest;
    }
    return a;
  }

  /// Narrows what is known of the sum over A, relative to e^T.
  LAGOM_HD static void narrow(const certified_average<B>& a, const certified_bounds& bounds, double& low,
                              double& high) noexcept {
    constexpr double fine = 1e-5;  // of sums in float
    if (!(a.roughest < 0.5)) return;
    double largest = 0;
    for (const float g : a.group)
      largest = static_cast<double>(g) > largest ? static_cast<double>(g) : largest;
    largest = largest * (1 + 1e-4) + 1e-30;
    const double s = a.widest, t = static_cast<double>(bounds.deviations);
    const double known = a.known * (1 + fine);
    // S <= x + (q (s S + known))^1/2, q = t^2 largest.
    const double x = a.over * (1 + fine) + a.rise + fine * a.size + 1e-30, q = t * t * largest;
    const double inside = q * s * q * s + 4 * q * (s * x + known);
    const double most = x + (q * s + detail::sqrt(inside > 0 ? inside : 0.0)) / 2;
    high = most < high ? most : high;
    const double r = static_cast<double>(bounds.spread) * s;
    if (!(r < 20)) return;
    const double f = r < 1e-3 ? 0.5 * (1 + r) : (1 / exp_nonpositive(-r) - 1 - r) / (r * r) * (1 + 1e-6);
    const double sum = s * high + known;  // at least the sum of all b_k
    const double noise = t * detail::sqrt(largest * sum);
    // sum m_k <= s (s S + known), max m_k <= s largest, x = t^2 / 2.
    const double squares = s * known + t * s * detail::sqrt(2 * largest * sum) + t * t * s * largest;
    const double least = a.under * (1 - fine) + a.fall - fine * a.size - noise - f * squares;
    const double lower = least / (1 + f * s * s);
    low = lower > low ? lower : low;
  }

 private:
  static constexpr float none = -3.0e38f;

  LAGOM_HD static double sum_of(const float* LAGOM_RESTRICT x, index_t n) noexcept {
    lanes<float> sum;
    constexpr auto width = lanes<float>::width;
    for (index_t r = 0; r < n; r += width) {
      for (index_t j = 0; j < width; ++j) sum.value[j] += x[r + j];
    }
    return static_cast<double>(sum.total());
  }
  LAGOM_HD static float largest_of(const float* LAGOM_RESTRICT x, index_t n) noexcept {
    lanes<float> most;
    constexpr auto width = lanes<float>::width;
    for (index_t r = 0; r < n; r += width) {
      for (index_t j = 0; j < width; ++j) most.value[j] = x[r + j] > most.value[j] ? x[r + j] : most.value[j];
    }
    return fold(most.value, max_op{});
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
