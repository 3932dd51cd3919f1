// SPDX-License-Identifier: MIT
// Keys and values of one sequence.
#pragma once

#include <algorithm>
#include <lagom/adapt/xtensor.hpp>
#include <vector>

#include "config.hpp"

namespace decoder {

// Per layer and key-value head, positions x head_dim, contiguous. Every layer knows how many positions it holds:
// a token that stopped early leaves the deeper layers short, and they must be filled before they are read again.
template <std::floating_point T>
class kv_cache {
 public:
  kv_cache(const model_config& c, std::size_t capacity)
      : capacity_(capacity),
        head_dim_(static_cast<std::size_t>(c.head_dim)),
        filled_(static_cast<std::size_t>(c.layers), 0) {
    const std::array shape{static_cast<std::size_t>(c.layers), static_cast<std::size_t>(c.kv_heads), capacity,
                           head_dim_};
    keys_ = xt::xtensor<T, 4>::from_shape(shape);
    values_ = xt::xtensor<T, 4>::from_shape(shape);
  }

  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  // Positions that layer `l` holds.
  [[nodiscard]] std::size_t filled(std::size_t l) const { return filled_[l]; }
  // Positions of the sequence: what the first layer holds.
  [[nodiscard]] std::size_t length() const { return filled_.front(); }

  [[nodiscard]] T* key(std::size_t l, std::size_t head, std::size_t position) {
    return &keys_(l, head, position, 0);
  }
  [[nodiscard]] T* value(std::size_t l, std::size_t head, std::size_t position) {
    return &values_(l, head, position, 0);
  }

  // Layer `l` now holds one position more.
  void advance(std::size_t l) { ++filled_[l]; }
  // Forgets everything from `position` on.
  void truncate(std::size_t position) {
    for (std::size_t& n : filled_) n = std::min(n, position);
  }

 private:
  std::size_t capacity_, head_dim_;
  std::vector<std::size_t> filled_;
  xt::xtensor<T, 4> keys_, values_;
};

}  // namespace decoder
