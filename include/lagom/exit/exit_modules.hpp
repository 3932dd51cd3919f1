// SPDX-License-Identifier: MIT
/// @file exit/exit_modules.hpp
/// The modules of all layers of a model.
#pragma once

#include <vector>

#include "../core/layer.hpp"
#include "tuned_head.hpp"

namespace lagom {
inline namespace v0 {

/// Owns a module a layer. A layer that was not trained, the last one among them, probes through the model's own norm: its
/// answer is the model's.
class exit_modules {
 public:
  exit_modules() = default;

  /// Untrained modules of a model whose final norm has these weights. Precondition: layers > 0, sizes that fit.
  LAGOM_INLINE exit_modules(int layers, exit_module_shape shape, vec_view<const float> norm_weight,
                            double epsilon)
      : shape_(shape), epsilon_(epsilon), trained_(static_cast<std::size_t>(layers)) {
    LAGOM_ASSERT(layers > 0 && norm_weight.size() == shape.width);
    parameters_.resize(static_cast<std::size_t>(layers * shape.parameters()));
    for (int l = 0; l < layers; ++l) {
      for (index_t j = 0; j < shape.width; ++j) begin(l)[j] = norm_weight[j];
    }
  }

  [[nodiscard]] LAGOM_INLINE int layers() const noexcept { return static_cast<int>(trained_.size()); }
  [[nodiscard]] LAGOM_INLINE const exit_module_shape& shape() const noexcept { return shape_; }
  [[nodiscard]] LAGOM_INLINE double epsilon() const noexcept { return epsilon_; }
  [[nodiscard]] LAGOM_INLINE bool trained(layer_index l) const noexcept {
    return trained_[static_cast<std::size_t>(l.value)] != 0;
  }
  [[nodiscard]] LAGOM_INLINE vec_view<const float> parameters(layer_index l) const noexcept {
    return {parameters_.data() + l.value * shape_.parameters(), shape_.parameters()};
  }
  /// Sets the parameters of a layer. Precondition: of shape().parameters().
  LAGOM_INLINE void set(layer_index l, vec_view<const float> parameters) noexcept {
    LAGOM_ASSERT(parameters.size() == shape_.parameters());
    for (index_t j = 0; j < parameters.size(); ++j) begin(l)[j] = parameters[j];
    trained_[static_cast<std::size_t>(l.value)] = 1;
  }

  /// The probe of a layer over the rows of the model's head (whose own norm is not used). `scratch`: shape().scratch() floats
  /// of this thread. Valid as long as this, the head and the scratch.
  template <scalar W, final_norm Norm, backend B = portable>
  [[nodiscard]] LAGOM_INLINE tuned_head<W, B> at(layer_index l, const head<W, Norm>& to,
                                                 vec_view<float> scratch, const B& b = {}) const noexcept {
    return {.shape = shape_,
            .parameters = parameters(l),
            .translates = trained(l),
            .epsilon = epsilon_,
            .rows = to.rows,
            .scale = to.scale,
            .first_token = to.first_token,
            .scratch = scratch,
            .backend = b};
  }

 private:
  [[nodiscard]] LAGOM_INLINE float* begin(layer_index l) noexcept {
    return parameters_.data() + l.value * shape_.parameters();
  }

  exit_module_shape shape_{};
  double epsilon_ = 1e-5;
  std::vector<float> parameters_;
  std::vector<signed char> trained_;
};

}  // namespace v0
}  // namespace lagom
