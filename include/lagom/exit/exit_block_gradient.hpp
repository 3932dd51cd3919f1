// SPDX-License-Identifier: MIT
/// @file exit/exit_block_gradient.hpp
/// The loss of a block module against a distribution over tokens, and its gradient.
#pragma once

#include <vector>

#include "exit_block_pass.hpp"
#include "exit_module_gradient.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// A block module in training, over the frozen rows of a head. A batch is some positions, each in a slot, whose keys and
/// values are computed once (`begin`, `key_value`); answers at some of them, one after the other (`forward`, `add`), which
/// see the slots of their sequence; and the way back through what all of them saw (`finish`).
template <backend B, scalar W, std::floating_point T = float>
class exit_block_gradient {
 public:
  exit_block_gradient(const exit_block_shape& shape, double epsilon, mat_view<const W> rows, T scale)
      : shape_(shape),
        epsilon_(epsilon),
        top_({.kind = exit_module::norm, .width = shape.width}, epsilon, rows, scale),
        back_(static_cast<std::size_t>(2 * shape.width + 2 * shape.queries() + shape.inner)) {}

  /// Opens a batch of so many slots.
  void begin(index_t slots) {
    const auto n = static_cast<std::size_t>(slots);
    const auto h = static_cast<std::size_t>(shape_.width), wide = static_cast<std::size_t>(shape_.keys());
    for (std::vector<T>* const v : {&scaled_, &normed_, &d_normed_}) v->resize(n * h);
    for (std::vector<T>* const v : {&keys_, &values_, &d_keys_, &d_values_}) v->resize(n * wide);
    for (std::vector<T>* const v : {&d_normed_, &d_keys_, &d_values_}) {
      for (T& x : *v) x = 0;
    }
    turns_.assign(n, nullptr);
  }
  /// Keys and values of the state x in a slot, turned by `cos_sin`, which must stay until `finish`.
  void key_value(const T* theta, index_t slot, const T* x, const float* cos_sin) noexcept {
    const block_pass<B, T> pass(shape_, theta, epsilon_, B{});
    T *const n = normed_.data() + slot * shape_.width, *const s = scaled_.data() + slot * shape_.width;
    const T inverse = pass.normed(x, pass.w.attention_norm, n);
    for (index_t j = 0; j < shape_.width; ++j) s[j] = x[j] * inverse;
    const index_t at = slot * shape_.keys();
    pass.key_value(n, cos_sin, keys_.data() + at, values_.data() + at);
    turns_[static_cast<std::size_t>(slot)] = cos_sin;
  }

  /// Logits at the position of state x, the last of the `seen` positions whose slots are given; they stay for `add`.
  void forward(const T* theta, const T* x, const index_t* slots, index_t seen) {
    const block_pass<B, T> pass(shape_, theta, epsilon_, B{});
    const auto room = static_cast<std::size_t>(block_activations<T>::size(shape_, seen) + seen);
    if (space_.size() < room) space_.resize(room);
    block_activations<T> a(shape_, seen, space_.data());
    const index_t mine = slots[seen - 1];
    pass(
        x, normed_.data() + mine * shape_.width, turns_[static_cast<std::size_t>(mine)], seen, keys_.data(),
        values_.data(), [slots](index_t i) { return slots[i]; }, a);
    inverse_y_ = a.inverse_y;
    top_.forward(theta, a.z);
  }
  [[nodiscard]] const softmax_stats<T>& stats() const noexcept { return top_.stats(); }
  [[nodiscard]] const std::vector<T>& logits() const noexcept { return top_.logits(); }

  /// Adds `weight` times the gradient of the cross-entropy against `target` (one probability a token, or null) or against the
  /// token `hard`, of the position that `forward` saw last; what concerns keys and values follows in `finish`.
  void add(const T* theta, const index_t* slots, index_t seen, const T* target, token_id hard, T weight,
           T* gradient) noexcept {
    const block_pass<B, T> pass(shape_, theta, epsilon_, B{});
    const block_parts<T> g(shape_, gradient);
    const index_t h = shape_.width, queries = shape_.queries();
    block_activations<T> a(shape_, seen, space_.data());
    T *const dy = back_.data(), *const dn = dy + h, *const dq = dn + h, *const d_mixed = dq + queries,
             *const ds = d_mixed + queries;
    top_.add(theta, a.z, target, hard, weight, gradient);
    const T* const dz = top_.back();
    mlp(pass, g, a, dz, ds, dn);
    through_norm(dn, a.y, inverse_y_, pass.w.mlp_norm, g.mlp_norm, dy);
    for (index_t j = 0; j < h; ++j) dy[j] += dz[j];
    outer(dy, h, a.mixed, queries, g.o);
    transposed(pass.w.o, h, dy, queries, d_mixed, true);
    for (index_t j = 0; j < queries; ++j) dq[j] = 0;
    T* const dp = a.p + shape_.heads * seen;
    for (index_t head = 0; head < shape_.heads; ++head)
      attention(head, slots, seen, a, pass.scale(), d_mixed, dq, dp);
    const auto mine = static_cast<std::size_t>(slots[seen - 1]);
    pass.rotate(dq, shape_.heads, turns_[mine], T(-1));
    outer(dq, queries, normed_.data() + slots[seen - 1] * h, h, g.q);
    if (g.q_bias != nullptr) add_scaled(1, dq, g.q_bias, queries);
    transposed(pass.w.q, queries, dq, h, d_normed_.data() + slots[seen - 1] * h, false);
  }

  /// Adds the gradient that came through keys and values, and that of the norm before them.
  void finish(const T* theta, T* gradient) noexcept {
    const block_pass<B, T> pass(shape_, theta, epsilon_, B{});
    const block_parts<T> g(shape_, gradient);
    const index_t h = shape_.width, wide = shape_.keys();
    for (std::size_t slot = 0; slot < turns_.size(); ++slot) {
      const auto i = static_cast<index_t>(slot);
      T *const dk = d_keys_.data() + i * wide, *const dv = d_values_.data() + i * wide;
      T *const n = normed_.data() + i * h, *const dn = d_normed_.data() + i * h;
      pass.rotate(dk, shape_.kv_heads, turns_[slot], T(-1));
      outer(dk, wide, n, h, g.k);
      outer(dv, wide, n, h, g.v);
      if (g.k_bias != nullptr) {
        add_scaled(1, dk, g.k_bias, wide);
        add_scaled(1, dv, g.v_bias, wide);
      }
      transposed(pass.w.k, wide, dk, h, dn, false);
      transposed(pass.w.v, wide, dv, h, dn, false);
      const T* const scaled = scaled_.data() + i * h;
      for (index_t j = 0; j < h; ++j) g.attention_norm[j] += dn[j] * scaled[j];
    }
  }

 private:
  static void add_scaled(T by, const T* LAGOM_RESTRICT x, T* LAGOM_RESTRICT to, index_t n) noexcept {
    for (index_t j = 0; j < n; ++j) to[j] += by * x[j];
  }
  /// to += a b^T.
  static void outer(const T* a, index_t rows, const T* b, index_t cols, T* to) noexcept {
    for (index_t r = 0; r < rows; ++r) add_scaled(a[r], b, to + r * cols, cols);
  }
  /// to += M^T a, or = where it is to be set first.
  static void transposed(const T* m, index_t rows, const T* a, index_t cols, T* to, bool set) noexcept {
    for (index_t j = 0; set && j < cols; ++j) to[j] = 0;
    for (index_t r = 0; r < rows; ++r) add_scaled(a[r], m + r * cols, to, cols);
  }
  /// From dn, of n = x inverse weight, to dx; adds the weight's gradient.
  void through_norm(const T* dn, const T* x, T inverse, const T* weight, T* d_weight, T* dx) const noexcept {
    const index_t h = shape_.width;
    T along = 0;
    for (index_t j = 0; j < h; ++j) {
      d_weight[j] += dn[j] * x[j] * inverse;
      dx[j] = dn[j] * weight[j];
      along += dx[j] * x[j];
    }
    along *= inverse * inverse / static_cast<T>(h);
    for (index_t j = 0; j < h; ++j) dx[j] = inverse * (dx[j] - along * x[j]);
  }
  /// From dz to dn, of n = rms(y) m'.
  void mlp(const block_pass<B, T>& pass, const block_parts<T>& g, const block_activations<T>& a, const T* dz,
           T* ds, T* dn) const noexcept {
    const index_t h = shape_.width, i = shape_.inner;
    outer(dz, h, a.s, i, g.down);
    transposed(pass.w.down, h, dz, i, ds, true);
    for (index_t j = 0; j < h; ++j) dn[j] = 0;
    for (index_t k = 0; k < i; ++k) {
      const T open = sigmoid(a.a[k]);
      const T da = ds[k] * a.u[k] * (open * (1 + a.a[k] * (1 - open))), du = ds[k] * a.a[k] * open;
      add_scaled(da, a.n, g.gate + k * h, h);
      add_scaled(du, a.n, g.up + k * h, h);
      add_scaled(da, pass.w.gate + k * h, dn, h);
      add_scaled(du, pass.w.up + k * h, dn, h);
    }
  }
  /// One head: from d_mixed to dq and to the keys and values of the slots. `dp`: room for `seen`.
  void attention(index_t head, const index_t* slots, index_t seen, const block_activations<T>& a, T scale,
                 const T* d_mixed, T* dq, T* dp) noexcept {
    const index_t d = shape_.head_dim, wide = shape_.keys();
    const index_t group = head / (shape_.heads / shape_.kv_heads) * d;
    const T* const p = a.p + head * seen;
    T mean = 0;
    for (index_t t = 0; t < seen; ++t) {
      const index_t at = slots[t] * wide + group;
      dp[t] = dot(B{}, vec_view<const T>(d_mixed + head * d, d), vec_view<const T>(values_.data() + at, d));
      mean += p[t] * dp[t];
      add_scaled(p[t], d_mixed + head * d, d_values_.data() + at, d);
    }
    for (index_t t = 0; t < seen; ++t) {
      const index_t at = slots[t] * wide + group;
      const T dz = scale * p[t] * (dp[t] - mean);
      add_scaled(dz, keys_.data() + at, dq + head * d, d);
      add_scaled(dz, a.q + head * d, d_keys_.data() + at, d);
    }
  }

  exit_block_shape shape_;
  double epsilon_;
  exit_module_gradient<B, W, T> top_;
  std::vector<T> back_, space_;
  std::vector<T> scaled_, normed_, d_normed_;  // slots x h; scaled: before the norm's weight
  std::vector<T> keys_, values_, d_keys_, d_values_;
  std::vector<const float*> turns_;
  T inverse_y_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
