// SPDX-License-Identifier: MIT
/// @file adapt/xtensor_blas.hpp
/// A backend whose dense products run on the BLAS that xtensor-blas links.
#pragma once

#pragma push_macro("ASSERT")  // xtensor-blas leaves a macro of this name behind
#pragma push_macro("NCC")     // and has a parameter that <sys/ioctl.h> has a macro for
#undef ASSERT
#undef NCC
#if __has_include(<xtensor-blas/xlinalg.hpp>)
#include <xtensor-blas/xlinalg.hpp>
#else
#include <xtensor/xlinalg.hpp>
#endif
#pragma pop_macro("NCC")
#pragma pop_macro("ASSERT")

#include <algorithm>
#include <limits>
#include <vector>

#include "../core/linear_algebra.hpp"
#include "../kernel/cosine.hpp"
#include "../kernel/unembed.hpp"
#include "xtensor.hpp"

namespace lagom {
inline namespace v0 {

/// `dot`, `squared_norm`, `unembed`, `gemm` and `svd` of float and double through BLAS and LAPACK: a model of
/// `linear_algebra`. Everything else is portable: a head in bf16 or f16 (BLAS has no kernel for it, and the
/// portable body reads half the bytes), a transposed head, strides that BLAS has no word for.
/// The BLAS decides about threads and about its order of summation: results are not bit-equal to `portable`'s.
struct xtensor_blas : portable {
  template <std::floating_point T>
  [[nodiscard]] T dot(vec_view<const T> x, vec_view<const T> y) const noexcept {
    if (x.stride() < 1 || y.stride() < 1 || !fits(x.size()) || !fits(x.stride()) || !fits(y.stride()))
      return lagom::dot(portable{}, x, y);
    T sum = 0;
    cxxblas::dot<xt::blas_index_t>(index(x.size()), x.data(), index(x.stride()), y.data(), index(y.stride()),
                                   sum);
    return sum;
  }

  template <std::floating_point T>
  [[nodiscard]] T squared_norm(vec_view<const T> x) const noexcept {
    return dot(x, x);
  }

  /// Logits a tile of rows by `gemv`; the tile is reduced while it is in cache.
  template <std::floating_point T, final_norm Norm>
  [[nodiscard]] softmax_stats<T> unembed(vec_view<const T> hidden, const head<T, Norm>& to) const noexcept {
    if (to.rows.col_stride() != 1 || to.rows.row_stride() < to.rows.cols() || hidden.empty() ||
        !fits(to.rows.row_stride())) {
      return detail::unembed_portable(*this, hidden, to);
    }
    using accumulator = detail::softmax_accumulator<portable, T>;
    accumulator stats;
    detail::normed_slice<portable, T, Norm> slices(*this, hidden, to.norm);
    T logits[accumulator::tile];
    for (index_t first = 0; first < to.rows.rows(); first += accumulator::tile) {
      const index_t left = to.rows.rows() - first;
      const index_t n = left < accumulator::tile ? left : accumulator::tile;
      for (index_t column = 0; column < hidden.size(); column += slices.capacity) {
        const auto x = slices.at(column);
        cxxblas::gemv<xt::blas_index_t>(cxxblas::StorageOrder::RowMajor, cxxblas::Transpose::NoTrans,
                                        index(n), index(x.size()), static_cast<T>(to.scale),
                                        &to.rows(first, column),
                                        index(n > 1 ? to.rows.row_stride() : hidden.size()), x.data(), 1,
                                        T(column == 0 ? 0 : 1), logits, 1);
      }
      stats.push(logits, n, static_cast<token_id>(to.first_token + first));
    }
    return stats.finish();
  }

  /// c = alpha a b + beta c. An operand whose strides BLAS has no word for (neither its rows nor its columns
  /// contiguous) is copied first; such a `c` goes through a copy too.
  /// Precondition: a.cols() == b.rows(), c is a.rows() x b.cols(), extents fit the BLAS's integer.
  template <std::floating_point T>
  void gemm(T alpha, mat_view<const T> a, mat_view<const T> b, T beta, mat_view<T> c) const {
    LAGOM_ASSERT(a.cols() == b.rows() && c.rows() == a.rows() && c.cols() == b.cols());
    LAGOM_ASSERT(fits(a.rows()) && fits(a.cols()) && fits(b.cols()));
    if (c.empty()) return;
    if (!by_rows(c)) {
      if (by_rows(c.transposed())) return gemm(alpha, b.transposed(), a.transposed(), beta, c.transposed());
      std::vector<T> copy = packed(mat_view<const T>(c));
      gemm(alpha, a, b, beta, mat_view<T>(copy.data(), c.rows(), c.cols()));
      scatter(copy, c);
      return;
    }
    std::vector<T> a_copy, b_copy;
    a = readable(a, a_copy);
    b = readable(b, b_copy);
    const bool a_rows = by_rows(a), b_rows = by_rows(b);
    const auto word = [](bool rows) {
      return rows ? cxxblas::Transpose::NoTrans : cxxblas::Transpose::Trans;
    };
    cxxblas::gemm<xt::blas_index_t>(cxxblas::StorageOrder::RowMajor, word(a_rows), word(b_rows),
                                    index(c.rows()), index(c.cols()), index(a.cols()), alpha, a.data(),
                                    pitch(a, a_rows), b.data(), pitch(b, b_rows), beta, c.data(),
                                    pitch(mat_view<const T>(c), true));
  }

  /// Thin singular value decomposition a = u diag(s) vt (LAPACK's gesdd).
  ///
  /// Shapes: a m x n, u m x k, s k, vt k x n with k = min(m, n). O(m n k) with a constant near 10, and
  /// memory for twice all four. Fails with `not_finite` (NaN or infinity in `a`), `not_converged`, or `too_large` (extents
  /// beyond the BLAS's integer).
  template <std::floating_point T>
  result<done> svd(mat_view<const T> a, mat_view<T> u, vec_view<T> s, mat_view<T> vt) const {
    const index_t m = a.rows(), n = a.cols(), k = std::min(m, n);
    LAGOM_ASSERT(u.rows() == m && u.cols() == k && s.size() == k && vt.rows() == k && vt.cols() == n);
    if (k == 0) return done{};
    if (!fits(m) || !fits(n)) return failure{.code = errc::too_large, .key = "svd"};
    // LAPACK counts by columns: what it sees in a row-major array is the transpose, and u and vt change places.
    std::vector<T> matrix = packed(a);
    for (const T& x : matrix) {
      if (!is_finite(&x)) return failure{.code = errc::not_finite, .key = "svd"};
    }
    const auto extent = [](index_t rows, index_t cols) { return static_cast<std::size_t>(rows * cols); };
    std::vector<T> values(static_cast<std::size_t>(k)), left(extent(m, k)), right(extent(k, n)), work(1);
    std::vector<xt::blas_index_t> integers(8 * static_cast<std::size_t>(k));
    const auto call = [&](xt::blas_index_t size) {
      return cxxlapack::gesdd<xt::blas_index_t>('S', index(n), index(m), matrix.data(), index(n),
                                                values.data(), right.data(), index(n), left.data(), index(k),
                                                work.data(), size, integers.data());
    };
    if (call(-1) != 0) return failure{.code = errc::not_converged, .key = "svd"};
    const auto size = static_cast<double>(work[0]) * 1.0001 + 64;  // a float rounds large sizes down
    if (size > static_cast<double>(std::numeric_limits<xt::blas_index_t>::max())) {
      return failure{.code = errc::too_large, .key = "svd"};
    }
    work.resize(static_cast<std::size_t>(size));
    if (call(static_cast<xt::blas_index_t>(size)) != 0)
      return failure{.code = errc::not_converged, .key = "svd"};
    scatter(left, u);
    scatter(right, vt);
    for (index_t i = 0; i < k; ++i) s[i] = values[static_cast<std::size_t>(i)];
    return done{};
  }

 private:
  /// Whether rows are contiguous and do not overlap.
  template <class T>
  static bool by_rows(mat_view<T> m) noexcept {
    return (m.col_stride() == 1 || m.cols() < 2) && (m.row_stride() >= m.cols() || m.rows() < 2) &&
           fits(m.row_stride());
  }
  template <class T>
  static xt::blas_index_t pitch(mat_view<const T> m, bool rows) noexcept {
    const mat_view<const T> seen = rows ? m : m.transposed();
    return index(std::max<index_t>({1, seen.cols(), seen.rows() < 2 ? 1 : seen.row_stride()}));
  }
  template <class T>
  static std::vector<T> packed(mat_view<const T> m) {
    std::vector<T> out;
    out.reserve(static_cast<std::size_t>(m.rows() * m.cols()));
    for (index_t r = 0; r < m.rows(); ++r) {
      for (index_t c = 0; c < m.cols(); ++c) out.push_back(m(r, c));
    }
    return out;
  }
  template <class T>
  static void scatter(const std::vector<T>& from, mat_view<T> to) noexcept {
    const T* element = from.data();
    for (index_t r = 0; r < to.rows(); ++r) {
      for (index_t c = 0; c < to.cols(); ++c) to(r, c) = *element++;
    }
  }
  template <class T>
  static mat_view<const T> readable(mat_view<const T> m, std::vector<T>& copy) {
    if (by_rows(m) || by_rows(m.transposed())) return m;
    copy = packed(m);
    return {copy.data(), m.rows(), m.cols()};
  }

  /// BLAS counts in its own type, and reads a stride below 1 from the other end.
  static bool fits(index_t i) noexcept { return i <= std::numeric_limits<xt::blas_index_t>::max(); }
  static xt::blas_index_t index(index_t i) noexcept { return static_cast<xt::blas_index_t>(i); }
};

}  // namespace v0
}  // namespace lagom
