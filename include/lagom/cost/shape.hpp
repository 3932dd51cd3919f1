// SPDX-License-Identifier: MIT
/// @file cost/shape.hpp
/// The shape of a decoder, as far as its cost goes.
#pragma once

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace cost {

/// A decoder-only transformer. Symbols: l layers, h hidden, i ffn, H heads, Hkv kv_heads, hd head_dim, V vocab.
struct decoder_shape {
  int layers = 0;
  int hidden = 0;
  int ffn = 0;
  int heads = 0;
  int kv_heads = 0;  ///< = heads for multi-head attention
  int head_dim = 0;  ///< need not be hidden / heads
  int vocab = 0;
  bool gated = true;            ///< three FFN matrices (SwiGLU) or two
  bool tied = false;            ///< head and input embedding are one matrix
  bool layer_norm = false;      ///< norms with weight and bias (LayerNorm), else weight only (RMSNorm)
  bool attention_bias = false;  ///< biases on q, k, v and o
  bool mlp_bias = false;
  int experts = 1;  ///< FFNs of a mixture
  int experts_per_token = 1;
  int positions = 0;  ///< rows of a learned position table (GPT-2, OPT), 0 for rotary

  /// Multiply-adds of one token in the q, k, v and o projections of a layer: 2 h H hd + 2 h Hkv hd.
  [[nodiscard]] LAGOM_LEAF constexpr double attention_macs() const noexcept {
    return 2.0 * hidden * head_dim * (heads + kv_heads);
  }
  /// Multiply-adds of one token in the FFN of a layer: 3 h i gated, 2 h i plain, for every expert used, and the
  /// router.
  [[nodiscard]] LAGOM_LEAF constexpr double ffn_macs() const noexcept {
    const double one = (gated ? 3.0 : 2.0) * hidden * ffn;
    return experts > 1 ? one * experts_per_token + static_cast<double>(hidden) * experts : one;
  }
  /// Weight multiply-adds of one token in a layer.
  [[nodiscard]] LAGOM_LEAF constexpr double layer_macs() const noexcept {
    return attention_macs() + ffn_macs();
  }
  /// k in layer_macs = 2 k h^2: 6 for multi-head attention with a plain FFN of 4 h.
  [[nodiscard]] LAGOM_LEAF constexpr double k_eff() const noexcept {
    return layer_macs() / (2.0 * hidden * hidden);
  }
  /// Multiply-adds of one position in the head: V h.
  [[nodiscard]] LAGOM_LEAF constexpr double head_macs() const noexcept {
    return static_cast<double>(vocab) * hidden;
  }
  /// Multiply-adds of one token in the k and v projections of a layer: what a skipped layer owes its cache.
  [[nodiscard]] LAGOM_LEAF constexpr double kv_macs() const noexcept {
    return 2.0 * hidden * kv_heads * head_dim;
  }
};

}  // namespace cost
}  // namespace v0
}  // namespace lagom
