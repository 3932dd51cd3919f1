// SPDX-License-Identifier: MIT
/// @file exit/hidden_states.hpp
/// The hidden states behind a trace: what learned signals and heads are fitted on.
#pragma once

#include <vector>

#include "../core/mat_view.hpp"
#include "../kernel/combine_rows.hpp"
#include "../signal/layer_obs.hpp"

namespace lagom {
inline namespace v0 {

/// The block outputs of every row of a trace, at every layer: rows() x layers() vectors of width(), one block of memory in
/// that order, stored as float, double, bf16 or f16. Recorded beside a `trace`, row by row:
///
/// ```cpp
/// lagom::trace<> t(layers, signals);
/// lagom::hidden_states<lagom::bf16> states(layers, dim);
/// t.begin_row(answer, task, length), states.begin_row();
/// ... t.record(backend, obs, signals), states.record(obs);        // at every layer
/// ```
/// What was not recorded is NaN, which no signal stops at and no fit takes. Recorders of several threads each fill their
/// own and `append` them in order. Memory: rows x layers x width elements.
template <scalar T = float>
class hidden_states {
 public:
  using value_type = T;

  /// Precondition: layers > 0, width > 0.
  LAGOM_INLINE hidden_states(int layers, index_t width) : layers_(layers), width_(width) {
    LAGOM_ASSERT(layers > 0 && width > 0);
  }

  /// Room for so many rows.
  LAGOM_INLINE void reserve(index_t rows) {
    states_.reserve(static_cast<std::size_t>(rows * layers_ * width_));
  }

  /// Opens a row.
  LAGOM_INLINE void begin_row() {
    const auto cells = static_cast<std::size_t>(layers_ * width_);
    states_.resize(states_.size() + cells);
    const T hole = missing();
    for (T* to = states_.data() + states_.size() - cells; to != states_.data() + states_.size(); ++to)
      __builtin_memcpy(static_cast<void*>(to), &hole, sizeof hole);
    ++rows_;
  }

  /// Stores `obs.hidden` at `obs.layer` of the row that was opened last, rounded to T. Precondition: of width().
  template <scalar H>
  LAGOM_INLINE void record(const basic_layer_obs<H>& obs) noexcept {
    LAGOM_ASSERT(obs.hidden.size() == width_);
    T* const to = states_.data() + offset(rows_ - 1, obs.layer);
    for (index_t j = 0; j < width_; ++j) {
      if constexpr (std::same_as<H, T>) {
        __builtin_memcpy(to + j, &obs.hidden[j], sizeof(T));
      } else {
        to[j] = detail::stored<T>(static_cast<accumulator_t<H>>(obs.hidden[j]));
      }
    }
  }

  /// Adds the rows of another recording. Precondition: of the same layers and width.
  LAGOM_INLINE void append(const hidden_states& other) {
    LAGOM_ASSERT(layers_ == other.layers_ && width_ == other.width_);
    states_.insert(states_.end(), other.states_.begin(), other.states_.end());
    rows_ += other.rows_;
  }

  [[nodiscard]] LAGOM_INLINE index_t rows() const noexcept { return rows_; }
  [[nodiscard]] LAGOM_INLINE int layers() const noexcept { return layers_; }
  [[nodiscard]] LAGOM_INLINE index_t width() const noexcept { return width_; }

  /// The state of one row after one layer.
  [[nodiscard]] LAGOM_INLINE vec_view<const T> at(index_t row, layer_index l) const noexcept {
    return {states_.data() + offset(row, l), width_};
  }
  /// All rows after one layer: rows() x width().
  [[nodiscard]] LAGOM_INLINE mat_view<const T> at(layer_index l) const noexcept {
    LAGOM_ASSERT(0 <= l.value && l.value < layers_);
    return {states_.data() + l.value * width_, rows_, width_, layers_ * width_};
  }
  /// Every state: row r, layer l is row r * layers() + l of this matrix.
  [[nodiscard]] LAGOM_INLINE mat_view<const T> all() const noexcept {
    return {states_.data(), rows_ * layers_, width_};
  }

 private:
  /// A NaN, made of bits: fast-math must not reason about it.
  LAGOM_INLINE static T missing() noexcept {
    T x;
    if constexpr (sizeof(T) == 8) {
      const std::uint64_t nan = 0x7ff8000000000000u;
      __builtin_memcpy(&x, &nan, sizeof x);
    } else if constexpr (sizeof(T) == 4) {
      const std::uint32_t nan = 0x7fc00000u;
      __builtin_memcpy(&x, &nan, sizeof x);
    } else {
      const std::uint16_t nan = 0x7fff;  // of bf16 and of f16
      __builtin_memcpy(static_cast<void*>(&x), &nan, sizeof x);
    }
    return x;
  }
  [[nodiscard]] LAGOM_INLINE index_t offset(index_t row, layer_index l) const noexcept {
    LAGOM_ASSERT(0 <= row && row < rows_ && 0 <= l.value && l.value < layers_);
    return (row * layers_ + l.value) * width_;
  }

  int layers_;
  index_t width_;
  index_t rows_ = 0;
  std::vector<T> states_;
};

}  // namespace v0
}  // namespace lagom
