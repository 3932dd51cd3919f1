// SPDX-License-Identifier: MIT
/// @file adapt/cuda/pack.hpp
/// Sixteen bytes: what a thread reads at once.
#pragma once

#include "../../core/mat_view.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Adjacent elements that are read together.
template <class T>
struct alignas(16) pack {
  static constexpr int size = 16 / static_cast<int>(sizeof(T));
  T value[static_cast<std::size_t>(size)];

  /// Elements 2 i and 2 i + 1 of two bytes each, as a tensor core takes them.
  [[nodiscard]] LAGOM_LEAF std::uint32_t word(int i) const noexcept {
    std::uint32_t w;
    __builtin_memcpy(&w, value + i * (4 / static_cast<int>(sizeof(T))), 4);
    return w;
  }
};

/// Does a vector of this stride begin with a whole pack?
template <class T>
LAGOM_LEAF bool packable(const T* data, index_t stride) noexcept {
  return stride == 1 && reinterpret_cast<std::uintptr_t>(data) % 16 == 0;
}

/// Are the rows of a head nothing but packs?
template <class T>
LAGOM_LEAF bool packable(mat_view<const T> head) noexcept {
  const auto bytes = static_cast<index_t>(sizeof(T));
  return packable(head.data(), head.col_stride()) && head.row_stride() * bytes % 16 == 0 &&
         head.cols() * bytes % 16 == 0;
}

/// Elements column ... column + size - 1 of a row, 0 beyond its `width`. `Vector`: the row is nothing but packs.
template <bool Vector, class Block, class T>
LAGOM_LEAF pack<T> load_columns(Block& block, const T* row, index_t column, index_t width,
                                index_t adjacent) noexcept {
  pack<T> out{};
  if constexpr (Vector) {
    if (column < width) out = block.stream(row + column);
  } else {
    for (int k = 0; k < pack<T>::size; ++k) {
      if (column + k < width) out.value[k] = row[(column + k) * adjacent];
    }
  }
  return out;
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
