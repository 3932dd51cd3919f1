// SPDX-License-Identifier: MIT
/// @file exit/tuned_head.hpp
/// A probe through a layer's own module.
#pragma once

#include "../kernel/unembed.hpp"
#include "exit_module.hpp"

namespace lagom {
inline namespace v0 {

/// A probe through a layer's module: an answer source, to be shown to a policy in place of the model's head at that layer.
///
/// ```cpp
/// for (int l = 0; l < n_layers; ++l) {
///   engine_layer(l, x);
///   if (run.observe({.layer = l, .hidden = {x, dim}}, modules.at(l, head, scratch))) break;
/// }
/// ```
/// Sees all that it uses; `scratch` is of one thread. Made by `exit_modules::at`. States of float, bf16 or f16; NaN and
/// infinity flag the statistics as with the model's head. No allocation.
template <scalar W, backend B = portable>
struct tuned_head {
  exit_module_view<B> module{};
  mat_view<const W> rows{};
  float scale = 1;
  token_id first_token = 0;
  vec_view<float> scratch{};  ///< contiguous, module.shape.scratch() or more

  template <scalar T>
    requires std::same_as<accumulator_t<T>, float>
  [[nodiscard]] softmax_stats<float> operator()(vec_view<const T> hidden) const noexcept {
    const head<W, rms_norm<float>> to{rows, module.norm(), scale, first_token};
    if (module.norm_alone()) return unembed(module.backend, hidden, to);
    return unembed(module.backend, module.translate(hidden, scratch), to);
  }
};

}  // namespace v0
}  // namespace lagom
