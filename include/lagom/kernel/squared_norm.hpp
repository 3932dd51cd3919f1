// SPDX-License-Identifier: MIT
/// @file kernel/squared_norm.hpp
/// Sum of squares.
#pragma once

#include "dot.hpp"

namespace lagom {
inline namespace v0 {

namespace detail {

struct squared_norm_fn {
  LAGOM_HD_UNCHECKED
  template <backend B, tensor<1> Xs>
  LAGOM_HD auto operator()(const B& b, const Xs& xs) const noexcept {
    const auto x = as_vec(xs);
    if constexpr (requires { b.squared_norm(x); }) {
      return b.squared_norm(x);
    } else {
      return dot_fn{}(b, x, x);
    }
  }
};

}  // namespace detail

/// `squared_norm(backend, x)`: sum of x_i^2, as `dot(backend, x, x)` computes it.
/// Cost: n multiply-adds; n elements read. Overridden by a backend's `squared_norm(x)`.
LAGOM_OBJECT detail::squared_norm_fn squared_norm{};

}  // namespace v0
}  // namespace lagom
