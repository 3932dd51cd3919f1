// SPDX-License-Identifier: MIT
/// @file stop/at_layers.hpp
#pragma once

#include <initializer_list>

#include "schedule.hpp"

namespace lagom {
inline namespace v0 {

/// Probes at the listed layers only (0-based), as EE-LLM's and FREE's exits are placed. Up to 256 layers, a bit
/// each, so that it stays trivially copyable.
class at_layers {
 public:
  static constexpr int capacity = 256;

  constexpr at_layers() noexcept = default;
  LAGOM_INLINE constexpr at_layers(std::initializer_list<int> layers) noexcept {
    for (const int l : layers) add(l);
  }

  /// Adds one layer. Precondition: 0 <= layer < capacity.
  LAGOM_LEAF constexpr at_layers& add(layer_index layer) noexcept {
    LAGOM_ASSERT(0 <= layer.value && layer.value < capacity);
    word_[layer.value / 64] |= std::uint64_t{1} << (layer.value % 64);
    return *this;
  }

  LAGOM_LEAF constexpr bool operator()(layer_index i, int) const noexcept {
    return 0 <= i.value && i.value < capacity && (word_[i.value / 64] >> (i.value % 64) & 1u) != 0;
  }

 private:
  std::uint64_t word_[capacity / 64] = {};
};

}  // namespace v0
}  // namespace lagom
