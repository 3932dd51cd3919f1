// SPDX-License-Identifier: MIT
/// @file exit/exit_block_memory.hpp
/// Keys and values of a block module, one sequence's.
#pragma once

#include <vector>

#include "../core/mat_view.hpp"
#include "../core/result.hpp"
#include "exit_block_pass.hpp"

namespace lagom {
inline namespace v0 {

/// What a block module remembers of a sequence: the keys and values of every position whose state came by, and the memory
/// that a probe works in. One a sequence and exit, of one thread at a time.
///
/// A module can only answer for a position if it has seen all positions before it, so every token owes it a state after the
/// exit's layer: the prompt's tokens, those that leave later, and those that left before, whose state the engine computes
/// after all or passes on from where they left, as it does for its own cache. `crop` forgets what a draft or a cache forgets.
/// Memory: capacity x (2 Hkv hd + H) + 2 H hd + 5 h + 3 i + hd floats, all allocated here.
class exit_block_memory {
 public:
  /// Precondition: shape.valid(), capacity > 0.
  LAGOM_INLINE exit_block_memory(const exit_block_shape& shape, index_t capacity)
      : shape_(shape),
        capacity_(capacity),
        keys_(static_cast<std::size_t>(capacity * shape.keys())),
        values_(keys_.size()),
        space_(static_cast<std::size_t>(2 * shape.width + shape.head_dim +
                                        detail::block_activations<float>::size(shape, capacity))) {
    LAGOM_ASSERT(shape.valid() && capacity > 0);
  }

  [[nodiscard]] LAGOM_INLINE const exit_block_shape& shape() const noexcept { return shape_; }
  [[nodiscard]] LAGOM_INLINE index_t capacity() const noexcept { return capacity_; }
  /// Positions that it holds.
  [[nodiscard]] LAGOM_INLINE index_t length() const noexcept { return length_; }
  /// Forgets everything from `position` on.
  LAGOM_INLINE void crop(index_t position) noexcept {
    LAGOM_ASSERT(position >= 0);
    length_ = position < length_ ? position : length_;
  }

  /// Adds the keys and values of the next position. `state`: after the exit's layer, of h, float, bf16 or f16. 2 h Hkv hd
  /// multiply-adds. Fails with `too_long` when full. Precondition: a block of this shape.
  template <rotation R, tensor<1> Xs, backend B = portable>
  result<done> append(const exit_block<R>& block, const Xs& state, const B& b = {}) noexcept {
    const auto hidden = as_vec(state);
    LAGOM_ASSERT(hidden.size() == shape_.width && block.parameters.size() == shape_.parameters());
    if (length_ == capacity_) {
      return failure{.code = errc::too_long,
                     .key = "sequence",
                     .expected = static_cast<std::uint64_t>(capacity_),
                     .found = static_cast<std::uint64_t>(length_ + 1)};
    }
    float *const x = space_.data(), *const n = x + shape_.width, *const turn = n + shape_.width;
    const detail::block_pass<B, float> pass(shape_, block.parameters.data(), block.epsilon, b);
    for (index_t j = 0; j < shape_.width; ++j) x[j] = static_cast<float>(hidden[j]);
    (void)pass.normed(x, pass.w.attention_norm, n);
    block.turns.turn(length_, shape_.head_dim, turn);
    const index_t at = length_++ * shape_.keys();
    pass.key_value(n, turn, keys_.data() + at, values_.data() + at);
    return done{};
  }
  /// The same for consecutive positions, a row each: a whole prompt, or what is new of it. The same bits as one by one. Adds
  /// nothing where not all fit.
  template <rotation R, tensor<2> Xs, backend B = portable>
  result<done> append(const exit_block<R>& block, const Xs& states, const B& b = {}) noexcept {
    const auto hidden = as_mat(states);
    if (hidden.rows() > capacity_ - length_) {
      return failure{.code = errc::too_long,
                     .key = "sequence",
                     .expected = static_cast<std::uint64_t>(capacity_),
                     .found = static_cast<std::uint64_t>(length_ + hidden.rows())};
    }
    for (index_t r = 0; r < hidden.rows(); ++r) (void)append(block, hidden.row(r), b);
    return done{};
  }

  /// The state z that goes to the head, of the position `position`, whose state `hidden` was appended; it sees the positions
  /// up to its own. Stays until the next call. Cost: `shape().macs(position + 1)` less the keys and values. Precondition:
  /// position < length().
  template <rotation R, scalar X, backend B = portable>
    requires std::same_as<accumulator_t<X>, float>
  [[nodiscard]] vec_view<const float> translate(const exit_block<R>& block, vec_view<const X> hidden,
                                                index_t position, const B& b = {}) noexcept {
    LAGOM_ASSERT(0 <= position && position < length_ && hidden.size() == shape_.width &&
                 block.parameters.size() == shape_.parameters());
    float *const x = space_.data(), *const n = x + shape_.width, *const turn = n + shape_.width;
    const detail::block_pass<B, float> pass(shape_, block.parameters.data(), block.epsilon, b);
    for (index_t j = 0; j < shape_.width; ++j) x[j] = static_cast<float>(hidden[j]);
    (void)pass.normed(x, pass.w.attention_norm, n);
    block.turns.turn(position, shape_.head_dim, turn);
    detail::block_activations<float> to(shape_, position + 1, turn + shape_.head_dim);
    pass(x, n, turn, position + 1, keys_.data(), values_.data(), [](index_t i) { return i; }, to);
    return {to.z, shape_.width};
  }

 private:
  exit_block_shape shape_;
  index_t capacity_, length_ = 0;
  std::vector<float> keys_, values_;  // positions x Hkv hd
  std::vector<float> space_;
};

}  // namespace v0
}  // namespace lagom
