// SPDX-License-Identifier: MIT
/// @file stop/schedule.hpp
/// Which steps are looked at: the concept, and the schedule that looks at all.
#pragma once

#include <concepts>

#include "../core/layer.hpp"

namespace lagom {
inline namespace v0 {

/// A schedule says whether step `i` of `count` is probed. A step that is not probed costs nothing and cannot
/// stop. `Index` is `layer_index` on the layer axis; any type that counts tokens on the token axis. On the layer
/// axis the last layer always answers, whatever the schedule says.
template <class S, class Index = layer_index>
concept schedule = std::copy_constructible<S> && requires(const S s, Index i, int count) {
  { s(i, count) } noexcept -> std::same_as<bool>;
};

/// The same as `schedule`, one sentence a requirement: instantiate it to learn what is missing.
template <class S, class Index = layer_index>
struct check_schedule {
  static_assert(std::copy_constructible<S>, "schedule: must be copyable, it is a plain value");
  static_assert(
      requires(const S s, Index i, int count) { s(i, count); },
      "schedule: needs `bool operator()(lagom::layer_index, int n_layers) const noexcept`");
  static_assert(
      !requires(const S s, Index i, int count) { s(i, count); } || schedule<S, Index>,
      "schedule: its call operator must be noexcept and return bool");
  static constexpr bool value = schedule<S, Index>;
};

/// Every step: what AdaInfer does, and what costs most.
struct every_layer {
  template <class Index>
  LAGOM_LEAF constexpr bool operator()(Index, int) const noexcept {
    return true;
  }
};

/// Steps first, first + stride, first + 2 stride, ... Precondition: stride > 0.
template <class Index = layer_index>
struct every_nth {
  int stride = 1;
  Index first{};

  LAGOM_LEAF constexpr bool operator()(Index i, int) const noexcept {
    LAGOM_ASSERT(stride > 0);
    if constexpr (requires { i.value; }) {
      return i >= first && (i.value - first.value) % stride == 0;
    } else {
      return i >= first && (i - first) % stride == 0;
    }
  }
};

every_nth(int) -> every_nth<layer_index>;
every_nth(int, int) -> every_nth<layer_index>;
template <class Index>
  requires requires(Index i) { i.value; }
every_nth(int, Index) -> every_nth<Index>;

}  // namespace v0
}  // namespace lagom
