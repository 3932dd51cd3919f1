// SPDX-License-Identifier: MIT
/// @file signal/lte.hpp
#pragma once

#include "../kernel/dot.hpp"
#include "exit_signal.hpp"

namespace lagom {
inline namespace v0 {

/// BERxiT's learning-to-exit module: u = sigmoid(w . h + b), how likely this layer's answer is wrong. One module for all
/// layers; the model stops where u is below a threshold, so its rule is `threshold<below>`.
///
/// ```cpp
/// auto module = lagom::fit(lagom::lte_config{}, labelled->view());
/// lagom::exit_policy policy{lagom::features{module->model.signal()}, lagom::threshold<lagom::below>{0.1f}};
/// ```
/// Source: Xin et al. 2021, EACL, "BERxiT: Early Exiting for BERT with Better Fine-Tuning and Extension to Regression",
/// section 3.3. Sees `weights`, which must outlive it. In [0, 1]; a state that is not finite gives NaN, which stops no
/// model. Reads the hidden state only: the head is passed once, at the exit. Cost: h multiply-adds.
struct lte {
  static constexpr std::string_view name = "lte";
  static constexpr std::size_t width = 1;
  static constexpr need needs = need::hidden;

  vec_view<const float> weights{};
  float bias = 0;

  template <backend B, scalar T>
  LAGOM_LEAF void operator()(const basic_layer_obs<T>& o, const B& b, float* out) const noexcept {
    const auto score = dot(b, o.hidden, weights) + static_cast<accumulator_t<T, float>>(bias);
    out[0] = is_finite(&score) ? static_cast<float>(sigmoid(score)) : static_cast<float>(score);
  }
};

}  // namespace v0
}  // namespace lagom
