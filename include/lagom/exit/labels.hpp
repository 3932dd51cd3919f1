// SPDX-License-Identifier: MIT
/// @file exit/labels.hpp
/// From a trace to the training set of a classifier.
#pragma once

#include "../stop/dataset.hpp"
#include "replay.hpp"

namespace lagom {
inline namespace v0 {

/// What makes stopping at a layer right. AdaInfer's texts support both readings.
enum class label_kind : std::uint8_t {
  correct,            ///< the layer's best token is the expected answer
  agrees_with_final,  ///< the layer's best token is what the full model answers
};

/// Was stopping at this layer right?
template <trace_kind Kind>
[[nodiscard]] LAGOM_INLINE bool right_to_stop(const trace<Kind>& t, index_t row, layer_index l,
                                              label_kind kind) noexcept {
  const token_id wanted = kind == label_kind::correct ? t.expected(row) : t.final_token(row);
  return wanted != no_token && t.stats(row, l).valid() && t.stats(row, l).top == wanted;
}

/// One sequence an instance, one row a layer (AdaInfer's "L rows per instance"): the features at that layer and
/// whether stopping there was right. Rows of the trace for which `keep(row)` is false are left out; so is a
/// layer with a feature that is not finite or with flagged statistics, which no policy shows to its rule. Layers that the schedule `probed` leaves out give no rows: train a rule on the layers it will see. Agreement
/// features compare with the previous probed layer.
/// Fails with `wrong_features` when a signal needs what was not recorded.
template <backend B = portable, trace_kind Kind, class... Ss, class Keep = every_row,
          schedule Schedule = every_layer>
result<dataset> label(const trace<Kind>& t, const features<Ss...>& pack, label_kind kind,
                      const Keep& keep = {}, const Schedule& probed = {}) {
  auto made = trace_features<features<Ss...>, Kind>::make(pack, t);
  if (!made) return made.error();
  constexpr bool reads_stats = intersects(features<Ss...>::needs, need::stats | need::last_stats);
  dataset data(features<Ss...>::width);
  for (index_t row = 0; row < t.rows(); ++row) {
    if (!keep(row)) continue;
    made->at_row(row);
    data.begin_sequence();
    layer_obs obs{.n_layers = t.layers()};
    for (int l = 0; l < t.layers(); ++l) {
      if (!probed(layer_index(l), t.layers())) continue;
      obs.layer = l;
      obs.last_stats = obs.stats;
      obs.stats = t.stats(row, l);
      float x[features<Ss...>::width];
      (*made)(obs, B{}, x);
      bool sound = !reads_stats || obs.stats.valid();
      for (const float& value : x) sound = sound && is_finite(&value);
      if (sound)
        data.add_row(vec_view<const float>(x, features<Ss...>::width), right_to_stop(t, row, l, kind));
    }
  }
  return data;
}

}  // namespace v0
}  // namespace lagom
