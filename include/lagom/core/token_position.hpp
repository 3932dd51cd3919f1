// SPDX-License-Identifier: MIT
/// @file core/token_position.hpp
/// The place of a token in what is generated: not a layer.
#pragma once

#include "types.hpp"

namespace lagom {
inline namespace v0 {

/// A generated token by its 0-based place: `token_position{0}` is the first one after the prompt. Does not convert to or from
/// a `layer_index`: schedules and runs of the two axes do not mix. The `Index` of `not_before`, `every_nth` and their like on
/// the token axis.
struct token_position {
  int value = 0;
  constexpr token_position() noexcept = default;
  LAGOM_LEAF constexpr token_position(int v) noexcept : value(v) {}
  LAGOM_LEAF friend constexpr bool operator==(token_position a, token_position b) noexcept {
    return a.value == b.value;
  }
  LAGOM_LEAF friend constexpr bool operator<(token_position a, token_position b) noexcept {
    return a.value < b.value;
  }
  LAGOM_LEAF friend constexpr bool operator>(token_position a, token_position b) noexcept { return b < a; }
  LAGOM_LEAF friend constexpr bool operator<=(token_position a, token_position b) noexcept {
    return !(b < a);
  }
  LAGOM_LEAF friend constexpr bool operator>=(token_position a, token_position b) noexcept {
    return !(a < b);
  }
};

}  // namespace v0
}  // namespace lagom
