// SPDX-License-Identifier: MIT
/// @file exit/label_states.hpp
/// From a trace and its hidden states to the training set of a learned signal.
#pragma once

#include <vector>

#include "../stop/labelled_states.hpp"
#include "labels.hpp"
#include "record_signal.hpp"

namespace lagom {
inline namespace v0 {

/// Owns the labels of recorded states; the states stay where they are.
template <scalar T>
struct labelled_states {
  mat_view<const T> states{};
  std::vector<signed char> labels;
  int layers = 1;

  /// What the fits take; valid as long as this and the recorded states.
  [[nodiscard]] LAGOM_INLINE labelled_states_view<T> view() const noexcept {
    return {.states = states, .labels = labels, .layers = layers};
  }
  [[nodiscard]] LAGOM_INLINE index_t positives() const noexcept { return count(1); }
  [[nodiscard]] LAGOM_INLINE index_t negatives() const noexcept { return count(-1); }

 private:
  [[nodiscard]] LAGOM_INLINE index_t count(signed char label) const noexcept {
    index_t n = 0;
    for (const signed char l : labels) n += l == label;
    return n;
  }
};

/// Labels every recorded state with whether stopping there was right (`right_to_stop`), for signals that read the state
/// itself. Left out: rows for which `keep(row)` is false, layers that the schedule `probed` leaves out, the last layer,
/// which no policy tests, and states that are not finite.
///
/// Copies no state; one byte a cell. Fails with `wrong_shape` when states and trace have other rows or layers.
template <backend B = portable, trace_kind Kind, scalar T, class Keep = every_row,
          schedule Schedule = every_layer>
[[nodiscard]] result<labelled_states<T>> label(const trace<Kind>& t, const hidden_states<T>& states,
                                               label_kind kind, const Keep& keep = {},
                                               const Schedule& probed = {}) {
  if (auto ok = detail::check_states(t, states); !ok) return ok.error();
  labelled_states<T> out{.states = states.all(), .labels = {}, .layers = t.layers()};
  out.labels.resize(static_cast<std::size_t>(t.rows() * t.layers()), 0);
  for (index_t row = 0; row < t.rows(); ++row) {
    if (!keep(row)) continue;
    for (int l = 0; l + 1 < t.layers(); ++l) {
      if (!probed(layer_index(l), t.layers())) continue;
      const auto state = states.at(row, l);
      bool sound = true;
      for (index_t j = 0; j < state.size(); ++j) {
        const auto x = static_cast<accumulator_t<T>>(state[j]);
        sound = sound && is_finite(&x);
      }
      if (!sound) continue;
      const auto cell = static_cast<std::size_t>(row * t.layers() + l);
      out.labels[cell] = right_to_stop(t, row, l, kind) ? 1 : -1;
    }
  }
  return out;
}

}  // namespace v0
}  // namespace lagom
