// SPDX-License-Identifier: MIT
/// @file kernel/prepared_state.hpp
/// A hidden state as prepared rows see it.
#pragma once

#include "normed_slice.hpp"
#include "prepared_products.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// The normed state y, rotated with the rows, as integers: y = step * p + rest.
struct prepared_state {
  split_state integers{};
  double step = 0;    ///< 0 for a state without a direction
  double sum = 0;     ///< of all p_j
  double centre = 0;  ///< the same times the centre of the rows
  double mean = 0;    ///< <mean of the rows, y>
  double norm = 0;    ///< |y|
  double rest = 0;    ///< |y - step p|
  bool bad = false;   ///< NaN, infinity, or a size that no logit survives: nothing else is set
};

/// `y`, `high`, `low` have whole lines of elements.
template <backend B, scalar H, final_norm Norm>
LAGOM_HD prepared_state prepare_state(const B& b, vec_view<const H> hidden, const Norm& norm,
                                      const prepared_rows& rows, double* y, std::int8_t* high,
                                      std::int8_t* low) noexcept {
  constexpr double most = 127 * 128 + 63;
  const index_t n = rows.cols;
  normed_slice<B, H, Norm> slices(b, hidden, norm);
  for (index_t first = 0; first < n; first += slices.capacity) {
    const auto x = slices.at(first);
    for (index_t j = 0; j < x.size(); ++j) y[first + j] = static_cast<double>(x[j]);
  }
  prepared_state s{.integers = {high, low}};
  for (index_t j = 0; j < n; ++j) {
    const double m = y[j] < 0 ? -y[j] : y[j];
    s.bad = s.bad || !is_finite(&y[j]) || m > 1e30;
  }
  if (s.bad) return s;
  if (rows.rotated) sign_hadamard{rows.key}(b, y, n);
  double largest = 0, squares = 0;
  for (index_t j = 0; j < n; ++j) {
    const double m = y[j] < 0 ? -y[j] : y[j];
    largest = m > largest ? m : largest;
    squares += y[j] * y[j];
    s.mean += static_cast<double>(rows.mean[j]) * y[j];
  }
  s.norm = detail::sqrt(squares);
  s.step = largest < 0x1p-100 ? 0 : largest / most;
  const double inverse = s.step > 0 ? 1 / s.step : 0;
  double rest = 0;
  for (index_t j = 0; j < n; ++j) {
    const double v = y[j] * inverse;
    int p = static_cast<int>(v < 0 ? v - 0.5 : v + 0.5);
    int h = (p + 64) >> 7;  // towards minus infinity: low is in [-64, 64)
    h = h > 127 ? 127 : h;
    const int l = p - 128 * h;
    high[j] = static_cast<std::int8_t>(h);
    low[j] = static_cast<std::int8_t>(l);
    const double e = y[j] - s.step * static_cast<double>(p);
    rest += e * e;
    s.sum += static_cast<double>(p);
  }
  s.rest = detail::sqrt(rest);
  s.centre = centre(rows.code) * s.sum;
  const index_t line = prepared_rows::line(rows.code);
  for (index_t j = n; j < (n + line - 1) / line * line; ++j) high[j] = low[j] = 0;
  return s;
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
