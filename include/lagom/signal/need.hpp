// SPDX-License-Identifier: MIT
/// @file signal/need.hpp
/// What a signal reads from a layer.
#pragma once

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {

/// A bit set. The union over a pack of signals is a constant, so that an engine computes, keeps and passes just
/// what its policy reads, and an unembedding that nobody reads is never compiled.
enum class need : std::uint32_t {
  none = 0,
  probabilities = 1u << 0,  ///< softmax statistics of this layer but for their entropy: a pass over the head
  stats = 1u << 0 | 1u << 8,  ///< the same with entropy
  last_stats = 1u << 1,       ///< softmax statistics of the last probed layer
  hidden = 1u << 2,           ///< block output
  prev_hidden = 1u << 3,      ///< block output of the previous layer
  attention = 1u << 4,        ///< attention output after W_o, before the residual addition
  prev_attention = 1u << 5,   ///< the same of the previous layer
  mlp = 1u << 6,              ///< MLP output, before the residual addition
  prev_mlp = 1u << 7,         ///< the same of the previous layer
  last_hidden = 1u << 9,      ///< block output of the last probed layer
};

LAGOM_LEAF constexpr need operator|(need a, need b) noexcept {
  return static_cast<need>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}

/// Does `all` hold every bit of `some`?
LAGOM_LEAF constexpr bool contains(need all, need some) noexcept {
  return (static_cast<std::uint32_t>(all) & static_cast<std::uint32_t>(some)) ==
         static_cast<std::uint32_t>(some);
}

/// Do the two sets share a bit?
LAGOM_LEAF constexpr bool intersects(need a, need b) noexcept {
  return (static_cast<std::uint32_t>(a) & static_cast<std::uint32_t>(b)) != 0;
}

}  // namespace v0
}  // namespace lagom
