// SPDX-License-Identifier: MIT
/// @file kernel/cosine.hpp
/// Cosine similarity in one pass.
#pragma once

#include "cosine_stats.hpp"
#include "dot.hpp"

namespace lagom {
inline namespace v0 {

namespace detail {

template <backend B, class Acc, scalar X, scalar Y>
LAGOM_HD cosine_stats<Acc> cosine_contiguous(const X* LAGOM_RESTRICT x, const Y* LAGOM_RESTRICT y,
                                             index_t n) noexcept {
  lanes<Acc> xy, xx, yy;
  constexpr index_t width = lanes<Acc>::width;
  index_t i = 0;
  for (; i + width <= n; i += width) {
    for (index_t j = 0; j < width; ++j) {
      const auto a = static_cast<Acc>(x[i + j]);
      const auto b = static_cast<Acc>(y[i + j]);
      xy.value[j] = a * b + xy.value[j];
      xx.value[j] = a * a + xx.value[j];
      yy.value[j] = b * b + yy.value[j];
    }
  }
  for (index_t j = 0; i < n; ++i, ++j) {
    const auto a = static_cast<Acc>(x[i]);
    const auto b = static_cast<Acc>(y[i]);
    xy.value[j] += a * b;
    xx.value[j] += a * a;
    yy.value[j] += b * b;
  }
  return {xy.total(), xx.total(), yy.total()};
}

struct cosine_fn {
  template <backend B, class Xs, class Ys>
  LAGOM_HD auto operator()(const B& b, const Xs& xs, const Ys& ys) const noexcept {
    const auto x = as_vec(xs);
    const auto y = as_vec(ys);
    LAGOM_ASSERT(x.size() == y.size());
    using X = typename decltype(x)::value_type;
    using Y = typename decltype(y)::value_type;
    using Acc = accumulator_t<X, Y>;
    if constexpr (requires { b.cosine(x, y); }) {
      return b.cosine(x, y);
    } else if (x.contiguous() && y.contiguous()) {
      return cosine_contiguous<B, Acc>(x.data(), y.data(), x.size());
    } else {
      return cosine_stats<Acc>{dot_fn{}(b, x, y), dot_fn{}(b, x, x), dot_fn{}(b, y, y)};
    }
  }
};

}  // namespace detail

/// `cosine(backend, x, y)`: the sums behind the cosine similarity, as a `cosine_stats`.
/// ```cpp
/// float c = lagom::cosine(lagom::portable{}, previous, hidden).value();
/// ```
/// One pass: 3 n multiply-adds, 2 n elements read. Whoever compares each state with the next one keeps the
/// norms: `cosine_stats<>{dot(b, x, y), xx_of_the_last_call, squared_norm(b, y)}`.
/// Precondition: equal sizes. Overridden by a backend's `cosine(x, y)`.
inline constexpr detail::cosine_fn cosine{};

}  // namespace v0
}  // namespace lagom
