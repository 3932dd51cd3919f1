// SPDX-License-Identifier: MIT
/// @file adapt/native_batch.hpp
/// The fused probe of several states in vector instructions: blocks of rows times states in registers.
#pragma once

#include "../kernel/unembed_batch.hpp"
#include "native_unembed.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Products of `rows` rows with `states` states, whose sums stay in registers.
template <target Target, class W, native_isa Isa = native_isa_of(Target)>
struct batch_block {
  using S = simd<Target, Isa>;
  using vec = typename S::vec;
  static constexpr index_t rows = Isa == native_isa::avx512 ? 4 : 2;
  static constexpr auto block_rows = static_cast<std::size_t>(rows);
  static constexpr index_t most_states = 4;
  static constexpr bool halves = std::same_as<W, bf16>;  // the state lies in even and odd halves
  static constexpr index_t step = halves ? 2 * S::width : S::width;

  LAGOM_INLINE static void prepare(float* x, index_t n) noexcept { native_row<Target, W>::prepare(x, n); }

  /// out[c * out_pitch + r] = <row r, state c>. Meanwhile the rows `ahead_first` to `ahead_last` of the next block are
  /// asked for.
  template <std::size_t States>
  LAGOM_INLINE static void run(const W* w, index_t pitch, const float* x, index_t x_pitch, index_t n,
                               float* out, index_t out_pitch, index_t ahead_first,
                               index_t ahead_last) noexcept {
    constexpr auto line = 64 / static_cast<index_t>(sizeof(W));
    vec sum[States][block_rows];
    for (auto& state : sum) {
      for (vec& s : state) s = S::zero();
    }
    index_t i = 0;
    for (; i + step <= n; i += step) {
      if (i % line == 0) {
        for (index_t r = ahead_first; r < ahead_last; ++r)
          __builtin_prefetch(w + (rows + r) * pitch + i, 0, 2);
      }
      if constexpr (halves) {
        vec even[block_rows], odd[block_rows];
#pragma GCC unroll 8
        for (index_t r = 0; r < rows; ++r) S::load_even_odd(w + r * pitch + i, even[r], odd[r]);
#pragma GCC unroll 8
        for (index_t c = 0; c < static_cast<index_t>(States); ++c) {
          const vec x_even = S::load(x + c * x_pitch + i), x_odd = S::load(x + c * x_pitch + i + S::width);
#pragma GCC unroll 8
          for (index_t r = 0; r < rows; ++r) {
            sum[c][r] = S::fma(odd[r], x_odd, S::fma(even[r], x_even, sum[c][r]));
          }
        }
      } else {
        vec row[block_rows];
#pragma GCC unroll 8
        for (index_t r = 0; r < rows; ++r) row[r] = S::load(w + r * pitch + i);
#pragma GCC unroll 8
        for (index_t c = 0; c < static_cast<index_t>(States); ++c) {
          const vec state = S::load(x + c * x_pitch + i);
#pragma GCC unroll 8
          for (index_t r = 0; r < rows; ++r) sum[c][r] = S::fma(row[r], state, sum[c][r]);
        }
      }
    }
#pragma GCC unroll 8
    for (index_t c = 0; c < static_cast<index_t>(States); ++c) {
#pragma GCC unroll 8
      for (index_t r = 0; r < rows; ++r) {
        float rest = 0;
        for (index_t j = i; j < n; ++j) {
          rest = multiply_add(static_cast<float>(w[r * pitch + j]), x[c * x_pitch + j], rest);
        }
        out[c * out_pitch + r] = S::sum(sum[c][r]) + rest;
      }
    }
  }

  /// Product of one row with one state, for the rows that fill no block.
  LAGOM_INLINE static float one(const W* w, const float* x, index_t n) noexcept {
    return native_row<Target, W>::product(w, x, n);
  }
};

/// States in bf16 before rows in bf16: pairs of products in one instruction. A state lies in the first half of its
/// place in memory.
template <target Target>
struct bf16_block {
  static constexpr bool there = false;
};
#if defined(__AVX512BF16__) && defined(__AVX512BW__)
template <target Target>
  requires(contains(Target, target::avx512_bf16 | target::avx512))
struct bf16_block<Target> {
  using S = simd<Target>;
  static constexpr bool there = true;
  static constexpr index_t rows = 6, most_states = 4, step = 32;

  LAGOM_INLINE static void prepare(float* x, index_t n) noexcept {
    for (index_t j = 0; j < n; ++j) {  // never ahead of what is read
      const bf16 half(x[j]);
      __builtin_memcpy(reinterpret_cast<char*>(x) + 2 * j, &half.bits, 2);
    }
  }
  LAGOM_INLINE static float state(const float* x, index_t j) noexcept {
    bf16 half;
    __builtin_memcpy(&half.bits, reinterpret_cast<const char*>(x) + 2 * j, 2);
    return half;
  }

  template <std::size_t States>
  LAGOM_INLINE static void run(const bf16* w, index_t pitch, const float* x, index_t x_pitch, index_t n,
                               float* out, index_t out_pitch, index_t ahead_first,
                               index_t ahead_last) noexcept {
    __m512 sum[States][static_cast<std::size_t>(rows)];
    for (auto& of_state : sum) {
      for (__m512& s : of_state) s = _mm512_setzero_ps();
    }
    index_t i = 0;
    for (; i + step <= n; i += step) {
      for (index_t r = ahead_first; r < ahead_last; ++r) __builtin_prefetch(w + (rows + r) * pitch + i, 0, 2);
      __m512i states[States];
#pragma GCC unroll 8
      for (std::size_t c = 0; c < States; ++c) {
        states[c] =
            _mm512_loadu_si512(reinterpret_cast<const char*>(x + static_cast<index_t>(c) * x_pitch) + 2 * i);
      }
#pragma GCC unroll 8
      for (index_t r = 0; r < rows; ++r) {
        const __m512i row = _mm512_loadu_si512(w + r * pitch + i);
#pragma GCC unroll 8
        for (std::size_t c = 0; c < States; ++c) {
          sum[c][r] = _mm512_dpbf16_ps(sum[c][r], (__m512bh)row, (__m512bh)states[c]);
        }
      }
    }
#pragma GCC unroll 8
    for (index_t c = 0; c < static_cast<index_t>(States); ++c) {
#pragma GCC unroll 8
      for (index_t r = 0; r < rows; ++r) {
        float rest = 0;
        for (index_t j = i; j < n; ++j) {
          rest = multiply_add(static_cast<float>(w[r * pitch + j]), state(x + c * x_pitch, j), rest);
        }
        out[c * out_pitch + r] = S::sum(sum[c][r]) + rest;
      }
    }
  }

  LAGOM_INLINE static float one(const bf16* w, const float* x, index_t n) noexcept {
    float sum = 0;
    for (index_t j = 0; j < n; ++j) sum = multiply_add(static_cast<float>(w[j]), state(x, j), sum);
    return sum;
  }
};
#endif

/// A block of rows before all states of a chunk. The next block of rows is asked for evenly over their groups.
template <class Block, class W>
LAGOM_INLINE void batch_rows(const W* w, index_t pitch, mat_view<const float> states, float* out,
                             index_t out_pitch, bool last) noexcept {
  const index_t n = states.cols(), count = states.rows();
  const index_t groups = (count + Block::most_states - 1) / Block::most_states;
  for (index_t g = 0; g < groups; ++g) {
    const index_t first = g * Block::most_states, left = count - first;
    const float* const x = states.data() + first * states.row_stride();
    float* const to = out + first * out_pitch;
    const index_t from = last ? 0 : Block::rows * g / groups,
                  until = last ? 0 : Block::rows * (g + 1) / groups;
    if (left >= 4) {
      Block::template run<4>(w, pitch, x, states.row_stride(), n, to, out_pitch, from, until);
    } else if (left == 3) {
      Block::template run<3>(w, pitch, x, states.row_stride(), n, to, out_pitch, from, until);
    } else if (left == 2) {
      Block::template run<2>(w, pitch, x, states.row_stride(), n, to, out_pitch, from, until);
    } else {
      Block::template run<1>(w, pitch, x, states.row_stride(), n, to, out_pitch, from, until);
    }
  }
}

template <target Target, class Block, scalar W, final_norm Norm>
__attribute__((noinline)) void native_batch_shard(mat_view<const float> states, const head<W, Norm>& to,
                                                  softmax_stats<float>* out) noexcept {
  constexpr index_t tile = 128;
  native_accumulator<Target, true> stats[static_cast<std::size_t>(batch_chunk)];
  alignas(64) float logits[static_cast<std::size_t>(batch_chunk * tile)];
  const index_t pitch = to.rows.row_stride(), vocab = to.rows.rows();
  for (index_t first = 0; first < vocab; first += tile) {
    const index_t n = vocab - first < tile ? vocab - first : tile;
    const W* const w = to.rows.data() + first * pitch;
    index_t r = 0;
    for (; r + Block::rows <= n; r += Block::rows) {
      batch_rows<Block>(w + r * pitch, pitch, states, logits + r, tile, first + r + 2 * Block::rows > vocab);
    }
    for (; r < n; ++r) {
      for (index_t s = 0; s < states.rows(); ++s) {
        logits[s * tile + r] =
            Block::one(w + r * pitch, states.data() + s * states.row_stride(), states.cols());
      }
    }
    for (index_t s = 0; s < states.rows(); ++s) {
      float* const z = logits + s * tile;
      for (index_t i = 0; i < n; ++i) z[i] *= to.scale;
      stats[s].push(z, n, static_cast<token_id>(to.first_token + first));
      stats[s].settle();
    }
  }
  for (index_t s = 0; s < states.rows(); ++s) out[s] = stats[s].finish();
}

template <target Target, backend B, scalar H, scalar W, final_norm Norm, executor Run>
void native_unembed_batch(const B& b, mat_view<const H> hidden, const head<W, Norm>& to,
                          batch_space<float> space, vec_view<softmax_stats<float>> out, Run&& run) {
  if (to.rows.col_stride() != 1 && to.rows.cols() > 1) {
    return unembed_batch_portable(b, hidden, to, space, out, run);
  }
  norm_batch(b, hidden, to.norm, space.states);
  constexpr bool halves = std::same_as<H, bf16> && std::same_as<W, bf16> && bf16_block<Target>::there;
  using block = std::conditional_t<halves, bf16_block<Target>, batch_block<Target, W>>;
  for (index_t s = 0; s < hidden.rows(); ++s) {
    block::prepare(space.states.data() + s * batch_space<float>::pitch(hidden.cols()), hidden.cols());
  }
  batch_over_shards<B>(
      hidden.rows(), to, space, out, run,
      [](mat_view<const float> states, const head<W, Norm>& part, softmax_stats<float>* stats) {
        native_batch_shard<Target, block>(states, part, stats);
      });
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
