// SPDX-License-Identifier: MIT
// The activations of a pass.
#pragma once

#include <lagom/adapt/xtensor.hpp>
#include <vector>

#include "config.hpp"

namespace decoder {

// Rows of activations, as many as the pass has tokens. Grows with the largest pass and is used again: one a
// thread.
template <std::floating_point T>
class workspace {
 public:
  using rows = lagom::mat_view<T>;

  // Room for a pass of `n` tokens. What is in the rows is lost.
  void begin(const model_config& c, std::size_t n) {
    const auto size = [](int width) { return static_cast<std::size_t>(width); };
    n_ = static_cast<lagom::index_t>(n);
    widths_ = {size(c.hidden),
               size(c.hidden),
               size(c.hidden),
               size(c.hidden),
               size(c.hidden),
               size(c.hidden),
               size(c.hidden),
               size((c.heads + 2 * c.kv_heads) * c.head_dim),
               size(c.heads * c.head_dim),
               2 * size(c.ffn),
               size(c.ffn)};
    for (std::size_t i = 0; i < std::size(widths_); ++i) {
      if (buffers_[i].size() < n * widths_[i]) buffers_[i].resize(n * widths_[i]);
    }
    if (turns.size() < n * size(c.head_dim)) turns.resize(n * size(c.head_dim));
    if (scores.size() < size(c.context)) scores.resize(size(c.context));
  }

  // The state after the block, and before it; what attention and MLP added, and what they added one block before.
  [[nodiscard]] rows x() { return view(x_); }
  [[nodiscard]] rows before() { return view(before_); }
  [[nodiscard]] rows attention() { return view(attention_); }
  [[nodiscard]] rows attention_before() { return view(attention_before_); }
  [[nodiscard]] rows mlp() { return view(mlp_); }
  [[nodiscard]] rows mlp_before() { return view(mlp_before_); }
  [[nodiscard]] rows normed() { return view(4); }
  [[nodiscard]] rows qkv() { return view(7); }
  [[nodiscard]] rows mixed() { return view(8); }
  [[nodiscard]] rows gate_up() { return view(9); }
  [[nodiscard]] rows gated() { return view(10); }
  // What the block before left becomes what this one compares with.
  void next_block() {
    std::swap(attention_, attention_before_);
    std::swap(mlp_, mlp_before_);
    const rows from = x(), to = before();
    std::copy_n(from.data(), from.rows() * from.cols(), to.data());
  }

  std::vector<float> turns;  // rotations, a row a token
  std::vector<T> scores;     // of one head over the context

 private:
  [[nodiscard]] rows view(std::size_t i) {
    return {buffers_[i].data(), n_, static_cast<lagom::index_t>(widths_[i])};
  }

  lagom::index_t n_ = 0;
  std::size_t x_ = 0, before_ = 1, attention_ = 2, attention_before_ = 3, mlp_ = 5, mlp_before_ = 6;
  std::array<std::size_t, 11> widths_{};
  std::array<std::vector<T>, 11> buffers_;
};

}  // namespace decoder
