// SPDX-License-Identifier: MIT
/// @file exit/nearest_rows.hpp
/// The few rows that lie nearest to a vector.
#pragma once

#include "../core/mat_view.hpp"
#include "../kernel/cosine.hpp"

namespace lagom {
inline namespace v0 {

/// The `count` nearest of the rows that were pushed, at most K, the nearest first; the lower row of equals. A mergeable
/// value: any order and any split give the same answer. A distance that is not finite is left out.
template <int K>
struct nearest_rows {
  static_assert(K > 0);
  static constexpr int capacity = K;

  struct neighbour {
    index_t row = -1;
    float distance = 0;
  };

  int most = K;   ///< how many are kept, in 1 ... K
  int count = 0;  ///< how many there are
  neighbour found[static_cast<std::size_t>(K)] = {};

  LAGOM_LEAF void push(index_t row, float distance) noexcept {
    if (!is_finite(&distance)) return;
    int at = count;
    while (at > 0 && before({row, distance}, found[at - 1])) --at;
    if (at >= most) return;
    count = count < most ? count + 1 : count;
    for (int i = count - 1; i > at; --i) found[i] = found[i - 1];
    found[at] = {row, distance};
  }
  /// Adds what was found among other rows.
  LAGOM_LEAF void merge(const nearest_rows& o) noexcept {
    for (int i = 0; i < o.count; ++i) push(o.found[i].row, o.found[i].distance);
  }

 private:
  LAGOM_LEAF static constexpr bool before(neighbour a, neighbour b) noexcept {
    return a.distance < b.distance || (!(b.distance < a.distance) && a.row < b.row);
  }
};

/// What near means.
enum class row_metric : std::uint8_t {
  squared_euclidean,  ///< |x - y|^2
  one_minus_cosine,   ///< 1 - cos(x, y), 1 for a zero vector
};

namespace detail {

/// |x - y|^2, term by term: near rows keep their digits.
template <backend B, scalar X, scalar Y>
LAGOM_HD accumulator_t<X, Y> squared_distance(vec_view<const X> x, vec_view<const Y> y) noexcept {
  using Acc = accumulator_t<X, Y>;
  lanes<Acc> sum;
  constexpr index_t width = lanes<Acc>::width;
  index_t i = 0;
  if (x.contiguous() && y.contiguous()) {
    const X* LAGOM_RESTRICT const a = x.data();
    const Y* LAGOM_RESTRICT const b = y.data();
    for (; i + width <= x.size(); i += width) {
      for (index_t j = 0; j < width; ++j) {
        const Acc d = static_cast<Acc>(a[i + j]) - static_cast<Acc>(b[i + j]);
        sum.value[j] = d * d + sum.value[j];
      }
    }
  }
  for (; i < x.size(); ++i) {
    const Acc d = static_cast<Acc>(x[i]) - static_cast<Acc>(y[i]);
    sum.value[i % width] += d * d;
  }
  return sum.total();
}

}  // namespace detail

/// Every row of `rows` against x: 2 n h to 3 n h multiply-adds for n rows, which are read once. `keep(row)` says which rows
/// are looked at. No allocation. Precondition: x is as long as a row; 0 < most <= K.
template <int K, backend B, scalar X, scalar R, class Keep>
[[nodiscard]] LAGOM_HD nearest_rows<K> find_nearest(const B& b, vec_view<const X> x, mat_view<const R> rows,
                                                    row_metric metric, int most, const Keep& keep) noexcept {
  LAGOM_ASSERT(x.size() == rows.cols() && 0 < most && most <= K);
  nearest_rows<K> nearest;
  nearest.most = most;
  const auto xx = metric == row_metric::one_minus_cosine ? static_cast<accumulator_t<X, R>>(squared_norm(b, x))
                                               : accumulator_t<X, R>(0);
  for (index_t row = 0; row < rows.rows(); ++row) {
    if (!keep(row)) continue;
    if (metric == row_metric::one_minus_cosine) {
      const auto s = cosine(b, x, rows.row(row), xx);
      if (s.valid()) nearest.push(row, static_cast<float>(1 - s.value()));
    } else {
      nearest.push(row, static_cast<float>(detail::squared_distance<B>(x, rows.row(row))));
    }
  }
  return nearest;
}

}  // namespace v0
}  // namespace lagom
