// SPDX-License-Identifier: MIT
/// @file core/linear_algebra.hpp
/// What the library asks of a backend for dense products and factorisations: they have no portable body.
#pragma once

#include "backend.hpp"
#include "mat_view.hpp"
#include "result.hpp"

namespace lagom {
inline namespace v0 {

/// A backend with a matrix product: `b.gemm(alpha, a, b, beta, c)` computes c = alpha a b + beta c.
///
/// Shapes: a m x k, b k x n, c m x n. Transposed views are transposed factors. With beta = 0, c is only
/// written, whatever it held.
template <class B, class T>
concept matrix_products = backend<B> && requires(const B& b, T scale, mat_view<const T> in, mat_view<T> out) {
  b.gemm(scale, in, in, scale, out);
};

/// A backend that also factorises: `b.svd(a, u, s, vt)` finds the thin singular value decomposition
/// a = u diag(s) vt, with s falling and not negative.
///
/// Shapes: a m x n, u m x k, s k, vt k x n, k = min(m, n). Fails with `not_finite` or `not_converged`.
/// `adapt/xtensor_blas.hpp` is such a backend. Signs, and bases of equal singular values, are the backend's.
template <class B, class T>
concept linear_algebra =
    matrix_products<B, T> && requires(const B& b, mat_view<const T> in, mat_view<T> out, vec_view<T> values) {
      { b.svd(in, out, values, out) } -> std::same_as<result<done>>;
    };

}  // namespace v0
}  // namespace lagom
