// SPDX-License-Identifier: MIT
/// @file stop/cholesky.hpp
/// Small dense systems of the fits: one unknown a feature.
#pragma once

#include <array>

#include "../core/backend.hpp"
#include "../core/math.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

template <std::size_t N>
using small_vector = std::array<double, N>;
template <std::size_t N>
using small_matrix = std::array<std::array<double, N>, N>;

/// Solves a x = b for a symmetric positive definite `a` (lower triangle read), by Cholesky. A pivot that is not
/// positive is replaced by a tiny multiple of the largest diagonal element: the step stays finite.
template <std::size_t N, backend B>
small_vector<N> solve(small_matrix<N> a, small_vector<N> b) noexcept {
  double largest = 0;
  for (std::size_t i = 0; i < N; ++i) largest = a[i][i] > largest ? a[i][i] : largest;
  const double smallest = largest > 0 ? 1e-14 * largest : 1;
  for (std::size_t j = 0; j < N; ++j) {
    double pivot = a[j][j];
    for (std::size_t k = 0; k < j; ++k) pivot -= a[j][k] * a[j][k];
    a[j][j] = sqrt(pivot > smallest ? pivot : smallest);
    for (std::size_t i = j + 1; i < N; ++i) {
      double sum = a[i][j];
      for (std::size_t k = 0; k < j; ++k) sum -= a[i][k] * a[j][k];
      a[i][j] = sum / a[j][j];
    }
  }
  for (std::size_t i = 0; i < N; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= a[i][k] * b[k];
    b[i] /= a[i][i];
  }
  for (std::size_t i = N; i-- > 0;) {
    for (std::size_t k = i + 1; k < N; ++k) b[i] -= a[k][i] * b[k];
    b[i] /= a[i][i];
  }
  return b;
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
