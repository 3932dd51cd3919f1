// SPDX-License-Identifier: MIT
/// @file cost/depth.hpp
/// Cost by depth alone: layers run over layers there are.
#pragma once

#include "../core/layer.hpp"
#include "../core/ratio.hpp"
#include "../core/vec_view.hpp"

namespace lagom {
inline namespace v0 {
namespace cost {

/// Mean layers run / layers of the model: the figure of the BERT family. DeeBERT (arXiv 2004.12993) and BERxiT print it as
/// "expected saving", though it is what is spent; PABEE (arXiv 2006.04152) prints `saved(...)` of it.
///
/// Neither heads nor embeddings are counted: `flops_ratio` is the honest figure. Precondition: layers > 0.
[[nodiscard]] LAGOM_LEAF constexpr cost_ratio depth_cost_ratio(mean_layers_used mean, int layers) noexcept {
  LAGOM_ASSERT(layers > 0);
  return cost_ratio(mean.value / layers);
}

/// The same of counts: stopped[l] rows stopped at layer index l, one number a layer. 1 for no rows. O(layers).
/// Precondition: stopped is not empty, no count is negative.
[[nodiscard]] LAGOM_LEAF constexpr cost_ratio depth_cost_ratio(
    vec_view<const std::int64_t> stopped) noexcept {
  LAGOM_ASSERT(!stopped.empty());
  double rows = 0, run = 0;
  for (index_t l = 0; l < stopped.size(); ++l) {
    rows += static_cast<double>(stopped[l]);
    run += static_cast<double>(stopped[l]) * static_cast<double>(l + 1);
  }
  if (!(rows > 0)) return cost_ratio(1);
  return depth_cost_ratio(mean_layers_used(run / rows), static_cast<int>(stopped.size()));
}

}  // namespace cost
}  // namespace v0
}  // namespace lagom
