// SPDX-License-Identifier: MIT
/// @file adapt/cuda/unembed_mma.hpp
/// The fused probe of many states: the products by tensor cores.
#pragma once

#include "norm_states.hpp"
#include "row_stats.hpp"
#include "tile_stats.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Four words of a 16 x 16 operand, two of a 16 x 8 one, four sums: what a lane holds of m16n8k16.
struct mma_a {
  std::uint32_t word[4];
};
struct mma_b {
  std::uint32_t word[2];
};
struct mma_c {
  float value[4] = {};
};

/// Block y: at most 8 Tiles states against tile y of a head in bf16 or f16 whose rows are nothing but packs.
///
/// A lane reads 16 bytes of a row: eight adjacent columns, where the instruction wants pairs 8 columns apart. A product does
/// not mind in which order its columns come, so the states are laid out in the head's order (`split_pack_at`) and no
/// operand changes lanes. Tensor cores cut their sums short of float's last bit: every few steps these go to sums of
/// ordinary additions. An infinite weight may flag a state that `portable` masks it in (the parts of the state may differ in
/// sign). |error of a logit| <= 2^-16 sum |w_j x_j| (bf16), 2^-21 (f16), and the rounding of the sums.
template <class W, int Tiles>
struct unembed_mma_task {
  using tuning = unembed_mma_tuning;
  static constexpr int threads = tuning::threads;
  static constexpr int tile = tuning::tile;
  static constexpr int row_blocks = tuning::row_blocks;
  static constexpr int packs = tuning::step / 32;  ///< of a row, a step and lane

  mat_view<const W> head{};
  float scale = 1;
  token_id first_token = 0;
  live_rows live{};
  int first = 0;                          ///< first live row of the group
  int tiles = 0;                          ///< groups of 8 states in `states`
  const pack<W>* states = nullptr;        ///< of `split_states_task`
  const float* unscale = nullptr;         ///< a factor a state
  softmax_stats<float>* parts = nullptr;  ///< live rows x parts_of(head.rows(), tile)

  static constexpr int shared() noexcept {
    return shared_bytes(threads, 8 * Tiles * tile_pitch(tile) * static_cast<int>(sizeof(float)));
  }

  template <thread_block Block>
  LAGOM_HD void operator()(Block& block) const noexcept {
    const int here = live.size() - first < 8 * Tiles ? live.size() - first : 8 * Tiles;
    if (here <= 0) return;
    const int used = (here + 7) / 8;
    const index_t first_row = static_cast<index_t>(block.y()) * tile;
    const index_t left = head.rows() - first_row;
    const int n = left < tile ? static_cast<int>(left) : tile;
    const index_t steps = n > 0 ? split_width(head.cols()) / tuning::step : 0;

    typename Block::template per_thread<operands> now, next;
    typename Block::template per_thread<totals> kept, running;
    block.each([&](int thread) {
      if (steps > 0) read_head(block, thread, first_row, n, 0, now[thread]);
    });
    for (index_t step = 0; step < steps; ++step) {
      block.each([&](int thread) {
        if (step + 1 < steps) read_head(block, thread, first_row, n, step + 1, next[thread]);
      });
      LAGOM_UNROLL
      for (int p = 0; p < packs; ++p) multiply(block, now, running, step * packs + p, p, used);
      block.each([&](int thread) { now[thread] = next[thread]; });
      if ((step + 1) % tuning::steps_kept == 0 || step + 1 == steps) {
        block.each([&](int thread) { kept[thread].take(running[thread]); });
        block.barrier();  // warps stay together: they read the same states
      }
    }
    auto logits = block.template array<float>(8 * Tiles * tile_pitch(tile));
    block.each([&](int thread) {
      const int warp = thread / warp_threads, group = thread % 32 / 4, pair = thread % 4;
      LAGOM_UNROLL
      for (int m = 0; m < row_blocks; ++m) {
        LAGOM_UNROLL
        for (int t = 0; t < Tiles; ++t) {
          LAGOM_UNROLL
          for (int i = 0; i < 4; ++i) {
            const int state = t * 8 + pair * 2 + i % 2;
            const int row = (warp * row_blocks + m) * 16 + group + i / 2 * 8;
            if (state < here) {
              logits.store(thread, state * tile_pitch(tile) + row,
                           kept[thread].of[m][t].value[i] * unscale[state] * scale);
            }
          }
        }
      }
    });
    const int n_parts = parts_of(head.rows(), tile);
    tile_stats<tile, 8 * Tiles>(block, logits, n, static_cast<token_id>(first_token + first_row), here,
                                parts + static_cast<index_t>(first) * n_parts + block.y(), n_parts);
  }

 private:
  /// Rows `group` and `group + 8` of each of the warp's blocks of 16.
  struct operands {
    pack<W> row[static_cast<std::size_t>(row_blocks)][2][static_cast<std::size_t>(packs)] = {};
  };
  struct totals {
    mma_c of[static_cast<std::size_t>(row_blocks)][static_cast<std::size_t>(Tiles)];
    LAGOM_LEAF void take(totals& from) noexcept {
      LAGOM_UNROLL
      for (int m = 0; m < row_blocks; ++m) {
        LAGOM_UNROLL
        for (int t = 0; t < Tiles; ++t) {
          LAGOM_UNROLL
          for (int i = 0; i < 4; ++i) {
            of[m][t].value[i] += from.of[m][t].value[i];
            from.of[m][t].value[i] = 0;
          }
        }
      }
    }
  };

  /// What the lane multiplies in a step. Rows beyond the last are the last, not counted.
  template <class Block>
  LAGOM_HD void read_head(Block& block, int thread, index_t first_row, int n, index_t step,
                          operands& to) const noexcept {
    const int warp = thread / warp_threads, group = thread % 32 / 4, pair = thread % 4;
    LAGOM_UNROLL
    for (int m = 0; m < row_blocks; ++m) {
      LAGOM_UNROLL
      for (int half = 0; half < 2; ++half) {
        const int wanted = (warp * row_blocks + m) * 16 + half * 8 + group;
        const W* const row = head.data() + (first_row + (wanted < n ? wanted : n - 1)) * head.row_stride();
        LAGOM_UNROLL
        for (int p = 0; p < packs; ++p) {
          to.row[m][half][p] = load_columns<true>(block, row, step * tuning::step + p * 32 + pair * 8,
                                                  head.cols(), head.col_stride());
        }
      }
    }
  }

  /// Adds the products of 32 columns: two instructions for each of high and low parts.
  template <class Block, class Operands, class Totals>
  LAGOM_HD void multiply(Block& block, Operands& head_packs, Totals& running, index_t columns32, int p,
                         int used) const noexcept {
    LAGOM_UNROLL
    for (int t = 0; t < Tiles; ++t) {
      if (t >= used) continue;
      LAGOM_UNROLL
      for (int low = 0; low < 2; ++low) {
        typename Block::template per_thread<pack<W>> x;
        block.each([&](int thread) {
          const index_t columns8 = columns32 * 4 + thread % 4;
          x[thread] = states[split_pack_at(columns8, t * 8 + thread % 32 / 4, low, tiles)];
        });
        LAGOM_UNROLL
        for (int m = 0; m < row_blocks; ++m) {
          LAGOM_UNROLL
          for (int s = 0; s < 2; ++s) {
            block.template mma<W>(
                [&](int thread) {
                  const auto& row = head_packs[thread].row[m];
                  return mma_a{{row[0][p].word(2 * s), row[1][p].word(2 * s), row[0][p].word(2 * s + 1),
                                row[1][p].word(2 * s + 1)}};
                },
                [&](int thread) { return mma_b{{x[thread].word(2 * s), x[thread].word(2 * s + 1)}}; },
                [&](int thread) -> mma_c& { return running[thread].of[m][t]; });
          }
        }
      }
    }
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
