// SPDX-License-Identifier: MIT
/// @file exit/block_head.hpp
/// A block module in front of the shared head, as an answer source.
#pragma once

#include "../kernel/unembed.hpp"
#include "exit_block_memory.hpp"

namespace lagom {
inline namespace v0 {

/// A probe through a block module: to be shown to a policy in place of the model's head at the exit's layer.
///
/// ```cpp
/// for (int l = 0; l < n_layers; ++l) {
///   engine_layer(l, x);
///   if (l == exit) ok = memory.append(block, hidden);       // of every token, wherever it leaves
///   if (l == exit && run.observe({.layer = l, .hidden = hidden}, lagom::probe_through(block, head, memory))) break;
/// }
/// ```
/// Sees all that it uses and works in the memory of the sequence. States of float, bf16 or f16; NaN and infinity, of the
/// position or of one before it, flag the statistics. No allocation. Precondition: the position was appended.
template <scalar W, rotation R = rope, backend B = portable>
struct block_head {
  exit_block<R> block{};
  exit_block_memory* memory = nullptr;
  index_t position = 0;
  mat_view<const W> rows{};
  float scale = 1;
  token_id first_token = 0;
  [[no_unique_address]] B backend{};

  template <scalar T>
    requires std::same_as<accumulator_t<T>, float>
  [[nodiscard]] softmax_stats<float> operator()(vec_view<const T> hidden) const noexcept {
    LAGOM_ASSERT(rows.cols() == block.shape.width);
    const head<W, rms_norm<float>> to{
        rows, {block.parameters.slice(0, block.shape.width), block.epsilon}, scale, first_token};
    return unembed(backend, memory->translate(block, hidden, position, backend), to);
  }
};

/// The probe of the position appended last, or of the one said, over the rows of the model's head (whose own norm is not
/// used). Valid as long as the block's parameters, the head and the memory.
template <rotation R, scalar W, final_norm Norm, backend B = portable>
[[nodiscard]] LAGOM_INLINE block_head<W, R, B> probe_through(const exit_block<R>& block,
                                                             const head<W, Norm>& to,
                                                             exit_block_memory& memory, const B& b = {},
                                                             index_t position = -1) noexcept {
  return {.block = block,
          .memory = &memory,
          .position = position < 0 ? memory.length() - 1 : position,
          .rows = to.rows,
          .scale = to.scale,
          .first_token = to.first_token,
          .backend = b};
}

}  // namespace v0
}  // namespace lagom
