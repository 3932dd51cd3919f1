// SPDX-License-Identifier: MIT
/// @file exit/hidden_sequences.hpp
/// The states of all positions after one layer, of sequences that may share their beginnings.
#pragma once

#include <vector>

#include "../core/mat_view.hpp"
#include "../kernel/combine_rows.hpp"

namespace lagom {
inline namespace v0 {

/// What an exit module that attends is fitted on: for every sequence the states of its positions after the exit's layer,
/// stored as float, double, bf16 or f16, and at some positions what the model says after its last layer. `hidden_states`
/// holds one position a row, at all layers; this holds one layer, at all positions.
///
/// ```cpp
/// lagom::hidden_sequences<> states(dim);
/// states.begin_sequence();                     // or (n): its first n positions are those of the sequence before
/// ... states.push(x_after_exit_layer)          // of every position that is new
/// states.answer(states.length() - 1, x_after_last_layer);
/// ```
/// Prompts that begin alike (demonstrations) share what they have in common, in memory and in the work of a fit. Memory:
/// width elements a stored position and an answer, 8 bytes a position of a sequence.
template <scalar T = float>
class hidden_sequences {
 public:
  using value_type = T;

  /// Precondition: width > 0.
  LAGOM_INLINE explicit hidden_sequences(index_t width) : width_(width) { LAGOM_ASSERT(width > 0); }

  /// Opens a sequence. Its first `shared` positions are those of the sequence before it. Precondition: that has so many.
  LAGOM_INLINE void begin_sequence(index_t shared = 0) {
    const index_t before = sequences() > 0 ? first_.back() : 0;
    LAGOM_ASSERT(0 <= shared && shared <= static_cast<index_t>(places_.size()) - before);
    first_.push_back(static_cast<index_t>(places_.size()));
    for (index_t p = 0; p < shared; ++p) places_.push_back(places_[static_cast<std::size_t>(before + p)]);
  }
  /// Adds the next position of the sequence opened last: its state after the exit's layer, rounded to T. Precondition: of
  /// width().
  template <tensor<1> Xs>
  LAGOM_INLINE void push(const Xs& state) {
    places_.push_back(stored());
    store(as_vec(state), states_);
  }
  /// Says what comes after the last layer at a position of the sequence opened last: it is to be fitted on. Precondition: of
  /// width(), and the position is there.
  template <tensor<1> Xs>
  LAGOM_INLINE void answer(index_t position, const Xs& last) {
    LAGOM_ASSERT(0 <= position && position < length());
    answers_.push_back({sequences() - 1, position});
    store(as_vec(last), last_);
  }

  /// Adds the sequences of another recording. Precondition: of the same width.
  LAGOM_INLINE void append(const hidden_sequences& other) {
    LAGOM_ASSERT(width_ == other.width_);
    const index_t place = stored(), sequence = sequences(), first = static_cast<index_t>(places_.size());
    for (const index_t p : other.places_) places_.push_back(place + p);
    for (const index_t f : other.first_) first_.push_back(first + f);
    for (const chosen& a : other.answers_) answers_.push_back({sequence + a.sequence, a.position});
    states_.insert(states_.end(), other.states_.begin(), other.states_.end());
    last_.insert(last_.end(), other.last_.begin(), other.last_.end());
  }

  [[nodiscard]] LAGOM_INLINE index_t width() const noexcept { return width_; }
  [[nodiscard]] LAGOM_INLINE index_t sequences() const noexcept {
    return static_cast<index_t>(first_.size());
  }
  /// Positions that are stored: shared ones once.
  [[nodiscard]] LAGOM_INLINE index_t stored() const noexcept {
    return static_cast<index_t>(states_.size()) / width_;
  }
  /// Where the states of a sequence's positions are stored, in order.
  [[nodiscard]] LAGOM_INLINE vec_view<const index_t> places(index_t sequence) const noexcept {
    LAGOM_ASSERT(0 <= sequence && sequence < sequences());
    const auto s = static_cast<std::size_t>(sequence);
    const index_t end = s + 1 < first_.size() ? first_[s + 1] : static_cast<index_t>(places_.size());
    return {places_.data() + first_[s], end - first_[s]};
  }
  /// Positions of the sequence opened last.
  [[nodiscard]] LAGOM_INLINE index_t length() const noexcept {
    return sequences() == 0 ? 0 : static_cast<index_t>(places_.size()) - first_.back();
  }
  [[nodiscard]] LAGOM_INLINE vec_view<const T> state(index_t place) const noexcept {
    LAGOM_ASSERT(0 <= place && place < stored());
    return {states_.data() + place * width_, width_};
  }

  /// A position to be fitted on.
  struct chosen {
    index_t sequence, position;
  };
  [[nodiscard]] LAGOM_INLINE index_t answers() const noexcept {
    return static_cast<index_t>(answers_.size());
  }
  [[nodiscard]] LAGOM_INLINE chosen answered(index_t answer) const noexcept {
    LAGOM_ASSERT(0 <= answer && answer < answers());
    return answers_[static_cast<std::size_t>(answer)];
  }
  /// Its state after the last layer.
  [[nodiscard]] LAGOM_INLINE vec_view<const T> last(index_t answer) const noexcept {
    LAGOM_ASSERT(0 <= answer && answer < answers());
    return {last_.data() + answer * width_, width_};
  }

 private:
  template <scalar X>
  LAGOM_INLINE void store(vec_view<const X> from, std::vector<T>& to) {
    LAGOM_ASSERT(from.size() == width_);
    for (index_t j = 0; j < width_; ++j) {
      if constexpr (std::same_as<X, T>) {
        to.push_back(from[j]);
      } else {
        to.push_back(detail::stored<T>(static_cast<accumulator_t<X>>(from[j])));
      }
    }
  }

  index_t width_;
  std::vector<index_t> first_, places_;
  std::vector<chosen> answers_;
  std::vector<T> states_, last_;
};

}  // namespace v0
}  // namespace lagom
