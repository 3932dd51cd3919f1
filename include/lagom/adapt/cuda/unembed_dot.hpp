// SPDX-License-Identifier: MIT
/// @file adapt/cuda/unembed_dot.hpp
/// The fused probe of a few states: every warp reads some rows of the head once.
#pragma once

#include "../../core/mat_view.hpp"
#include "live_rows.hpp"
#include "norm_states.hpp"
#include "row_stats.hpp"
#include "tile_stats.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Block (x, y): states x * States ... against tile y of the head. Groups of states are neighbours in the grid, so that
/// the second one finds the rows in the cache. `Vector`: the rows of the head are nothing but packs.
template <class Acc, scalar W, int States, bool Vector>
struct unembed_dot_task {
  static constexpr int threads = unembed_dot_tuning::threads;
  static constexpr int rows = unembed_dot_tuning::rows;
  static constexpr int tile = unembed_dot_tuning::tile;
  using row_pointers = const W * [static_cast<std::size_t>(rows)];
  using state_pointers = const Acc * [static_cast<std::size_t>(States)];
  using products = sums<Acc, static_cast<std::size_t>(rows* States)>;

  mat_view<const W> head{};
  Acc scale = 1;
  token_id first_token = 0;
  live_rows live{};
  const Acc* states = nullptr;          ///< live rows, normed: padded_width apart
  softmax_stats<Acc>* parts = nullptr;  ///< live rows x parts_of(head.rows(), tile)

  static constexpr int shared() noexcept {
    return shared_bytes(threads, States * tile_pitch(tile) * static_cast<int>(sizeof(Acc)));
  }

  template <thread_block Block>
  LAGOM_HD void operator()(Block& block) const noexcept {
    const int first_state = block.x() * States;
    const int here = live.size() - first_state < States ? live.size() - first_state : States;
    if (here <= 0) return;
    const index_t first_row = static_cast<index_t>(block.y()) * tile;
    const index_t left = head.rows() - first_row;
    const int n = left < tile ? static_cast<int>(left) : tile;
    const index_t pitch = padded_width(head.cols());
    const index_t width = n > 0 ? head.cols() : 0;  // no row, nothing to read

    typename Block::template per_thread<products> sum;
    block.each([&](int thread) {
      const int warp = thread / warp_threads;
      const index_t lane = thread % warp_threads;
      row_pointers from;
      LAGOM_UNROLL
      for (int r = 0; r < rows; ++r) {  // beyond the last row: the last row, not counted
        const int row = warp * rows + r < n ? warp * rows + r : n - 1;
        from[r] = head.data() + (first_row + row) * head.row_stride();
      }
      state_pointers x;
      LAGOM_UNROLL
      for (int s = 0; s < States; ++s) x[s] = states + (first_state + (s < here ? s : 0)) * pitch;
      for (index_t column = lane * pack<W>::size; column < width; column += warp_threads * pack<W>::size) {
        multiply(block, from, x, column, sum[thread]);
      }
    });
    for (int offset = warp_threads / 2; offset > 0; offset /= 2) block.merge_down(sum, offset);

    auto logits = block.template array<Acc>(States * tile_pitch(tile));
    block.each([&](int thread) {
      if (thread % warp_threads != 0) return;
      LAGOM_UNROLL
      for (int s = 0; s < States; ++s) {
        LAGOM_UNROLL
        for (int r = 0; r < rows; ++r) {
          logits.store(thread, s * tile_pitch(tile) + thread / warp_threads * rows + r,
                       sum[thread].value[s * rows + r] * scale);
        }
      }
    });
    const int n_parts = parts_of(head.rows(), tile);
    tile_stats<tile, States>(block, logits, n, static_cast<token_id>(first_token + first_row), here,
                             parts + static_cast<index_t>(first_state) * n_parts + block.y(), n_parts);
  }

 private:
  /// Adds the products of one pack of columns. All rows are asked for before the first is used.
  template <class Block>
  LAGOM_HD void multiply(Block& block, const row_pointers& from, const state_pointers& x, index_t column,
                         products& sum) const noexcept {
    constexpr int width = pack<W>::size;
    constexpr int x_width = pack<Acc>::size;
    pack<W> w[static_cast<std::size_t>(rows)];
    LAGOM_UNROLL
    for (int r = 0; r < rows; ++r) {
      w[r] = load_columns<Vector>(block, from[r], column, head.cols(), head.col_stride());
    }
    LAGOM_UNROLL
    for (int s = 0; s < States; ++s) {
      LAGOM_UNROLL
      for (int part = 0; part < width; part += x_width) {
        pack<Acc> h;
        if constexpr (x_width <= width) {
          h = *reinterpret_cast<const pack<Acc>*>(x[s] + column + part);
        } else {
          for (int k = 0; k < width; ++k) h.value[k] = x[s][column + k];
        }
        LAGOM_UNROLL
        for (int r = 0; r < rows; ++r) {
          LAGOM_UNROLL
          for (int k = 0; k < x_width; ++k) {
            if (part + k < width)
              sum.value[s * rows + r] += static_cast<Acc>(w[r].value[part + k]) * h.value[k];
          }
        }
      }
    }
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
