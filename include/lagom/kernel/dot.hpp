// SPDX-License-Identifier: MIT
/// @file kernel/dot.hpp
/// Inner product.
#pragma once

#include "../core/backend.hpp"
#include "../core/math.hpp"
#include "../core/vec_view.hpp"
#include "lanes.hpp"

namespace lagom {
inline namespace v0 {

namespace detail {

template <backend B, class Acc, scalar X, scalar Y>
LAGOM_HD Acc dot_contiguous(const X* LAGOM_RESTRICT x, const Y* LAGOM_RESTRICT y, index_t n) noexcept {
  lanes<Acc> sum;
  constexpr index_t width = lanes<Acc>::width;
  index_t i = 0;
  for (; i + width <= n; i += width) {
    for (index_t j = 0; j < width; ++j) {
      sum.value[j] = static_cast<Acc>(x[i + j]) * static_cast<Acc>(y[i + j]) + sum.value[j];
    }
  }
  for (index_t j = 0; i < n; ++i, ++j) sum.value[j] += static_cast<Acc>(x[i]) * static_cast<Acc>(y[i]);
  return sum.total();
}

template <backend B, class Acc, scalar X, scalar Y>
LAGOM_HD Acc dot_strided(vec_view<const X> x, vec_view<const Y> y) noexcept {
  lanes<Acc> sum;
  for (index_t i = 0; i < x.size(); ++i) {
    sum.value[i % lanes<Acc>::width] += static_cast<Acc>(x[i]) * static_cast<Acc>(y[i]);
  }
  return sum.total();
}

struct dot_fn {
  LAGOM_HD_UNCHECKED
  template <backend B, tensor<1> Xs, tensor<1> Ys>
  LAGOM_HD auto operator()(const B& b, const Xs& xs, const Ys& ys) const noexcept {
    const auto x = as_vec(xs);
    const auto y = as_vec(ys);
    LAGOM_ASSERT(x.size() == y.size());
    if constexpr (requires { b.dot(x, y); }) {
      return b.dot(x, y);
    } else {
      using X = typename decltype(x)::value_type;
      using Y = typename decltype(y)::value_type;
      using Acc = accumulator_t<X, Y>;
      return x.contiguous() && y.contiguous() ? dot_contiguous<B, Acc>(x.data(), y.data(), x.size())
                                              : dot_strided<B, Acc>(x, y);
    }
  }
};

}  // namespace detail

/// `dot(backend, x, y)`: sum of x_i y_i.
///
/// Reads float, double, bf16, f16 in any mixture, strided or not; sums in float, or in double as soon as one
/// side is double. The same elements give the same bits whatever their strides. Empty vectors give 0.
/// Cost: n multiply-adds; 2 n elements read.
/// Precondition: equal sizes. Overridden by a backend's `dot(x, y)`.
LAGOM_OBJECT detail::dot_fn dot{};

}  // namespace v0
}  // namespace lagom
