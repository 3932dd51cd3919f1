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
/// answer is the model's. Memory: a layer's parameters only where it was trained.
class exit_modules {
 public:
  exit_modules() = default;

  /// Untrained modules of a model whose final norm has these weights. Precondition: layers > 0, sizes that fit.
  LAGOM_INLINE exit_modules(int layers, exit_module_shape shape, vec_view<const float> norm_weight,
                            double epsilon)
      : shape_(shape), epsilon_(epsilon), trained_(static_cast<std::size_t>(layers)) {
    LAGOM_ASSERT(layers > 0 && norm_weight.size() == shape.width);
    for (index_t j = 0; j < shape.width; ++j) norm_.push_back(norm_weight[j]);
  }

  [[nodiscard]] LAGOM_INLINE int layers() const noexcept { return static_cast<int>(trained_.size()); }
  [[nodiscard]] LAGOM_INLINE const exit_module_shape& shape() const noexcept { return shape_; }
  [[nodiscard]] LAGOM_INLINE double epsilon() const noexcept { return epsilon_; }
  /// The weight of the model's final norm.
  [[nodiscard]] LAGOM_INLINE vec_view<const float> norm_weight() const noexcept {
    return {norm_.data(), shape_.width};
  }
  [[nodiscard]] LAGOM_INLINE bool trained(layer_index l) const noexcept { return !of(l).empty(); }
  /// Of a trained layer shape().parameters(), of another the model's norm.
  [[nodiscard]] LAGOM_INLINE vec_view<const float> parameters(layer_index l) const noexcept {
    return trained(l) ? vec_view<const float>(of(l).data(), shape_.parameters()) : norm_weight();
  }
  /// Sets the parameters of a layer. Layers may be set by several threads at once. Precondition: of shape().parameters(), at
  /// least one.
  LAGOM_INLINE void set(layer_index l, vec_view<const float> parameters) {
    LAGOM_ASSERT(parameters.size() == shape_.parameters() && parameters.size() > 0);
    std::vector<float>& to = trained_[static_cast<std::size_t>(l.value)];
    to.resize(static_cast<std::size_t>(parameters.size()));
    for (index_t j = 0; j < parameters.size(); ++j) to[static_cast<std::size_t>(j)] = parameters[j];
  }

  /// The module of a layer. Valid as long as this, until it is set.
  template <backend B = portable>
  [[nodiscard]] LAGOM_INLINE exit_module_view<B> module(layer_index l, const B& b = {}) const noexcept {
    return {.shape = shape_,
            .parameters = parameters(l),
            .trained = trained(l),
            .epsilon = epsilon_,
            .backend = b};
  }

  /// The probe of a layer over the rows of the model's head (whose own norm is not used). `scratch`: shape().scratch() floats
  /// of this thread. Valid as long as this, the head and the scratch.
  template <scalar W, final_norm Norm, backend B = portable>
  [[nodiscard]] LAGOM_INLINE tuned_head<W, B> at(layer_index l, const head<W, Norm>& to,
                                                 vec_view<float> scratch, const B& b = {}) const noexcept {
    return {.module = module(l, b),
            .rows = to.rows,
            .scale = to.scale,
            .first_token = to.first_token,
            .scratch = scratch};
  }

 private:
  [[nodiscard]] LAGOM_INLINE const std::vector<float>& of(layer_index l) const noexcept {
    LAGOM_ASSERT(0 <= l.value && l.value < layers());
    return trained_[static_cast<std::size_t>(l.value)];
  }

  exit_module_shape shape_{};
  double epsilon_ = 1e-5;
  std::vector<float> norm_;
  std::vector<std::vector<float>> trained_;  ///< empty: not trained
};

}  // namespace v0
}  // namespace lagom
