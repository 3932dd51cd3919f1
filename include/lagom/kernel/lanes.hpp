// SPDX-License-Identifier: MIT
/// @file kernel/lanes.hpp
/// Independent partial sums: the shape that both g++ and clang vectorise without fast-math.
#pragma once

#include "../core/scalar.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// 32 floats or 16 doubles of partial sums. Wide enough to hide the latency of the additions on every target;
/// fixed, so that the order of summation depends on the problem alone.
template <class Acc>
struct lanes {
  static constexpr std::size_t count = sizeof(Acc) == 4 ? 32 : 16;
  static constexpr auto width = static_cast<index_t>(count);
  Acc value[count] = {};

  /// Sum of all lanes, as a balanced tree.
  [[nodiscard]] LAGOM_LEAF constexpr Acc total() const noexcept {
    Acc tree[count];
    for (std::size_t j = 0; j < count; ++j) tree[j] = value[j];
    for (std::size_t half = count / 2; half > 0; half /= 2) {
      for (std::size_t j = 0; j < half; ++j) tree[j] += tree[j + half];
    }
    return tree[0];
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
