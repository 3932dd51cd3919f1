// SPDX-License-Identifier: MIT
/// @file core/mat_view.hpp
/// A strided view of a matrix that somebody else owns.
#pragma once

#include "vec_view.hpp"

namespace lagom {
inline namespace v0 {

/// Pointer, rows, columns and both strides (in elements). Row-major by default; a transposed view, as MLX and
/// Torch hold their weights, swaps the strides.
///
/// ```cpp
/// lagom::mat_view<const float> head{w, vocab, dim};              // w[v * dim + j]
/// lagom::mat_view<const float> padded{w, vocab, dim, pitch};     // w[v * pitch + j]
/// ```
template <class T>
class mat_view {
 public:
  using element_type = T;
  using value_type = std::remove_cv_t<T>;

  constexpr mat_view() noexcept = default;

  template <std::integral Rows, std::integral Cols>
  LAGOM_LEAF constexpr mat_view(T* data, Rows rows, Cols cols) noexcept
      : mat_view(data, rows, cols, static_cast<index_t>(cols), 1) {}

  template <std::integral Rows, std::integral Cols>
  LAGOM_LEAF constexpr mat_view(T* data, Rows rows, Cols cols, index_t row_stride,
                                index_t col_stride = 1) noexcept
      : data_(data),
        rows_(static_cast<index_t>(rows)),
        cols_(static_cast<index_t>(cols)),
        row_stride_(row_stride),
        col_stride_(col_stride) {}

  template <class C>
    requires(!std::same_as<std::remove_cvref_t<C>, mat_view> && tensor<C, 2> &&
             std::convertible_to<decltype(tensor_traits<std::remove_cvref_t<C>>::data(std::declval<C&>())),
                                 T*>)
  LAGOM_LEAF constexpr mat_view(C&& tensor) noexcept
      : data_(tensor_traits<std::remove_cvref_t<C>>::data(tensor)),
        rows_(tensor_traits<std::remove_cvref_t<C>>::extent(tensor, 0)),
        cols_(tensor_traits<std::remove_cvref_t<C>>::extent(tensor, 1)),
        row_stride_(tensor_traits<std::remove_cvref_t<C>>::stride(tensor, 0)),
        col_stride_(tensor_traits<std::remove_cvref_t<C>>::stride(tensor, 1)) {}

  [[nodiscard]] LAGOM_LEAF constexpr T* data() const noexcept { return data_; }
  [[nodiscard]] LAGOM_LEAF constexpr index_t rows() const noexcept { return rows_; }
  [[nodiscard]] LAGOM_LEAF constexpr index_t cols() const noexcept { return cols_; }
  [[nodiscard]] LAGOM_LEAF constexpr index_t row_stride() const noexcept { return row_stride_; }
  [[nodiscard]] LAGOM_LEAF constexpr index_t col_stride() const noexcept { return col_stride_; }
  [[nodiscard]] LAGOM_LEAF constexpr bool empty() const noexcept { return rows_ == 0 || cols_ == 0; }

  /// Row `r` as a vector. Precondition: 0 <= r < rows().
  [[nodiscard]] LAGOM_LEAF constexpr vec_view<T> row(index_t r) const noexcept {
    LAGOM_ASSERT(0 <= r && r < rows_);
    return {data_ + r * row_stride_, cols_, col_stride_};
  }

  /// Column `c` as a vector. Precondition: 0 <= c < cols().
  [[nodiscard]] LAGOM_LEAF constexpr vec_view<T> col(index_t c) const noexcept {
    LAGOM_ASSERT(0 <= c && c < cols_);
    return {data_ + c * col_stride_, rows_, row_stride_};
  }

  /// Element (r, c). Precondition: inside.
  [[nodiscard]] LAGOM_LEAF constexpr T& operator()(index_t r, index_t c) const noexcept {
    LAGOM_ASSERT(0 <= r && r < rows_ && 0 <= c && c < cols_);
    return data_[r * row_stride_ + c * col_stride_];
  }

  /// The `count` rows from `first` on. Precondition: they lie inside.
  [[nodiscard]] LAGOM_LEAF constexpr mat_view slice_rows(index_t first, index_t count) const noexcept {
    LAGOM_ASSERT(0 <= first && 0 <= count && first + count <= rows_);
    return {data_ + first * row_stride_, count, cols_, row_stride_, col_stride_};
  }

  /// The same elements with rows and columns exchanged.
  [[nodiscard]] LAGOM_LEAF constexpr mat_view transposed() const noexcept {
    return {data_, cols_, rows_, col_stride_, row_stride_};
  }

 private:
  T* data_ = nullptr;
  index_t rows_ = 0;
  index_t cols_ = 0;
  index_t row_stride_ = 0;
  index_t col_stride_ = 1;
};

/// A view is a tensor too: this is how a view of mutable elements becomes one of constant elements.
template <class T>
struct tensor_traits<mat_view<T>> {
  static constexpr int rank = 2;
  LAGOM_LEAF static constexpr T* data(mat_view<T> m) noexcept { return m.data(); }
  LAGOM_LEAF static constexpr index_t extent(mat_view<T> m, int d) noexcept {
    return d == 0 ? m.rows() : m.cols();
  }
  LAGOM_LEAF static constexpr index_t stride(mat_view<T> m, int d) noexcept {
    return d == 0 ? m.row_stride() : m.col_stride();
  }
};

template <class T, std::integral Rows, std::integral Cols>
mat_view(T*, Rows, Cols) -> mat_view<T>;
template <class T, std::integral Rows, std::integral Cols>
mat_view(T*, Rows, Cols, index_t) -> mat_view<T>;
template <class T, std::integral Rows, std::integral Cols>
mat_view(T*, Rows, Cols, index_t, index_t) -> mat_view<T>;

template <tensor<2> C>
mat_view(C&& c) -> mat_view<std::remove_pointer_t<decltype(tensor_traits<std::remove_cvref_t<C>>::data(c))>>;

/// Read-only view of any matrix: what the kernels take in.
template <tensor<2> C>
LAGOM_LEAF constexpr auto as_mat(const C& c) noexcept {
  auto m = mat_view(c);
  return mat_view<const typename decltype(m)::value_type>(m);
}

}  // namespace v0
}  // namespace lagom
