// SPDX-License-Identifier: MIT
/// @file embed/semi_nmf.hpp
/// An embedding matrix as free coordinates times primitives that are not negative.
#pragma once

#include "low_rank.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// How `semi_nmf` works.
struct semi_nmf_options {
  int iterations = 100;     ///< at most
  double tolerance = 1e-6;  ///< ends when an iteration lowers the squared error by less than this times |E|^2
  std::uint64_t seed = 42;  ///< of the first primitives
};

namespace detail {

/// pinv(G) = G^T (G G^T)^-1 through the singular values of G, those under 1e-6 of the largest left out.
template <class B>
result<done> pseudo_inverse(const B& b, mat_view<const float> g, mat_view<float> out) {
  const index_t k = (std::min)(g.rows(), g.cols());
  const auto array = [](index_t rows, index_t cols) {
    return std::vector<float>(static_cast<std::size_t>(rows * cols));
  };
  std::vector<float> u = array(g.rows(), k), s = array(1, k), vt = array(k, g.cols());
  const mat_view<float> uv(u.data(), g.rows(), k), vtv(vt.data(), k, g.cols());
  if (auto ok = b.svd(g, uv, vec_view<float>(s), vtv); !ok) return ok.error();
  for (index_t i = 0; i < k; ++i) {
    const float value = s[static_cast<std::size_t>(i)];
    const float by = value > 1e-6f * s[0] ? 1 / value : 0.0f;
    for (index_t j = 0; j < g.cols(); ++j) vtv(i, j) *= by;
  }
  b.gemm(1.0f, mat_view<const float>(vtv).transposed(), mat_view<const float>(uv).transposed(), 0.0f, out);
  return done{};
}

/// The multiplicative step on G (rank x width), given E^T F (width x rank) and F^T F: column by column, as
/// the new elements of one depend on its old ones alone.
template <class B>
void multiply_primitives(mat_view<const float> cross, mat_view<const float> square, mat_view<float> g) {
  const index_t rank = g.rows();
  std::vector<double> old(static_cast<std::size_t>(rank));
  for (index_t c = 0; c < g.cols(); ++c) {
    for (index_t k = 0; k < rank; ++k) old[static_cast<std::size_t>(k)] = static_cast<double>(g(k, c));
    for (index_t k = 0; k < rank; ++k) {
      const auto x = static_cast<double>(cross(c, k));
      double up = x > 0 ? x : 0, down = x < 0 ? -x : 0;
      for (index_t l = 0; l < rank; ++l) {
        const double y = static_cast<double>(square(k, l)) * old[static_cast<std::size_t>(l)];
        (y < 0 ? up : down) += y < 0 ? -y : y;
      }
      if (down > 0)
        g(k, c) = static_cast<float>(old[static_cast<std::size_t>(k)] * lagom::detail::sqrt(up / down));
    }
  }
}

}  // namespace detail

/// Semi-NMF (Ding, Li and Jordan, "Convex and semi-nonnegative matrix factorizations", TPAMI 2010, section 2)
/// from given primitives: E is about F G with G >= 0. An iteration takes the best coordinates
/// F = E G^T (G G^T)^-1 and then, with M+ = (|M| + M) / 2 and M- = (|M| - M) / 2,
///   G_ij <- G_ij sqrt(((F^T E)+ + (F^T F)- G)_ij / ((F^T E)- + (F^T F)+ G)_ij).
/// The squared error |E - F G|^2 never rises. The coordinates that are returned are the best for the
/// primitives.
///
/// Shapes: matrix rows x width, primitives rank x width, not negative; 0 stays 0. No iteration gives the best
/// coordinates for primitives that are kept, as for a new language in "UNKs Everywhere" (arXiv 2012.15562).
/// Cost: 4 rows x width x rank multiply-adds an iteration, and a decomposition of the primitives. Memory: two
/// arrays rows x rank, some of rank x width.
/// Fails with `empty`, `wrong_shape` (the widths differ), `bad_value` (a negative primitive), `not_finite`,
/// `not_converged`.
template <scalar S, linear_algebra<float> B>
[[nodiscard]] result<low_rank> semi_nmf(const B& b, mat_view<const S> matrix,
                                        mat_view<const float> primitives,
                                        const semi_nmf_options& options = {}) {
  if (matrix.empty()) return failure{.code = errc::empty, .key = "matrix"};
  if (primitives.empty()) return failure{.code = errc::empty, .key = "primitives"};
  if (primitives.cols() != matrix.cols()) {
    return failure{.code = errc::wrong_shape,
                   .key = "primitives",
                   .expected = static_cast<std::uint64_t>(matrix.cols()),
                   .found = static_cast<std::uint64_t>(primitives.cols())};
  }
  const index_t m = matrix.rows(), n = matrix.cols(), rank = primitives.rows();
  const auto array = [](index_t rows, index_t cols) {
    return std::vector<float>(static_cast<std::size_t>(rows * cols));
  };
  low_rank out{m, rank, n, array(m, rank), array(rank, n)};
  for (index_t i = 0; i < rank * n; ++i) {
    const float& x = primitives(i / n, i % n);
    if (!is_finite(&x)) return failure{.code = errc::not_finite, .key = "primitives"};
    if (x < 0) return failure{.code = errc::bad_value, .key = "primitives"};
    out.g[static_cast<std::size_t>(i)] = x;
  }
  double size = 0;
  for (index_t r = 0; r < m; ++r) {
    for (index_t c = 0; c < n; ++c) {
      const auto x = static_cast<double>(matrix(r, c));
      if (!is_finite(&x)) return failure{.code = errc::not_finite, .key = "matrix"};
      size += x * x;
    }
  }
  std::vector<float> inverse = array(n, rank), cross = array(n, rank), square = array(rank, rank);
  const mat_view<float> fv(out.f.data(), m, rank), inverse_view(inverse.data(), n, rank),
      cross_view(cross.data(), n, rank), square_view(square.data(), rank, rank);
  double last = 0;
  for (int i = 0;; ++i) {
    if (auto ok = detail::pseudo_inverse(b, out.primitives(), inverse_view); !ok) return ok.error();
    detail::times(b, matrix, false, mat_view<const float>(inverse_view), fv);
    if (i >= options.iterations) break;
    detail::times(b, matrix, true, out.coordinates(), cross_view);  // E^T F
    b.gemm(1.0f, out.coordinates().transposed(), out.coordinates(), 0.0f, square_view);
    // |E - F G|^2 = |E|^2 - <E^T F, G^T>, as F is the best for G
    double fitted = 0;
    for (index_t k = 0; k < rank; ++k) {
      for (index_t c = 0; c < n; ++c) {
        fitted += static_cast<double>(cross_view(c, k)) *
                  static_cast<double>(out.g[static_cast<std::size_t>(k * n + c)]);
      }
    }
    const double error = size - fitted;
    if (i > 0 && last - error < options.tolerance * size) break;
    last = error;
    detail::multiply_primitives<B>(mat_view<const float>(cross_view), mat_view<const float>(square_view),
                                   mat_view<float>(out.g.data(), rank, n));
  }
  return out;
}

/// The same from primitives that are drawn from U[0, 1) + 1e-4, by name: a function of (seed, row, column).
/// Fails with `bad_value` for a rank below 1 too.
template <scalar S, linear_algebra<float> B>
[[nodiscard]] result<low_rank> semi_nmf(const B& b, mat_view<const S> matrix, index_t rank,
                                        const semi_nmf_options& options = {}) {
  if (rank < 1) return failure{.code = errc::bad_value, .key = "rank"};
  const index_t n = matrix.cols();
  std::vector<float> start(static_cast<std::size_t>(rank * n));
  for (index_t i = 0; i < rank * n; ++i) {
    const double u =
        philox{options.seed}.uniform(static_cast<std::uint64_t>(i / n), static_cast<std::uint64_t>(i % n));
    start[static_cast<std::size_t>(i)] = static_cast<float>(u + 1e-4);
  }
  return semi_nmf(b, matrix, mat_view<const float>(start.data(), rank, n), options);
}

}  // namespace embed
}  // namespace v0
}  // namespace lagom
