// SPDX-License-Identifier: MIT
/// @file adapt/cuda/row_stats.hpp
/// Softmax statistics of rows of ready logits, and cosines of rows of states.
#pragma once

#include "../../core/mat_view.hpp"
#include "block_backend.hpp"
#include "online_softmax.hpp"
#include "tuning.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Parts that a row of `n` is cut into, `tile` each: one at least, so that an empty row has statistics too.
LAGOM_LEAF constexpr int parts_of(index_t n, index_t tile) noexcept {
  return n <= tile ? 1 : static_cast<int>((n + tile - 1) / tile);
}

/// Block (x, y): part x of the statistics of row y.
template <scalar Z>
struct row_stats_task {
  using Acc = accumulator_t<Z>;
  static constexpr int threads = row_stats_tuning::threads;
  static constexpr index_t tile = row_stats_tuning::tile;

  mat_view<const Z> logits{};
  token_id first_token = 0;
  softmax_stats<Acc>* parts = nullptr;  ///< rows x parts

  static constexpr int shared() noexcept { return shared_bytes(threads, 0); }

  template <thread_block Block>
  LAGOM_HD void operator()(Block& block) const noexcept {
    const index_t first = block.x() * tile;
    const index_t left = logits.cols() - first;
    const index_t n = left < tile ? left : tile;
    const Z* const from = logits.data() + block.y() * logits.row_stride() + first * logits.col_stride();
    const token_id token = static_cast<token_id>(first_token + first);
    typename Block::template per_thread<softmax_stats<Acc>> stats;
    constexpr index_t width = pack<Z>::size;
    const index_t packs = packable(from, logits.col_stride()) ? n / width : 0;
    block.each([&](int thread) {
      for (index_t p = thread; p < packs; p += threads) {
        const pack<Z> z = block.stream(from + p * width);
        for (int k = 0; k < width; ++k) {
          push_online(stats[thread], static_cast<Acc>(z.value[k]),
                      static_cast<token_id>(token + p * width + k));
        }
      }
      for (index_t i = packs * width + thread; i < n; i += threads) {
        push_online(stats[thread], static_cast<Acc>(from[i * logits.col_stride()]),
                    static_cast<token_id>(token + i));
      }
    });
    const auto all = merge_block<Block, softmax_stats<Acc>>(block, stats);
    block.each([&](int thread) {
      if (thread == 0) parts[block.y() * parts_of(logits.cols(), tile) + block.x()] = all;
    });
  }
};

/// The statistics of `n` parts, one after another in memory.
template <thread_block Block, class Acc>
LAGOM_HD softmax_stats<Acc> merge_parts(Block& block, const softmax_stats<Acc>* parts, int n) noexcept {
  typename Block::template per_thread<softmax_stats<Acc>> stats;
  block.each([&](int thread) {
    for (int i = thread; i < n; i += Block::threads) stats[thread].merge(parts[i]);
  });
  return merge_block<Block, softmax_stats<Acc>>(block, stats);
}

/// Block x: the parts of row x become its statistics.
template <class Acc>
struct merge_parts_task {
  static constexpr int threads = sequence_tuning::threads;

  const softmax_stats<Acc>* parts = nullptr;  ///< rows x n_parts
  int n_parts = 0;
  softmax_stats<Acc>* out = nullptr;

  static constexpr int shared() noexcept { return shared_bytes(threads, 0); }

  template <thread_block Block>
  LAGOM_HD void operator()(Block& block) const noexcept {
    const auto all = merge_parts(block, parts + static_cast<index_t>(block.x()) * n_parts, n_parts);
    block.each([&](int thread) {
      if (thread == 0) out[block.x()] = all;
    });
  }
};

/// Block x: the cosine of rows x of two matrices.
template <scalar X, scalar Y>
struct cosine_rows_task {
  static constexpr int threads = sequence_tuning::threads;

  mat_view<const X> xs{};
  mat_view<const Y> ys{};
  cosine_stats<accumulator_t<X, Y>>* out = nullptr;

  static constexpr int shared() noexcept { return shared_bytes(threads, 0); }

  template <thread_block Block>
  LAGOM_HD void operator()(Block& block) const noexcept {
    block_backend<Block> b;
    b.block = &block;
    const auto sums = b.cosine(xs.row(block.x()), ys.row(block.x()));
    block.each([&](int thread) {
      if (thread == 0) out[block.x()] = sums;
    });
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
