// SPDX-License-Identifier: MIT
/// @file kernel/normed_slice.hpp
/// The normed hidden state in a buffer of fixed size: probes allocate nothing, whatever the width of the model.
#pragma once

#include "head.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Elements of a state that are normed at once, which is all of them in the models there are: rows of a head are then read
/// from end to end, as memory likes it. Takes 32 KiB of stack in float.
inline constexpr index_t slice_of_state = 8192;

/// Hands out the normed state `capacity` elements at a time. A state that fits is normed once.
template <backend B, scalar H, final_norm Norm>
class normed_slice {
 public:
  using Acc = accumulator_t<H>;
  static constexpr index_t capacity = slice_of_state;

  LAGOM_HD normed_slice(const B& b, vec_view<const H> hidden, const Norm& norm) noexcept
      : hidden_(hidden), norm_(norm), scale_(norm.prepare(b, hidden)) {}

  /// Elements first ... first + capacity - 1 (or to the end). Valid until the next call.
  LAGOM_HD vec_view<const Acc> at(index_t first) noexcept {
    const index_t left = hidden_.size() - first;
    const index_t n = left < capacity ? left : capacity;
    if (first != held_) {
      for (index_t j = 0; j < n; ++j) {
        buffer_[j] = norm_.apply(scale_, static_cast<Acc>(hidden_[first + j]), first + j);
      }
      held_ = first;
    }
    return {buffer_, n};
  }

 private:
  vec_view<const H> hidden_;
  Norm norm_;
  decltype(std::declval<const Norm&>().prepare(std::declval<const B&>(), vec_view<const H>{})) scale_;
  index_t held_ = -1;
  Acc buffer_[capacity];
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
