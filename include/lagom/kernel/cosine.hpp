// SPDX-License-Identifier: MIT
/// @file kernel/cosine.hpp
/// Cosine similarity in one pass.
#pragma once

#include "../core/backend.hpp"
#include "../core/vec_view.hpp"
#include "cosine_stats.hpp"
#include "lanes.hpp"
#include "squared_norm.hpp"

namespace lagom {
inline namespace v0 {

namespace detail {

template <class Acc>
struct cosine_lanes {
  lanes<Acc> xy, xx, yy;

  LAGOM_LEAF void add(index_t lane, Acc a, Acc b) noexcept {
    xy.value[lane] = a * b + xy.value[lane];
    xx.value[lane] = a * a + xx.value[lane];
    yy.value[lane] = b * b + yy.value[lane];
  }
  LAGOM_LEAF cosine_stats<Acc> total() const noexcept { return {xy.total(), xx.total(), yy.total()}; }
};

template <backend B, class Acc, scalar X, scalar Y>
LAGOM_HD cosine_stats<Acc> cosine_contiguous(const X* LAGOM_RESTRICT x, const Y* LAGOM_RESTRICT y,
                                             index_t n) noexcept {
  cosine_lanes<Acc> sums;
  constexpr index_t width = lanes<Acc>::width;
  index_t i = 0;
  for (; i + width <= n; i += width) {
    for (index_t j = 0; j < width; ++j) sums.add(j, static_cast<Acc>(x[i + j]), static_cast<Acc>(y[i + j]));
  }
  for (index_t j = 0; i < n; ++i, ++j) sums.add(j, static_cast<Acc>(x[i]), static_cast<Acc>(y[i]));
  return sums.total();
}

template <backend B, class Acc, scalar X, scalar Y>
LAGOM_HD cosine_stats<Acc> cosine_strided(vec_view<const X> x, vec_view<const Y> y) noexcept {
  cosine_lanes<Acc> sums;
  for (index_t i = 0; i < x.size(); ++i) {
    sums.add(i % lanes<Acc>::width, static_cast<Acc>(x[i]), static_cast<Acc>(y[i]));
  }
  return sums.total();
}

struct cosine_fn {
  LAGOM_HD_UNCHECKED
  template <backend B, tensor<1> Xs, tensor<1> Ys>
  LAGOM_HD auto operator()(const B& b, const Xs& xs, const Ys& ys) const noexcept {
    const auto x = as_vec(xs);
    const auto y = as_vec(ys);
    LAGOM_ASSERT(x.size() == y.size());
    if constexpr (requires { b.cosine(x, y); }) {
      return b.cosine(x, y);
    } else {
      using X = typename decltype(x)::value_type;
      using Y = typename decltype(y)::value_type;
      using Acc = accumulator_t<X, Y>;
      return x.contiguous() && y.contiguous() ? cosine_contiguous<B, Acc>(x.data(), y.data(), x.size())
                                              : cosine_strided<B, Acc>(x, y);
    }
  }

  /// `xx` is the squared norm of x, known from before.
  template <backend B, tensor<1> Xs, tensor<1> Ys, std::floating_point Acc>
  LAGOM_HD cosine_stats<Acc> operator()(const B& b, const Xs& xs, const Ys& ys, Acc xx) const noexcept {
    const auto x = as_vec(xs);
    const auto y = as_vec(ys);
    LAGOM_ASSERT(x.size() == y.size());
    if constexpr (requires { b.cosine(x, y, xx); }) {
      return b.cosine(x, y, xx);
    } else {
      return {static_cast<Acc>(dot_fn{}(b, x, y)), xx, static_cast<Acc>(squared_norm_fn{}(b, y))};
    }
  }
};

}  // namespace detail

/// `cosine(backend, x, y)`: the sums behind the cosine similarity, as a `cosine_stats`.
/// ```cpp
/// float c = lagom::cosine(lagom::portable{}, previous, hidden).value();
/// ```
/// One pass: 3 n multiply-adds, 2 n elements read. Whoever compares each state with the next one keeps the norms:
/// `cosine(backend, x, y, xx)` takes |x|^2 as it was `yy` of the call before, and does 2 n.
/// ```cpp
/// auto c = lagom::cosine(b, x[0], x[1]);
/// for (int l = 2; l < n; ++l) c = lagom::cosine(b, x[l - 1], x[l], c.yy);
/// ```
/// Precondition: equal sizes. Overridden by a backend's `cosine(x, y)` and `cosine(x, y, xx)`.
LAGOM_OBJECT detail::cosine_fn cosine{};

}  // namespace v0
}  // namespace lagom
