// SPDX-License-Identifier: MIT
/// @file cost/parameters.hpp
/// Parameter counts from shapes.
#pragma once

#include "shape.hpp"

namespace lagom {
inline namespace v0 {
namespace cost {

/// Parameters of one norm: h, or 2 h with a bias.
LAGOM_LEAF constexpr std::int64_t norm_parameters(const decoder_shape& s) noexcept {
  return (s.layer_norm ? std::int64_t{2} : std::int64_t{1}) * s.hidden;
}

/// Parameters of one layer, all experts of a mixture counted, two norms included.
LAGOM_LEAF constexpr std::int64_t layer_parameters(const decoder_shape& s) noexcept {
  const std::int64_t h = s.hidden, q = std::int64_t{s.heads} * s.head_dim,
                     kv = std::int64_t{s.kv_heads} * s.head_dim;
  std::int64_t n = 2 * h * q + 2 * h * kv;
  if (s.attention_bias) n += q + 2 * kv + h;
  std::int64_t ffn = (s.gated ? 3 : 2) * h * s.ffn;
  if (s.mlp_bias) ffn += (s.gated ? 2 : 1) * std::int64_t{s.ffn} + h;
  n += ffn * s.experts;
  if (s.experts > 1) n += h * s.experts;
  return n + 2 * norm_parameters(s);
}

/// All parameters: embedding, positions, layers, final norm, and the head unless it is tied. Exact for families whose
/// layers have two norms and biases on all projections or none (GPT-2, Llama, Mistral); biases on q, k and v alone
/// (Qwen2) or further norms (Gemma 2) are not counted, some 1e-4 of the whole.
LAGOM_LEAF constexpr std::int64_t parameters(const decoder_shape& s) noexcept {
  const std::int64_t table = std::int64_t{s.vocab} * s.hidden;
  return table + std::int64_t{s.positions} * s.hidden + s.layers * layer_parameters(s) + norm_parameters(s) +
         (s.tied ? 0 : table);
}

/// Bytes of key and value cache a token: 2 l Hkv hd w.
LAGOM_LEAF constexpr double kv_bytes_per_token(const decoder_shape& s, double bytes_per_number = 2) noexcept {
  return 2.0 * s.layers * s.kv_heads * s.head_dim * bytes_per_number;
}

}  // namespace cost
}  // namespace v0
}  // namespace lagom
