// SPDX-License-Identifier: MIT
/// @file stop/labelled_states.hpp
/// Hidden states and whether stopping at them was right, as the fits of learned signals read them.
#pragma once

#include "../core/mat_view.hpp"
#include "../core/scalar.hpp"

namespace lagom {
inline namespace v0 {

/// A data set whose features are hidden states where they lie: nothing is copied. Owns nothing.
///
/// A cell is one layer of one sequence; the layers of a sequence are adjacent and in order. `labels` says of each cell
/// whether stopping there was right (+1) or wrong (-1), or that it is left out (0), whatever its state.
template <scalar T>
struct labelled_states_view {
  mat_view<const T> states{};            ///< cells x hidden width; each state contiguous
  vec_view<const signed char> labels{};  ///< +1, -1, or 0 = left out
  int layers = 1;                        ///< cell = sequence * layers + layer

  [[nodiscard]] LAGOM_INLINE constexpr index_t cells() const noexcept { return labels.size(); }
  [[nodiscard]] LAGOM_INLINE constexpr index_t width() const noexcept { return states.cols(); }
  [[nodiscard]] LAGOM_INLINE constexpr index_t sequences() const noexcept { return cells() / layers; }
};

}  // namespace v0
}  // namespace lagom
