// SPDX-License-Identifier: MIT
/// @file embed/product_tiles.hpp
/// All products of two sets of rows, a tile at a time.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "../core/executor.hpp"
#include "../core/linear_algebra.hpp"
#include "../kernel/dot.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

namespace detail {

/// out = x y^T: through the backend's `gemm`, or dot by dot.
template <backend B>
void product_tile(const B& b, mat_view<const float> x, mat_view<const float> y, mat_view<float> out) {
  if constexpr (matrix_products<B, float>) {
    b.gemm(1.0f, x, y.transposed(), 0.0f, out);
  } else {
    for (index_t j = 0; j < y.rows(); ++j) {
      const auto key = y.row(j);
      for (index_t i = 0; i < x.rows(); ++i) out(i, j) = dot(b, x.row(i), key);
    }
  }
}

}  // namespace detail

/// Rows of a task, and columns of a tile: 1 MiB of products at once.
inline constexpr index_t product_rows = 64, product_columns = 4096;

/// Shows every row's products with all of `keys` to a state of that row's own, in order, and never holds more
/// than a tile of them: no matrix of queries x keys exists.
///
/// `start()` makes a state; `state.push(first, products)` gets the products with keys `first`, `first + 1`, ...
/// as a `std::span<const float>`; `finish(i, state)` gets row i's state at the end, for different rows perhaps
/// on several threads. Tasks are blocks of queries, so every executor gives the same bits on one backend.
/// Cost: queries x keys x width multiply-adds. Precondition: equal widths.
template <backend B, executor Run, class Start, class Finish>
void for_each_product(const B& b, const Run& run, mat_view<const float> queries, mat_view<const float> keys,
                      Start start, Finish finish) {
  LAGOM_ASSERT(queries.cols() == keys.cols());
  run((queries.rows() + product_rows - 1) / product_rows, [&](index_t task) {
    const index_t first_row = task * product_rows;
    const index_t rows = (std::min)(product_rows, queries.rows() - first_row);
    const auto block = queries.slice_rows(first_row, rows);
    const index_t width = (std::min)(product_columns, keys.rows());
    std::vector<float> tile(static_cast<std::size_t>(rows * width));
    std::vector<decltype(start())> states;
    states.reserve(static_cast<std::size_t>(rows));
    for (index_t i = 0; i < rows; ++i) states.push_back(start());
    for (index_t first = 0; first < keys.rows(); first += width) {
      const index_t columns = (std::min)(width, keys.rows() - first);
      const mat_view<float> products(tile.data(), rows, columns, width);
      detail::product_tile(b, block, keys.slice_rows(first, columns), products);
      for (index_t i = 0; i < rows; ++i) {
        states[static_cast<std::size_t>(i)].push(
            static_cast<std::uint32_t>(first),
            std::span<const float>(products.row(i).data(), static_cast<std::size_t>(columns)));
      }
    }
    for (index_t i = 0; i < rows; ++i) {
      finish(static_cast<std::size_t>(first_row + i), states[static_cast<std::size_t>(i)]);
    }
  });
}

}  // namespace embed
}  // namespace v0
}  // namespace lagom
