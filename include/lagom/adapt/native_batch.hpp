// SPDX-License-Identifier: MIT
/// @file adapt/native_batch.hpp
/// The fused probe of several states in vector instructions: blocks of rows times panels of states in registers.
#pragma once

#include "native_panels.hpp"
#include "native_unembed.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// How many rows and panels of states share a block, whose sums take most of the registers.
template <target Target, native_isa Isa = native_isa_of(Target)>
struct batch_tuning {
  static constexpr index_t most_panels = Isa == native_isa::avx512 ? 4 : 1;
  static constexpr index_t rows(index_t panels) noexcept {
    return Isa == native_isa::avx512 && panels < 4 ? 8 : 6;
  }
  /// Rows between two visits to the statistics: whole blocks of 8 and of 6.
  static constexpr index_t tile = 96;
  /// Steps of a panel, and eights of bytes of a row, that the first-level cache holds beside each other.
  static constexpr index_t steps = 256;
};

/// Products of `Rows` rows with `Count` panels, eight bytes of a row at once. The order in which a product is summed
/// depends on the width alone, not on its neighbours.
template <target Target, class Panels, index_t Count, index_t Rows>
struct batch_block {
  using S = simd<Target>;
  using vec = typename S::vec;
  static constexpr index_t parts = Count * panel_step / S::width;  // vectors of a step of all panels
  static constexpr auto rows_n = static_cast<std::size_t>(Rows), parts_n = static_cast<std::size_t>(parts);

  vec total[rows_n][parts_n];

  LAGOM_INLINE void clear() noexcept {
    for (auto& row : total) {
      for (vec& t : row) t = S::zero();
    }
  }

  /// Adds `steps` steps, and asks for `Lines` lines with each 64 bytes of a row.
  template <index_t Lines>
  LAGOM_INLINE void add(const char* w, index_t pitch, const float* x, index_t x_pitch, index_t steps,
                        rows_ahead& ahead) noexcept {
    vec sum[rows_n][parts_n];
    for (auto& row : sum) {
      for (vec& s : row) s = S::zero();
    }
    for (index_t i = 0; i < steps; ++i) {
      if (i % 8 == 0) ahead.template ask<Lines>();
      vec states[parts_n];
#pragma GCC unroll 8
      for (index_t p = 0; p < parts; ++p) {
        const index_t lane = p * S::width;
        states[p] = S::load(x + lane / panel_step * x_pitch + i * panel_step + lane % panel_step);
      }
#pragma GCC unroll 8
      for (index_t r = 0; r < Rows; ++r) {
        const vec row = S::repeat_eight_bytes(w + r * pitch + 8 * i);
#pragma GCC unroll 8
        for (index_t p = 0; p < parts; ++p) sum[r][p] = Panels::multiply_add(states[p], row, sum[r][p]);
      }
    }
    for (index_t r = 0; r < Rows; ++r) {
      for (index_t p = 0; p < parts; ++p) total[r][p] = S::add(total[r][p], sum[r][p]);
    }
  }

  /// out[s * out_pitch + r] = the product of row r with state s.
  LAGOM_INLINE void store(float* out, index_t out_pitch, index_t states) const noexcept {
    for (index_t r = 0; r < Rows; ++r) {
      float lanes[static_cast<std::size_t>(Count * panel_step)];
      for (index_t p = 0; p < parts; ++p) S::store(lanes + p * S::width, total[r][p]);
      for (index_t s = 0; s < states; ++s) out[s * out_pitch + r] = lanes[2 * s] + lanes[2 * s + 1];
    }
  }
};

/// n weights as elements of the panels.
template <target Target, class W, class E>
LAGOM_INLINE void native_copy(const W* from, E* to, index_t n) noexcept {
  if constexpr (std::same_as<W, E>) {
    __builtin_memcpy(to, from, static_cast<std::size_t>(n) * sizeof(E));
  } else {
    using S = simd<Target>;
    index_t i = 0;
    for (; i + S::width <= n; i += S::width) S::store(to + i, S::load(from + i));
    for (; i < n; ++i) to[i] = static_cast<float>(from[i]);
  }
}

/// Logits of `Rows` rows before `states` states of `Count` panels.
template <target Target, class Panels, index_t Count, index_t Rows, class W>
LAGOM_INLINE void batch_rows(const W* w, index_t pitch, index_t width, const float* x, index_t x_pitch,
                             index_t states, float* out, index_t out_pitch, rows_ahead& ahead) noexcept {
  using element = typename Panels::element;
  constexpr index_t span = batch_tuning<Target>::steps * Panels::elements;
  constexpr auto size = static_cast<index_t>(sizeof(element));
  alignas(64) element copy[static_cast<std::size_t>(Rows * span)];
  batch_block<Target, Panels, Count, Rows> block;
  block.clear();
  for (index_t first = 0; first < width; first += span) {
    const index_t n = width - first < span ? width - first : span;
    const index_t steps = (n + Panels::elements - 1) / Panels::elements;
    const element* rows = copy;
    index_t rows_pitch = span;
    if constexpr (std::same_as<W, element>) {
      if (n % Panels::elements == 0) {
        rows = w + first;
        rows_pitch = pitch;
      }
    }
    if (rows == copy) {
      for (index_t r = 0; r < Rows; ++r) {
        element* const row = copy + r * span;
        native_copy<Target>(w + r * pitch + first, row, n);
        for (index_t j = n; j < steps * Panels::elements; ++j) row[j] = element(0.0f);
      }
    }
    constexpr index_t lines = Rows * static_cast<index_t>(sizeof(W)) / size;
    block.template add<lines>(reinterpret_cast<const char*>(rows), rows_pitch * size,
                              x + first / Panels::elements * panel_step, x_pitch, steps, ahead);
  }
  block.store(out, out_pitch, states);
}

/// Logits of `n` rows from `w` on before all states of a chunk, `Count` panels at a time; `more` rows lie behind them.
template <target Target, class Panels, index_t Count, class W>
__attribute__((noinline)) void batch_tile(const W* w, index_t pitch, index_t n, index_t more,
                                          mat_view<const float> states, float* out,
                                          index_t out_pitch) noexcept {
  constexpr index_t rows = batch_tuning<Target>::rows(Count), group = Count * panel_states;
  constexpr auto size = static_cast<index_t>(sizeof(W));
  const index_t width = states.cols(), state_pitch = states.row_stride();
  const auto groups = [&](const W* from, index_t r, rows_ahead ahead, auto block_rows) {
    for (index_t s = 0; s < states.rows(); s += group) {
      const index_t left = states.rows() - s;
      batch_rows<Target, Panels, Count, block_rows()>(from, pitch, width, states.data() + s * state_pitch,
                                                      panel_states * state_pitch, left < group ? left : group,
                                                      out + s * out_pitch + r, out_pitch, ahead);
    }
  };
  index_t r = 0;
  for (; r + rows <= n; r += rows) {
    const W* const from = w + r * pitch;
    const index_t after = n + more - r - rows;
    groups(from, r, rows_ahead(from + rows * pitch, after < rows ? after : rows, width * size, pitch * size),
           std::integral_constant<index_t, rows>{});
  }
  for (; r < n; ++r) groups(w + r * pitch, r, {}, std::integral_constant<index_t, 1>{});
}

/// Statistics of a chunk of states over the rows of one shard.
template <target Target, class Panels, index_t Count, scalar W, final_norm Norm>
void native_batch_shard(mat_view<const float> states, const head<W, Norm>& to,
                        softmax_stats<float>* out) noexcept {
  constexpr index_t tile = batch_tuning<Target>::tile;
  native_accumulator<Target, true> stats[static_cast<std::size_t>(batch_chunk)];
  alignas(64) float logits[static_cast<std::size_t>(batch_chunk * tile)];
  const index_t pitch = to.rows.row_stride(), vocab = to.rows.rows();
  for (index_t first = 0; first < vocab; first += tile) {
    const index_t n = vocab - first < tile ? vocab - first : tile;
    batch_tile<Target, Panels, Count>(to.rows.data() + first * pitch, pitch, n, vocab - first - n, states,
                                      logits, tile);
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
  constexpr bool halves = std::same_as<H, bf16> && std::same_as<W, bf16> && bf16_panels<Target>::there;
  using panels = std::conditional_t<halves, bf16_panels<Target>, float_panels<Target>>;
  pack_panels<panels>(b, hidden, to.norm, space.states);
  batch_over_shards<B>(
      hidden.rows(), to, space, out, run,
      [](mat_view<const float> states, const head<W, Norm>& part, softmax_stats<float>* stats) {
        const index_t count = (states.rows() + panel_states - 1) / panel_states;
        const auto shard = [&](auto most) {
          native_batch_shard<Target, panels, most()>(states, part, stats);
        };
        if constexpr (batch_tuning<Target>::most_panels == 4) {
          if (count == 4) return shard(std::integral_constant<index_t, 4>{});
          if (count == 3) return shard(std::integral_constant<index_t, 3>{});
          if (count == 2) return shard(std::integral_constant<index_t, 2>{});
        }
        shard(std::integral_constant<index_t, 1>{});
      });
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
