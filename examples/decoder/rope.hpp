// SPDX-License-Identifier: MIT
// Rotary position embedding, half-split as Hugging Face checkpoints are trained.
#pragma once

#include <cmath>
#include <numbers>
#include <vector>

#include "config.hpp"

namespace decoder {

// cos and sin of every position and frequency, in float as the reference computes them.
class rope_table {
 public:
  rope_table() = default;
  explicit rope_table(const model_config& c) : half_(static_cast<std::size_t>(c.head_dim) / 2) {
    const auto positions = static_cast<std::size_t>(c.context);
    cos_.resize(positions * half_);
    sin_.resize(positions * half_);
    for (std::size_t i = 0; i < half_; ++i) {
      const float frequency = scaled(c, 2.0f * static_cast<float>(i) / static_cast<float>(c.head_dim));
      for (std::size_t p = 0; p < positions; ++p) {
        const float angle = static_cast<float>(p) * frequency;
        cos_[p * half_ + i] = std::cos(angle);
        sin_[p * half_ + i] = std::sin(angle);
      }
    }
  }

  // Rotates one head in place: (x_i, x_{i + d/2}) by the angle of frequency i.
  template <class T>
  void rotate(T* x, std::size_t position) const {
    const float* const c = cos_.data() + position * half_;
    const float* const s = sin_.data() + position * half_;
    for (std::size_t i = 0; i < half_; ++i) {
      const T a = x[i], b = x[i + half_];
      x[i] = a * static_cast<T>(c[i]) - b * static_cast<T>(s[i]);
      x[i + half_] = b * static_cast<T>(c[i]) + a * static_cast<T>(s[i]);
    }
  }

 private:
  // theta^-exponent, and what the scaling makes of it. Llama-3 leaves short waves, divides long ones by the
  // factor and blends between.
  static float scaled(const model_config& c, float exponent) {
    const float frequency = 1.0f / std::pow(static_cast<float>(c.rope_theta), exponent);
    const auto factor = static_cast<float>(c.rope.factor);
    if (c.rope.type == rope_scaling::kind::none) return frequency;
    if (c.rope.type == rope_scaling::kind::linear) return frequency / factor;
    const auto context = static_cast<float>(c.rope.original_context);
    const auto low = static_cast<float>(c.rope.low_freq_factor),
               high = static_cast<float>(c.rope.high_freq_factor);
    const float wavelength = 2 * std::numbers::pi_v<float> / frequency;
    if (wavelength > context / low) return frequency / factor;
    if (wavelength < context / high) return frequency;
    const float smooth = (context / wavelength - low) / (high - low);
    return (1 - smooth) * frequency / factor + smooth * frequency;
  }

  std::size_t half_ = 0;
  std::vector<float> cos_, sin_;
};

}  // namespace decoder
