// SPDX-License-Identifier: MIT
/// @file exit/layer_dropout.hpp
/// How often training drops a layer, so that the early ones learn to answer.
#pragma once

#include <cmath>

#include "../core/layer.hpp"

namespace lagom {
inline namespace v0 {

/// LayerSkip's rate (Elhoushi et al. 2024, arXiv 2404.16710, section 4.1): p_l = p_max (exp(l ln 2 / (L - 1)) - 1), from 0 at the
/// first layer to p_max at the last. 0 for a model of one layer. Preconditions: 0 <= l < n_layers, 0 <= p_max <= 1.
LAGOM_LEAF double layer_dropout(layer_index l, int n_layers, double p_max) noexcept {
  LAGOM_ASSERT(0 <= l.value && l.value < n_layers && 0 <= p_max && p_max <= 1);
  if (n_layers < 2) return 0;
  constexpr double ln2 = 0.693147180559945309417;
  return p_max * (std::exp(l.value * ln2 / (n_layers - 1)) - 1);
}

}  // namespace v0
}  // namespace lagom
