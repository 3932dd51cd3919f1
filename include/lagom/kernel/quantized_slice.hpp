// SPDX-License-Identifier: MIT
/// @file kernel/quantized_slice.hpp
/// The normed hidden state as int8 in a buffer of fixed size.
#pragma once

#include "normed_slice.hpp"
#include "quantize.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Hands out the normed and quantised state `capacity` elements at a time. A state that fits is quantised once.
template <backend B, scalar H, final_norm Norm>
class quantized_slice {
 public:
  using Acc = accumulator_t<H>;
  static constexpr index_t capacity = slice_of_state;

  LAGOM_HD quantized_slice(const B& b, vec_view<const H> hidden, const Norm& norm) noexcept
      : hidden_(hidden), norm_(norm), scale_(norm.prepare(b, hidden)) {
    for (index_t j = 0; j < hidden.size(); ++j) largest_.push(normed(j));
  }

  /// What the integers are multiples of. Infinite when the state is: every logit is then flagged.
  [[nodiscard]] LAGOM_HD float scale() const noexcept {
    return largest_.bad() ? bit_cast<float>(float_bits<float>::infinity) : largest_.scale();
  }

  /// Elements first ... first + capacity - 1 (or to the end). Valid until the next call.
  LAGOM_HD vec_view<const std::int8_t> at(index_t first) noexcept {
    const index_t left = hidden_.size() - first;
    const index_t n = left < capacity ? left : capacity;
    if (first != held_) {
      const float inverse = largest_.inverse();
      const bool none = largest_.scale() == 0.0f;
      for (index_t j = 0; j < n; ++j)
        buffer_[j] = none ? std::int8_t{0} : nearest_int8(normed(first + j), inverse);
      held_ = first;
    }
    return {buffer_, n};
  }

 private:
  LAGOM_LEAF float normed(index_t j) const noexcept {
    return static_cast<float>(norm_.apply(scale_, static_cast<Acc>(hidden_[j]), j));
  }

  vec_view<const H> hidden_;
  Norm norm_;
  decltype(std::declval<const Norm&>().prepare(std::declval<const B&>(), vec_view<const H>{})) scale_;
  magnitude largest_;
  index_t held_ = -1;
  std::int8_t buffer_[capacity];
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
