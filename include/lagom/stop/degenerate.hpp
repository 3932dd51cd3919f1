// SPDX-License-Identifier: MIT
/// @file stop/degenerate.hpp
/// Recognises a classifier that decides nothing.
#pragma once

#include "../core/layer.hpp"

namespace lagom {
inline namespace v0 {

/// How a rule can fail to decide. Both have been published as results: a CRF that stops at layer 0 with accuracy
/// 0, an SVM that never stops and costs 100 %.
enum class degeneracy : std::uint8_t {
  none,
  always_at_once,  ///< stopped at the first layer it was asked about, every time
  never,           ///< ran all layers, every time
};

/// Counts stops; mergeable. Nothing counted is not degenerate.
struct stop_counts {
  std::int64_t runs = 0;
  std::int64_t at_once = 0;
  std::int64_t never = 0;

  /// One run: where it stopped, the first layer its schedule probes, the number of layers.
  LAGOM_LEAF constexpr void push(layer_index stop, layer_index first_probed, int n_layers) noexcept {
    ++runs;
    at_once += stop <= first_probed && stop.value + 1 < n_layers;
    never += stop.value + 1 >= n_layers;
  }
  LAGOM_LEAF constexpr void merge(const stop_counts& other) noexcept {
    runs += other.runs;
    at_once += other.at_once;
    never += other.never;
  }
  [[nodiscard]] LAGOM_LEAF constexpr degeneracy verdict() const noexcept {
    if (runs == 0) return degeneracy::none;
    if (at_once == runs) return degeneracy::always_at_once;
    if (never == runs) return degeneracy::never;
    return degeneracy::none;
  }
};

}  // namespace v0
}  // namespace lagom
