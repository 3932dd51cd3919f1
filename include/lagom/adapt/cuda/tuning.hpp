// SPDX-License-Identifier: MIT
/// @file adapt/cuda/tuning.hpp
/// Sizes of the device kernels: tiles depend on the problem alone, never on the device, so that results do not either.
#pragma once

#include "../../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Statistics of ready logits: logits a block.
struct row_stats_tuning {
  static constexpr int threads = 256;
  static constexpr index_t tile = 8192;
};

/// The probe by multiply-adds: any type of head, up to eight states a pass.
struct unembed_dot_tuning {
  static constexpr int threads = 256;
  static constexpr int rows = 8;  ///< rows a warp reads side by side
  static constexpr int tile = threads / 32 * rows;
};

/// The probe by tensor cores: 16-bit heads, many states a pass.
struct unembed_mma_tuning {
  static constexpr int threads = 128;
  static constexpr int row_blocks = 2;  ///< of 16 rows, a warp
  static constexpr int tile = threads / 32 * row_blocks * 16;
  static constexpr int step = 64;         ///< columns read ahead
  static constexpr int steps_kept = 8;    ///< steps between two carries of the tensor cores' sums
  static constexpr int from_states = 5;   ///< fewer states take `unembed_dot`
  static constexpr int most_states = 64;  ///< of one pass over the head
};

/// Norms, cosines and decisions: a block a sequence.
struct sequence_tuning {
  static constexpr int threads = 256;
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
