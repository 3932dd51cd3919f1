// SPDX-License-Identifier: MIT
/// @file cost/lora.hpp
/// Trainable parameters of low-rank adapters.
#pragma once

#include "shape.hpp"

namespace lagom {
inline namespace v0 {
namespace cost {

/// The linear maps of a layer that an adapter may sit on.
struct adapted {
  bool q = true, k = false, v = true, o = false, gate = false, up = false, down = false;

  /// All seven linear maps of a gated layer.
  [[nodiscard]] LAGOM_LEAF static constexpr adapted all() noexcept {
    return {.q = true, .k = true, .v = true, .o = true, .gate = true, .up = true, .down = true};
  }
};

/// Rank-r adapter of one d_out x d_in matrix: r (d_in + d_out) (Hu et al., ICLR 2022, arXiv 2106.09685).
LAGOM_LEAF constexpr std::int64_t lora_parameters(int rank, std::int64_t d_in, std::int64_t d_out) noexcept {
  return rank * (d_in + d_out);
}

/// Rank-r adapters on the chosen maps of every layer. Shapes are taken as they are: under grouped-query
/// attention k and v are narrower than q. A plain FFN has no gate.
LAGOM_LEAF constexpr std::int64_t lora_parameters(const decoder_shape& s, int rank,
                                                  adapted on = {}) noexcept {
  const std::int64_t h = s.hidden, q = std::int64_t{s.heads} * s.head_dim,
                     kv = std::int64_t{s.kv_heads} * s.head_dim;
  std::int64_t n = 0;
  if (on.q) n += lora_parameters(rank, h, q);
  if (on.k) n += lora_parameters(rank, h, kv);
  if (on.v) n += lora_parameters(rank, h, kv);
  if (on.o) n += lora_parameters(rank, q, h);
  if (on.gate && s.gated) n += lora_parameters(rank, h, s.ffn) * s.experts;
  if (on.up) n += lora_parameters(rank, h, s.ffn) * s.experts;
  if (on.down) n += lora_parameters(rank, s.ffn, h) * s.experts;
  return n * s.layers;
}

}  // namespace cost
}  // namespace v0
}  // namespace lagom
