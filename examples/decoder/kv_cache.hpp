// SPDX-License-Identifier: MIT
// Keys and values of one sequence.
#pragma once

#include <algorithm>
#include <lagom/adapt/xtensor.hpp>
#include <vector>

#include "config.hpp"

namespace decoder {

// Per layer and key-value head, positions x head_dim, contiguous. Every layer knows how many positions it holds:
// a token that stopped early leaves the deeper layers short, and they must be filled before they are read again. A
// layer may also hold a position with nothing in it, which nobody attends to: keys carry their rotation with
// them, so those of the other positions close up.
template <std::floating_point T>
class kv_cache {
 public:
  kv_cache(const model_config& c, std::size_t capacity)
      : capacity_(capacity),
        head_dim_(static_cast<std::size_t>(c.head_dim)),
        kv_heads_(static_cast<std::size_t>(c.kv_heads)),
        layers_(static_cast<std::size_t>(c.layers)) {
    const std::array shape{layers_.size(), kv_heads_, capacity, head_dim_};
    keys_ = xt::xtensor<T, 4>::from_shape(shape);
    values_ = xt::xtensor<T, 4>::from_shape(shape);
  }

  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  // Positions that layer `l` holds.
  [[nodiscard]] std::size_t filled(std::size_t l) const { return layers_[l].filled; }
  // Positions of the sequence: what the first layer holds.
  [[nodiscard]] std::size_t length() const { return layers_.front().filled; }
  // Keys of layer `l`: those of the positions it holds that are not empty.
  [[nodiscard]] std::size_t keys(std::size_t l) const { return layers_[l].filled - layers_[l].empty.size(); }

  // The place of key `i` of layer `l`.
  [[nodiscard]] T* key(std::size_t l, std::size_t head, std::size_t i) { return &keys_(l, head, i, 0); }
  [[nodiscard]] T* value(std::size_t l, std::size_t head, std::size_t i) { return &values_(l, head, i, 0); }

  // Layer `l` now holds one position more, its key the one after the others.
  void advance(std::size_t l) { ++layers_[l].filled; }
  // Layer `l` now holds one position more, with nothing in it.
  void skip(std::size_t l) { layers_[l].empty.push_back(layers_[l].filled++); }
  // Layer `l` now holds one position more, with what the layer before holds there. Precondition: l > 0, and that layer
  // holds it, not empty, as its last.
  void copy(std::size_t l) {
    for (std::size_t i = 0; i < kv_heads_; ++i) {
      std::copy_n(key(l - 1, i, keys(l - 1) - 1), head_dim_, key(l, i, keys(l)));
      std::copy_n(value(l - 1, i, keys(l - 1) - 1), head_dim_, value(l, i, keys(l)));
    }
    advance(l);
  }
  // Forgets everything from `position` on.
  void truncate(std::size_t position) {
    for (layer& l : layers_) {
      l.filled = std::min(l.filled, position);
      while (!l.empty.empty() && l.empty.back() >= position) l.empty.pop_back();
    }
  }

 private:
  struct layer {
    std::size_t filled = 0;
    std::vector<std::size_t> empty;  // positions with nothing in them, ascending
  };

  std::size_t capacity_, head_dim_, kv_heads_;
  std::vector<layer> layers_;
  xt::xtensor<T, 4> keys_, values_;
};

}  // namespace decoder
