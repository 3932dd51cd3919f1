// SPDX-License-Identifier: MIT
/// @file kernel/lanes.hpp
/// Independent partial sums: the shape that both g++ and clang vectorise without fast-math.
#pragma once

#include "../core/scalar.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

// Forced inlining: the operators of plain lambdas are functions that the linker would merge between targets.
struct add_op {
  template <class T>
  LAGOM_LEAF constexpr T operator()(T a, T b) const noexcept {
    return static_cast<T>(a + b);
  }
};
struct max_op {
  template <class T>
  LAGOM_LEAF constexpr T operator()(T a, T b) const noexcept {
    return a > b ? a : b;
  }
};
struct or_op {
  template <class T>
  LAGOM_LEAF constexpr T operator()(T a, T b) const noexcept {
    return a | b;
  }
};

/// One value from all lanes, as a balanced tree: halves are vectors, which a running total is not.
template <class T, std::size_t N, class Op>
LAGOM_LEAF constexpr T fold(const T (&v)[N], Op op) noexcept {
  if constexpr (N == 1) {
    return v[0];
  } else {
    T half[N / 2] = {};
    for (std::size_t j = 0; j < N / 2; ++j) half[j] = op(v[j], v[j + N / 2]);
    return fold(half, op);
  }
}

/// 32 floats or 16 doubles of partial sums. Wide enough to hide the latency of the additions on every target;
/// fixed, so that the order of summation depends on the problem alone.
template <class Acc>
struct lanes {
  static constexpr std::size_t count = sizeof(Acc) == 4 ? 32 : 16;
  static constexpr auto width = static_cast<index_t>(count);
  Acc value[count] = {};

  /// Sum of all lanes, as a balanced tree.
  [[nodiscard]] LAGOM_LEAF constexpr Acc total() const noexcept { return fold(value, add_op{}); }
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
