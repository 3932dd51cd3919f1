// SPDX-License-Identifier: MIT
/// @file exit/exit_module_gradient.hpp
/// The loss of an exit module against a distribution over tokens, and its gradient.
#pragma once

#include <vector>

#include "../kernel/softmax_stats_of.hpp"
#include "tuned_head.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// One module in training, over the frozen rows of a head. Holds what the way back needs from the way there.
template <backend B, scalar W, std::floating_point T = float>
class exit_module_gradient {
 public:
  exit_module_gradient(const exit_module_shape& shape, double epsilon, mat_view<const W> rows, T scale)
      : shape_(shape),
        epsilon_(epsilon),
        rows_(rows),
        scale_(scale),
        space_(static_cast<std::size_t>(6 * shape.width + 3 * shape.inner)),
        logits_(static_cast<std::size_t>(rows.rows())) {}

  /// Logits of a state; they stay for `loss` and `add`.
  void forward(const T* theta, const T* x) noexcept {
    const index_t h = shape_.width, i = shape_.inner;
    T *const y = y_(), *const n = n_(), *const s = s_(), *const normed = normed_();
    const T* const p = theta + h;
    for (index_t j = 0; j < h; ++j) y[j] = n[j] = x[j];
    if (shape_.kind == exit_module::linear) {
      for (index_t r = 0; r < h; ++r) y[r] += product(p + r * h, x, h) + p[h * h + r];
    } else if (shape_.kind == exit_module::mlp) {
      inner_inverse_ = inverse_rms(x);
      for (index_t j = 0; j < h; ++j) n[j] = x[j] * inner_inverse_ * p[j];
      for (index_t k = 0; k < i; ++k) {
        const T a = product(p + (1 + k) * h, n, h), u = product(p + (1 + i + k) * h, n, h);
        s[i + k] = a;
        s[2 * i + k] = u;
        s[k] = a * sigmoid(a) * u;
      }
      const T* const down = p + (1 + 2 * i) * h;
      for (index_t r = 0; r < h; ++r) y[r] += product(down + r * i, s, i);
    }
    inverse_ = inverse_rms(y);
    for (index_t j = 0; j < h; ++j) normed[j] = y[j] * inverse_ * theta[j];
    for (index_t v = 0; v < rows_.rows(); ++v)
      logits_[static_cast<std::size_t>(v)] =
          scale_ * static_cast<T>(dot(B{}, rows_.row(v), vec_view<const T>(normed, h)));
    stats_ = softmax_stats_of(B{}, logits_);
  }

  /// The gradient with respect to the state that `add` saw last, of a module that is a norm alone.
  [[nodiscard]] const T* back() const noexcept {
    LAGOM_ASSERT(shape_.kind == exit_module::norm);
    return space_.data() + 4 * shape_.width;
  }
  [[nodiscard]] const softmax_stats<T>& stats() const noexcept { return stats_; }
  [[nodiscard]] const std::vector<T>& logits() const noexcept { return logits_; }

  /// Adds `weight` times the gradient of the cross-entropy against `target` (one probability a token, or null) or against
  /// the token `hard`. Overwrites the logits.
  void add(const T* theta, const T* x, const T* target, token_id hard, T weight, T* gradient) noexcept {
    const index_t h = shape_.width;
    T* LAGOM_RESTRICT const back = back_();
    for (index_t j = 0; j < h; ++j) back[j] = 0;
    for (index_t v = 0; v < rows_.rows(); ++v) {
      const T z = logits_[static_cast<std::size_t>(v)];
      const T q = target != nullptr ? target[v] : v == hard ? T(1) : T(0);
      add_row(v, scale_ * weight * (stats_.prob(z) - q), back);
    }
    const T *const y = y_(), *const g = theta;
    T* const dy = dy_();
    T along = 0;
    for (index_t j = 0; j < h; ++j) {
      gradient[j] += back[j] * y[j] * inverse_;
      dy[j] = back[j] * g[j];
      along += dy[j] * y[j];
    }
    along *= inverse_ * inverse_ / static_cast<T>(h);
    for (index_t j = 0; j < h; ++j) dy[j] = inverse_ * (dy[j] - along * y[j]);
    if (shape_.kind == exit_module::linear) add_linear(x, gradient + h);
    if (shape_.kind == exit_module::mlp) add_mlp(theta + h, x, gradient + h);
  }

 private:
  static T product(const T* a, const T* b, index_t n) noexcept {
    return dot(B{}, vec_view<const T>(a, n), vec_view<const T>(b, n));
  }
  T inverse_rms(const T* x) const noexcept {
    const rms_norm<T> norm{vec_view<const T>(x, shape_.width), epsilon_};
    return norm.prepare(B{}, vec_view<const T>(x, shape_.width));
  }
  void add_row(index_t v, T by, T* LAGOM_RESTRICT to) noexcept {
    const auto row = rows_.row(v);
    const index_t h = row.size();
    if (row.contiguous()) {
      const W* LAGOM_RESTRICT const w = row.data();
      for (index_t j = 0; j < h; ++j) to[j] += by * static_cast<T>(w[j]);
    } else {
      for (index_t j = 0; j < h; ++j) to[j] += by * static_cast<T>(row[j]);
    }
  }
  static void add_scaled(T by, const T* LAGOM_RESTRICT x, T* LAGOM_RESTRICT to, index_t n) noexcept {
    for (index_t j = 0; j < n; ++j) to[j] += by * x[j];
  }

  void add_linear(const T* x, T* gradient) noexcept {
    const index_t h = shape_.width;
    const T* const dy = dy_();
    for (index_t r = 0; r < h; ++r) {
      add_scaled(dy[r], x, gradient + r * h, h);
      gradient[h * h + r] += dy[r];
    }
  }

  void add_mlp(const T* p, const T* x, T* gradient) noexcept {
    const index_t h = shape_.width, i = shape_.inner;
    T *const s = s_(), *const dn = dn_();
    const T *const n = n_(), *const dy = dy_();
    const T *const gate = p + h, *const up = gate + i * h, *const down = up + i * h;
    T *const g_gate = gradient + h, *const g_up = g_gate + i * h, *const g_down = g_up + i * h;
    for (index_t r = 0; r < h; ++r) add_scaled(dy[r], s, g_down + r * i, i);
    T* LAGOM_RESTRICT const ds = s;  // its values are no longer needed
    for (index_t k = 0; k < i; ++k) ds[k] = 0;
    for (index_t r = 0; r < h; ++r) add_scaled(dy[r], down + r * i, ds, i);
    for (index_t j = 0; j < h; ++j) dn[j] = 0;
    for (index_t k = 0; k < i; ++k) {
      const T a = s[i + k], u = s[2 * i + k], open = sigmoid(a);
      const T da = ds[k] * u * (open * (1 + a * (1 - open))), du = ds[k] * a * open;
      add_scaled(da, n, g_gate + k * h, h);
      add_scaled(du, n, g_up + k * h, h);
      add_scaled(da, gate + k * h, dn, h);
      add_scaled(du, up + k * h, dn, h);
    }
    for (index_t j = 0; j < h; ++j) gradient[j] += dn[j] * x[j] * inner_inverse_;
  }

  T* y_() noexcept { return space_.data(); }
  T* n_() noexcept { return space_.data() + shape_.width; }
  T* normed_() noexcept { return space_.data() + 2 * shape_.width; }
  T* back_() noexcept { return space_.data() + 3 * shape_.width; }
  T* dy_() noexcept { return space_.data() + 4 * shape_.width; }
  T* dn_() noexcept { return space_.data() + 5 * shape_.width; }
  T* s_() noexcept { return space_.data() + 6 * shape_.width; }  ///< s, a, u

  exit_module_shape shape_;
  double epsilon_;
  mat_view<const W> rows_;
  T scale_;
  std::vector<T> space_, logits_;
  softmax_stats<T> stats_{};
  T inverse_ = 0, inner_inverse_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
