// SPDX-License-Identifier: MIT
/// @file adapt/xtensor_blas.hpp
/// A backend whose dense products run on the BLAS that xtensor-blas links.
#pragma once

#pragma push_macro("ASSERT")  // xtensor-blas leaves a macro of this name behind
#undef ASSERT
#if __has_include(<xtensor-blas/xlinalg.hpp>)
#include <xtensor-blas/xlinalg.hpp>
#else
#include <xtensor/xlinalg.hpp>
#endif
#pragma pop_macro("ASSERT")

#include <limits>

#include "../kernel/cosine.hpp"
#include "../kernel/unembed.hpp"
#include "xtensor.hpp"

namespace lagom {
inline namespace v0 {

/// `dot`, `squared_norm` and `unembed` of float and double through BLAS; everything else is portable: a head in
/// bf16 or f16 (BLAS has no kernel for it, and the portable body reads half the bytes), a transposed head, strides
/// that BLAS has no word for.
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

 private:
  /// BLAS counts in its own type, and reads a stride below 1 from the other end.
  static bool fits(index_t i) noexcept { return i <= std::numeric_limits<xt::blas_index_t>::max(); }
  static xt::blas_index_t index(index_t i) noexcept { return static_cast<xt::blas_index_t>(i); }
};

}  // namespace v0
}  // namespace lagom
