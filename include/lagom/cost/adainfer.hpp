// SPDX-License-Identifier: MIT
/// @file cost/adainfer.hpp
/// AdaInfer's FLOPs ratio, exactly as published, and the same units with probes charged.
#pragma once

#include "../core/layer.hpp"
#include "../core/ratio.hpp"
#include "shape.hpp"

namespace lagom {
inline namespace v0 {
namespace cost {

/// The quantities of the published formula. In its units, multiply-adds a token divided by h, halved: a layer
/// costs u = 2 (k h + s) and a head at one position costs V.
struct adainfer_model {
  double layers = 0;    ///< l
  double hidden = 0;    ///< h
  double sequence = 0;  ///< s: the context of a decoded token, or the length of a prefilled prompt
  double vocab = 0;     ///< V
  double k = 6;  ///< 6 as published: multi-head attention and a plain FFN of 4 h; `k_eff` of the real shape

  [[nodiscard]] LAGOM_LEAF constexpr double layer() const noexcept { return 2 * (k * hidden + sequence); }
};

/// The model of the formula from a real shape, with the published 6 h.
LAGOM_LEAF constexpr adainfer_model published_model(const decoder_shape& s, double sequence) noexcept {
  return {static_cast<double>(s.layers), static_cast<double>(s.hidden), sequence,
          static_cast<double>(s.vocab)};
}

/// (2 e (6 h + s) + V) / (2 l (6 h + s) + V): Fan et al. 2024, arXiv 2403.02181, derived from Megatron's count.
///
/// The head is charged once and probes nothing: see `adainfer_decode_ratio` for what that leaves out. e is the
/// number of layers *executed*; the layers that the paper prints are 0-based stops, so
/// `used_when_stopped_at(mean_layer_index{18.15})` gives the 60.58 % of its Table 6.
LAGOM_LEAF constexpr cost_ratio adainfer_ratio(const adainfer_model& m, mean_layers_used e) noexcept {
  return cost_ratio((e.value * m.layer() + m.vocab) / (m.layers * m.layer() + m.vocab));
}

/// The executed layers that a printed ratio implies: the inverse of `adainfer_ratio`.
LAGOM_LEAF constexpr mean_layers_used adainfer_layers(const adainfer_model& m, cost_ratio r) noexcept {
  return mean_layers_used((r.value * (m.layers * m.layer() + m.vocab) - m.vocab) / m.layer());
}

/// The same with `heads` passes over the head charged, the answer's own among them, for one decoded token:
/// (e u + heads V) / (l u + V). Above 1 the exit costs more than it saves.
LAGOM_LEAF constexpr cost_ratio adainfer_decode_ratio(const adainfer_model& m, mean_layers_used e,
                                                      double heads) noexcept {
  return cost_ratio((e.value * m.layer() + heads * m.vocab) / (m.layers * m.layer() + m.vocab));
}

/// The same for a prefilled prompt, probed at its last position only: (e u + heads V / s) / (l u + V / s).
LAGOM_LEAF constexpr cost_ratio adainfer_prefill_ratio(const adainfer_model& m, mean_layers_used e,
                                                       double heads) noexcept {
  const double head = m.vocab / m.sequence;
  return cost_ratio((e.value * m.layer() + heads * head) / (m.layers * m.layer() + head));
}

/// The number of executed layers at which probing every `stride`-th of them costs as much as the full model:
/// (l u + V) / (u + V / stride). Stopping later than this is dearer than not stopping.
LAGOM_LEAF constexpr mean_layers_used break_even(const adainfer_model& m, double stride = 1) noexcept {
  return mean_layers_used((m.layers * m.layer() + m.vocab) / (m.layer() + m.vocab / stride));
}

}  // namespace cost
}  // namespace v0
}  // namespace lagom
