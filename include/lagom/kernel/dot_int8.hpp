// SPDX-License-Identifier: MIT
/// @file kernel/dot_int8.hpp
/// Exact inner product of two int8 vectors.
#pragma once

#include "../core/backend.hpp"
#include "../core/vec_view.hpp"

namespace lagom {
inline namespace v0 {

namespace detail {

template <backend B>
LAGOM_HD std::int32_t dot_int8_portable(vec_view<const std::int8_t> x,
                                        vec_view<const std::int8_t> y) noexcept {
  std::int32_t sum = 0;
  if (x.contiguous() && y.contiguous()) {
    const std::int8_t *a = x.data(), *b = y.data();
    for (index_t i = 0; i < x.size(); ++i) sum += static_cast<std::int32_t>(a[i]) * b[i];
  } else {
    for (index_t i = 0; i < x.size(); ++i) sum += static_cast<std::int32_t>(x[i]) * y[i];
  }
  return sum;
}

struct dot_int8_fn {
  /// The longest vectors whose product always fits: 131071 * 128 * 128 < 2^31.
  static constexpr index_t max_size = 131071;

  template <backend B>
  LAGOM_HD std::int32_t operator()(const B& b, vec_view<const std::int8_t> x,
                                   vec_view<const std::int8_t> y) const noexcept {
    LAGOM_ASSERT(x.size() == y.size() && x.size() <= max_size);
    if constexpr (requires { b.dot_int8(x, y); }) {
      return b.dot_int8(x, y);
    } else {
      return dot_int8_portable<B>(x, y);
    }
  }
};

}  // namespace detail

/// `dot_int8(backend, x, y)`: sum of x_i y_i as a 32-bit integer, exact for every int8 (-128 too), so that every
/// backend gives the same number.
///
/// Strided or not; empty vectors give 0. Cost: n multiply-adds; 2 n bytes read.
/// Precondition: equal sizes, at most `dot_int8.max_size` elements. Overridden by a backend's `dot_int8(x, y)`.
LAGOM_OBJECT detail::dot_int8_fn dot_int8{};

}  // namespace v0
}  // namespace lagom
