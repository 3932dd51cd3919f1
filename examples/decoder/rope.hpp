// SPDX-License-Identifier: MIT
// Rotary position embedding, half-split as Hugging Face checkpoints are trained.
#pragma once

#include <cmath>
#include <numbers>
#include <vector>

#include "config.hpp"

namespace decoder {

// The frequencies, in float as the reference computes them.
class rope {
 public:
  explicit rope(const model_config& c) : frequency_(static_cast<std::size_t>(c.head_dim) / 2) {
    for (std::size_t i = 0; i < frequency_.size(); ++i) {
      frequency_[i] = scaled(c, 2.0f * static_cast<float>(i) / static_cast<float>(c.head_dim));
    }
  }

  // cos and sin of every frequency at a position, side by side: what `rotate` takes. As long as a head.
  void turn(std::size_t position, float* cos_sin) const {
    for (std::size_t i = 0; i < frequency_.size(); ++i) {
      const float angle = static_cast<float>(position) * frequency_[i];
      cos_sin[2 * i] = std::cos(angle);
      cos_sin[2 * i + 1] = std::sin(angle);
    }
  }

  // Rotates one head in place: (x_i, x_{i + d/2}) by the angle of frequency i.
  template <class T>
  void rotate(T* x, const float* cos_sin) const {
    const std::size_t half = frequency_.size();
    for (std::size_t i = 0; i < half; ++i) {
      const T c = static_cast<T>(cos_sin[2 * i]), s = static_cast<T>(cos_sin[2 * i + 1]);
      const T a = x[i], b = x[i + half];
      x[i] = a * c - b * s;
      x[i + half] = b * c + a * s;
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

  std::vector<float> frequency_;
};

}  // namespace decoder
