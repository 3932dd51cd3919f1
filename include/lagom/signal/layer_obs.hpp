// SPDX-License-Identifier: MIT
/// @file signal/layer_obs.hpp
/// What an engine shows of one layer.
#pragma once

#include "../core/layer.hpp"
#include "../core/vec_view.hpp"
#include "../kernel/softmax_stats.hpp"

namespace lagom {
inline namespace v0 {

/// One layer, at the position that decides (the last of the sequence unless said otherwise). Every member has a
/// default: an engine names what it has, with designated initialisers. Owns nothing.
///
/// ```cpp
/// run.observe({.layer = l, .hidden = {x, dim}, .prev_hidden = {x_before, dim}}, head);
/// ```
/// `last_hidden` is the hidden state at the last layer that the schedule probed: an engine whose policy reads it keeps that
/// state. `T` is the element type of the states. `n_layers`, `stats`, `last_stats` and `sequence` are filled in by the run.
template <scalar T>
struct basic_layer_obs {
  layer_index layer{};
  int n_layers = 0;
  vec_view<const T> hidden{};
  vec_view<const T> prev_hidden{};
  vec_view<const T> attention{};
  vec_view<const T> prev_attention{};
  vec_view<const T> mlp{};
  vec_view<const T> prev_mlp{};
  vec_view<const T> last_hidden{};
  softmax_stats<accumulator_t<T>> stats{};
  softmax_stats<accumulator_t<T>> last_stats{};
  index_t sequence = 0;  ///< of a batch
};

using layer_obs = basic_layer_obs<float>;

}  // namespace v0
}  // namespace lagom
