// SPDX-License-Identifier: MIT
/// @file signal/relative_depth.hpp
#pragma once

#include "exit_signal.hpp"

namespace lagom {
inline namespace v0 {

/// (layer + 1) / layers: how far the model has come, in (0, 1].
///
/// It lets a classifier be stricter early on and still be carried to a model of another depth. Free.
struct relative_depth {
  static constexpr std::string_view name = "relative_depth";
  static constexpr std::size_t width = 1;
  static constexpr need needs = need::none;

  template <backend B, scalar T>
  LAGOM_LEAF void operator()(const basic_layer_obs<T>& o, const B&, float* out) const noexcept {
    LAGOM_ASSERT(o.n_layers > 0);
    out[0] = static_cast<float>(o.layer.value + 1) / static_cast<float>(o.n_layers);
  }
};

}  // namespace v0
}  // namespace lagom
