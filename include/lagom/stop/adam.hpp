// SPDX-License-Identifier: MIT
/// @file stop/adam.hpp
/// Adam, for fits by mini-batches.
#pragma once

#include <vector>

#include "../core/backend.hpp"
#include "../core/math.hpp"
#include "../core/vec_view.hpp"

namespace lagom {
inline namespace v0 {

/// Settings of Adam (Kingma & Ba, arXiv 1412.6980, algorithm 1), with PyTorch's defaults.
struct adam_config {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
};

namespace detail {

/// theta -= rate m' / (sqrt(v') + epsilon), m' and v' being the bias-corrected means of gradients and of their squares.
template <backend B>
class adam {
 public:
  adam(const adam_config& config, index_t unknowns)
      : config_(config),
        mean_(static_cast<std::size_t>(unknowns)),
        square_(static_cast<std::size_t>(unknowns)) {}

  /// One step. `factor` scales the learning rate: a schedule.
  void step(vec_view<float> theta, vec_view<const float> gradient, double factor = 1) noexcept {
    power1_ *= config_.beta1;
    power2_ *= config_.beta2;
    const auto rate = static_cast<float>(factor * config_.learning_rate / (1 - power1_));
    const auto unbias = static_cast<float>(1 / (1 - power2_));
    const auto b1 = static_cast<float>(config_.beta1), b2 = static_cast<float>(config_.beta2);
    const auto epsilon = static_cast<float>(config_.epsilon);
    float* LAGOM_RESTRICT const x = theta.data();
    const float* LAGOM_RESTRICT const g = gradient.data();
    float* LAGOM_RESTRICT const m = mean_.data();
    float* LAGOM_RESTRICT const v = square_.data();
    LAGOM_ASSERT(theta.contiguous() && gradient.contiguous());
    for (index_t i = 0; i < theta.size(); ++i) {
      m[i] = b1 * m[i] + (1 - b1) * g[i];
      v[i] = b2 * v[i] + (1 - b2) * (g[i] * g[i]);
      x[i] -= rate * m[i] / (sqrt(v[i] * unbias) + epsilon);
    }
  }

 private:
  adam_config config_;
  std::vector<float> mean_, square_;
  double power1_ = 1, power2_ = 1;
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
