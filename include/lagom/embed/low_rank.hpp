// SPDX-License-Identifier: MIT
/// @file embed/low_rank.hpp
/// An embedding matrix as coordinates times primitives.
#pragma once

#include <algorithm>
#include <vector>

#include "../core/linear_algebra.hpp"
#include "../core/scalar.hpp"
#include "noise.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// E is about F G: coordinates F (rows x rank) and primitives G (rank x width).
struct low_rank {
  index_t rows = 0, rank = 0, width = 0;
  std::vector<float> f{}, g{};

  [[nodiscard]] mat_view<const float> coordinates() const noexcept { return {f.data(), rows, rank}; }
  [[nodiscard]] mat_view<const float> primitives() const noexcept { return {g.data(), rank, width}; }
};

/// How `factorise` works where the exact decomposition would cost too much.
struct factorise_options {
  index_t exact_up_to = 1024;  ///< the exact decomposition when min(rows, width) is not above this
  index_t oversampling = 10;
  int power_iterations = 4;
  std::uint64_t seed = 42;
};

namespace detail {

/// out = matrix x, or matrix^T x, 256 rows of the matrix at a time: it is never held in float as a whole.
template <class B, scalar S>
void times(const B& b, mat_view<const S> matrix, bool transposed, mat_view<const float> x,
           mat_view<float> out) {
  constexpr index_t block = 256;
  std::vector<float> copy(static_cast<std::size_t>((std::min)(block, matrix.rows()) * matrix.cols()));
  for (index_t first = 0; first < matrix.rows(); first += block) {
    const index_t n = (std::min)(block, matrix.rows() - first);
    const mat_view<float> part(copy.data(), n, matrix.cols());
    for (index_t i = 0; i < n; ++i) {
      for (index_t j = 0; j < matrix.cols(); ++j) part(i, j) = static_cast<float>(matrix(first + i, j));
    }
    const mat_view<const float> seen = part;
    if (transposed) {
      b.gemm(1.0f, seen.transposed(), x.slice_rows(first, n), first == 0 ? 0.0f : 1.0f, out);
    } else {
      b.gemm(1.0f, seen, x, 0.0f, out.slice_rows(first, n));
    }
  }
}

}  // namespace detail

/// The truncated singular value decomposition E = U S V^T, F = the first `rank` columns of U, G = S V^T of the
/// same: the best approximation of that rank, in OFA's form (arXiv 2311.08849, section 3.1; F is not scaled). A
/// rank above min(rows, width) is taken as that.
///
/// Large matrices go through a randomised range finder with power iterations (Halko, Martinsson and Tropp,
/// arXiv 0909.4061, algorithms 4.4 and 5.1), whose Gaussian test matrix is named by `seed`: O(rows x width x
/// rank) a pass, 2 power_iterations + 2 passes. Compare F G, not F: signs and bases of equal singular values
/// are the backend's.
/// Fails with `bad_value` (a rank below 1), `empty`, `not_finite`, `not_converged`.
template <scalar S, linear_algebra<float> B>
[[nodiscard]] result<low_rank> factorise(const B& b, mat_view<const S> matrix, index_t rank,
                                         const factorise_options& options = {}) {
  if (rank < 1) return failure{.code = errc::bad_value, .key = "rank"};
  if (matrix.empty()) return failure{.code = errc::empty, .key = "matrix"};
  const index_t m = matrix.rows(), n = matrix.cols(), k = (std::min)(m, n);
  rank = (std::min)(rank, k);
  const auto array = [](index_t rows, index_t cols) {
    return std::vector<float>(static_cast<std::size_t>(rows * cols));
  };
  const bool exact = k <= (std::max)(options.exact_up_to, rank + options.oversampling);
  const index_t l = exact ? k : rank + std::max<index_t>(options.oversampling, 0);
  std::vector<float> u = array(m, l), s = array(1, l), vt = array(l, n);
  const mat_view<float> uv(u.data(), m, l), vtv(vt.data(), l, n);
  const vec_view<float> sv(s);
  if (exact) {
    std::vector<float> copy = array(m, n);
    for (index_t i = 0; i < m * n; ++i)
      copy[static_cast<std::size_t>(i)] = static_cast<float>(matrix(i / n, i % n));
    if (auto ok = b.svd(mat_view<const float>(copy.data(), m, n), uv, sv, vtv); !ok) return ok.error();
  } else {
    std::vector<float> y = array(m, l), z = array(n, l), small = array(l, l);
    const mat_view<float> yv(y.data(), m, l), zv(z.data(), n, l), sq(small.data(), l, l);
    for (index_t i = 0; i < n; ++i) {
      for (index_t j = 0; j < l; ++j) {
        const normal_pair pair = standard_normal(options.seed, static_cast<vocab::target_id>(i),
                                                 static_cast<std::uint64_t>(j / 2));
        zv(i, j) = static_cast<float>(j % 2 == 0 ? pair.even : pair.odd);
      }
    }
    for (int pass = 0;; ++pass) {  // the columns of u span the range of E (E^T E)^pass times the test matrix
      detail::times(b, matrix, false, mat_view<const float>(zv), yv);
      if (auto ok = b.svd(mat_view<const float>(yv), uv, sv, sq); !ok) return ok.error();
      detail::times(b, matrix, true, mat_view<const float>(uv), zv);
      if (pass >= options.power_iterations) break;
      std::vector<float> q = array(n, l);
      if (auto ok = b.svd(mat_view<const float>(zv), mat_view<float>(q.data(), n, l), sv, sq); !ok) {
        return ok.error();
      }
      std::copy(q.begin(), q.end(), z.begin());
    }
    // z^T = u^T E; its own decomposition turns u into the left singular vectors
    std::vector<float> basis = u;
    if (auto ok = b.svd(mat_view<const float>(zv.transposed()), sq, sv, vtv); !ok) return ok.error();
    b.gemm(1.0f, mat_view<const float>(basis.data(), m, l), mat_view<const float>(sq), 0.0f, uv);
  }
  low_rank out{m, rank, n, array(m, rank), array(rank, n)};
  for (index_t i = 0; i < m; ++i) {
    for (index_t j = 0; j < rank; ++j) out.f[static_cast<std::size_t>(i * rank + j)] = uv(i, j);
  }
  for (index_t j = 0; j < rank; ++j) {
    for (index_t c = 0; c < n; ++c) out.g[static_cast<std::size_t>(j * n + c)] = sv[j] * vtv(j, c);
  }
  return out;
}

/// Rows again: out = coordinates times the primitives. Precondition: shapes fit.
template <matrix_products<float> B>
void product(const B& b, mat_view<const float> coordinates, const low_rank& factors, mat_view<float> out) {
  b.gemm(1.0f, coordinates, factors.primitives(), 0.0f, out);
}

}  // namespace embed
}  // namespace v0
}  // namespace lagom
