// SPDX-License-Identifier: MIT
/// @file core/layer.hpp
/// Layer index and layers used: two types, because half of the published systems count from 0 and half from 1.
#pragma once

#include "types.hpp"

namespace lagom {
inline namespace v0 {

/// A layer by its 0-based index: `layer_index{0}` is the first block. `Rep` is `double` for a mean.
template <class Rep>
struct basic_layer_index {
  Rep value{};
  constexpr basic_layer_index() noexcept = default;
  LAGOM_LEAF constexpr basic_layer_index(Rep v) noexcept : value(v) {}
  LAGOM_LEAF friend constexpr bool operator==(basic_layer_index a, basic_layer_index b) noexcept {
    return a.value == b.value;
  }
  LAGOM_LEAF friend constexpr bool operator<(basic_layer_index a, basic_layer_index b) noexcept {
    return a.value < b.value;
  }
  LAGOM_LEAF friend constexpr bool operator>(basic_layer_index a, basic_layer_index b) noexcept {
    return b < a;
  }
  LAGOM_LEAF friend constexpr bool operator<=(basic_layer_index a, basic_layer_index b) noexcept {
    return !(b < a);
  }
  LAGOM_LEAF friend constexpr bool operator>=(basic_layer_index a, basic_layer_index b) noexcept {
    return !(a < b);
  }
};

/// How many layers ran: index + 1. Never converts to or from an index silently.
template <class Rep>
struct basic_layers_used {
  Rep value{};
  constexpr basic_layers_used() noexcept = default;
  LAGOM_LEAF constexpr explicit basic_layers_used(Rep v) noexcept : value(v) {}
  LAGOM_LEAF friend constexpr bool operator==(basic_layers_used a, basic_layers_used b) noexcept {
    return a.value == b.value;
  }
  LAGOM_LEAF friend constexpr bool operator<(basic_layers_used a, basic_layers_used b) noexcept {
    return a.value < b.value;
  }
  LAGOM_LEAF friend constexpr bool operator>(basic_layers_used a, basic_layers_used b) noexcept {
    return b < a;
  }
  LAGOM_LEAF friend constexpr bool operator<=(basic_layers_used a, basic_layers_used b) noexcept {
    return !(b < a);
  }
  LAGOM_LEAF friend constexpr bool operator>=(basic_layers_used a, basic_layers_used b) noexcept {
    return !(a < b);
  }
};

using layer_index = basic_layer_index<int>;
using layers_used = basic_layers_used<int>;
/// Means over many runs, such as the "Layers" column of AdaInfer's Table 6.
using mean_layer_index = basic_layer_index<double>;
using mean_layers_used = basic_layers_used<double>;

/// Stopping after the block with this index means so many blocks were computed.
template <class Rep>
LAGOM_LEAF constexpr basic_layers_used<Rep> used_when_stopped_at(basic_layer_index<Rep> stop) noexcept {
  return basic_layers_used<Rep>(stop.value + 1);
}

/// The last block that was computed.
template <class Rep>
LAGOM_LEAF constexpr basic_layer_index<Rep> stopped_at(basic_layers_used<Rep> used) noexcept {
  return basic_layer_index<Rep>(used.value - 1);
}

}  // namespace v0
}  // namespace lagom
