// SPDX-License-Identifier: MIT
/// @file exit/exit_block.hpp
/// EE-Tuning's largest exit module: a transformer block of its own before the shared head.
#pragma once

#include "../core/vec_view.hpp"
#include "rope.hpp"

namespace lagom {
inline namespace v0 {

/// Sizes of a block as Llama has it, and where its parameters lie in one block of memory, matrices row by row: the weight g
/// of the norm before the head; the weight of the norm before attention; Q, K, V (and their biases); O; the weight of the
/// norm before the MLP; gate, up, down.
///
/// Of a state x: y = x + O attention(rms(x) m), z = y + D (silu(G n) * U n) with n = rms(y) m', logits W rms(z) g.
/// Grouped queries: `heads / kv_heads` heads share keys and values.
///
/// Source: Pan et al. 2024, arXiv 2402.00518 (EE-Tuning), section 2.1, "Layer"; the released code copies the model's last
/// block.
struct exit_block_shape {
  index_t width = 0;     ///< h
  index_t inner = 0;     ///< i, units of the gated MLP
  index_t heads = 0;     ///< H
  index_t kv_heads = 0;  ///< Hkv, a divisor of H
  index_t head_dim = 0;  ///< hd, even
  bool qkv_bias = false;

  [[nodiscard]] LAGOM_LEAF constexpr index_t queries() const noexcept { return heads * head_dim; }
  [[nodiscard]] LAGOM_LEAF constexpr index_t keys() const noexcept { return kv_heads * head_dim; }
  /// 3 h + 2 h H hd + 2 h Hkv hd + 3 h i, and (H + 2 Hkv) hd biases.
  [[nodiscard]] LAGOM_LEAF constexpr index_t parameters() const noexcept {
    return width * (3 + 2 * queries() + 2 * keys() + 3 * inner) + (qkv_bias ? queries() + 2 * keys() : 0);
  }
  /// Sizes that make a block, of at most 2^16 each and 2^31 parameters.
  [[nodiscard]] LAGOM_LEAF constexpr bool valid() const noexcept {
    constexpr index_t most = index_t{1} << 16;
    const auto sound = [](index_t n) { return 0 < n && n <= most; };
    return sound(width) && sound(inner) && sound(heads) && sound(kv_heads) && sound(head_dim) &&
           heads % kv_heads == 0 && head_dim % 2 == 0 && queries() <= most &&
           parameters() <= (index_t{1} << 31);
  }
  /// Multiply-adds of one position that attends to `context` positions, itself among them, in front of the head; its keys and
  /// values included. The norms are not counted.
  [[nodiscard]] LAGOM_LEAF constexpr double macs(double context) const noexcept {
    const auto h = static_cast<double>(width), q = static_cast<double>(queries());
    return 2 * h * q + kv_macs() + 3 * h * static_cast<double>(inner) + 2 * context * q;
  }
  /// Multiply-adds of the keys and values of one position: what every position that comes by costs, whether it asks for an
  /// answer here or not. 2 h Hkv hd.
  [[nodiscard]] LAGOM_LEAF constexpr double kv_macs() const noexcept {
    return 2 * static_cast<double>(width) * static_cast<double>(keys());
  }
};

/// A block module, seen: sizes, parameters, the epsilon of its norms, and how it turns queries and keys.
template <rotation R = rope>
struct exit_block {
  exit_block_shape shape{};
  vec_view<const float> parameters{};  ///< contiguous, shape.parameters()
  double epsilon = 1e-5;
  R turns{};
};

namespace detail {

/// Where the parts of a block's parameters, or of their gradient, begin.
template <class P>
struct block_parts {
  P *final_norm, *attention_norm, *q, *k, *v, *q_bias, *k_bias, *v_bias, *o, *mlp_norm, *gate, *up, *down;

  LAGOM_INLINE block_parts(const exit_block_shape& s, P* first) noexcept {
    const auto take = [&first](index_t n) {
      P* const here = first;
      first += n;
      return here;
    };
    const auto bias = [&](index_t n) { return s.qkv_bias ? take(n) : nullptr; };
    final_norm = take(s.width);
    attention_norm = take(s.width);
    q = take(s.queries() * s.width);
    k = take(s.keys() * s.width);
    v = take(s.keys() * s.width);
    q_bias = bias(s.queries());
    k_bias = bias(s.keys());
    v_bias = bias(s.keys());
    o = take(s.width * s.queries());
    mlp_norm = take(s.width);
    gate = take(s.inner * s.width);
    up = take(s.inner * s.width);
    down = take(s.width * s.inner);
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
