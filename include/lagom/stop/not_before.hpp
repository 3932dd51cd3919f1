// SPDX-License-Identifier: MIT
/// @file stop/not_before.hpp
#pragma once

#include "schedule.hpp"

namespace lagom {
inline namespace v0 {

/// No probe before step `first` (0-based). Guards against a classifier that always stops at once: the published
/// CRF that stops at layer 0 with accuracy 0.
template <class Index = layer_index>
struct not_before {
  Index first{};

  LAGOM_LEAF constexpr bool operator()(Index i, int) const noexcept { return i >= first; }
};

not_before(int) -> not_before<layer_index>;
template <class Index>
  requires requires(Index i) { i.value; }
not_before(Index) -> not_before<Index>;  // not_before{token_position{8}}

}  // namespace v0
}  // namespace lagom
