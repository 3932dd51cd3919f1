// SPDX-License-Identifier: MIT
/// @file exit/rope.hpp
/// The rotation of queries and keys by their position.
#pragma once

#include <cmath>
#include <concepts>

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {

/// What turns queries and keys: `turn(position, head_dim, cos_sin)` writes the cosine and the sine of the angle of every pair
/// of elements side by side, head_dim numbers. Pairs are (x_i, x_{i + head_dim / 2}), as Hugging Face checkpoints keep them.
/// An engine of scaled frequencies brings its own.
template <class R>
concept rotation = std::semiregular<R> && requires(const R r, index_t n, float* cos_sin) {
  { r.turn(n, n, cos_sin) } noexcept -> std::same_as<void>;
};

/// Rotary position embedding (Su et al. 2021, arXiv 2104.09864): pair i of position p turns by p theta^(-2 i / head_dim),
/// computed in float as checkpoints are trained.
struct rope {
  double theta = 10000;

  LAGOM_INLINE void turn(index_t position, index_t head_dim, float* cos_sin) const noexcept {
    for (index_t i = 0; 2 * i < head_dim; ++i) {
      const float exponent = 2.0f * static_cast<float>(i) / static_cast<float>(head_dim);
      const float angle =
          static_cast<float>(position) * (1.0f / std::pow(static_cast<float>(theta), exponent));
      cos_sin[2 * i] = std::cos(angle);
      cos_sin[2 * i + 1] = std::sin(angle);
    }
  }
};

}  // namespace v0
}  // namespace lagom
