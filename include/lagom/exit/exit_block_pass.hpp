// SPDX-License-Identifier: MIT
/// @file exit/exit_block_pass.hpp
/// The way through a block module, for probes and for training.
#pragma once

#include "../kernel/dot.hpp"
#include "../kernel/norm.hpp"
#include "exit_block.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// What one position leaves behind on its way through a block that sees `seen` positions.
template <std::floating_point T>
struct block_activations {
  T *q, *p, *mixed, *y, *n, *s, *a, *u, *z;  ///< p: heads x seen
  T inverse_y = 0;                           ///< 1 / rms(y)

  [[nodiscard]] LAGOM_INLINE static index_t size(const exit_block_shape& s, index_t seen) noexcept {
    return 2 * s.queries() + s.heads * seen + 3 * s.width + 3 * s.inner;
  }
  LAGOM_INLINE block_activations(const exit_block_shape& shape, index_t seen, T* first) noexcept {
    const auto take = [&first](index_t count) {
      T* const here = first;
      first += count;
      return here;
    };
    q = take(shape.queries());
    mixed = take(shape.queries());
    y = take(shape.width);
    n = take(shape.width);
    z = take(shape.width);
    s = take(shape.inner);
    a = take(shape.inner);
    u = take(shape.inner);
    p = take(shape.heads * seen);
  }
};

/// The steps of a block. Every sum runs in an order that the sizes alone decide, so a position has the same bits however the
/// others came to be known.
template <backend B, std::floating_point T>
struct block_pass {
  const exit_block_shape& shape;
  block_parts<const T> w;
  double epsilon;
  const B& b;

  LAGOM_INLINE block_pass(const exit_block_shape& s, const T* theta, double eps, const B& with) noexcept
      : shape(s), w(s, theta), epsilon(eps), b(with) {}

  /// n = rms(x) weight; the inverse of the root mean square.
  T normed(const T* x, const T* weight, T* n) const noexcept {
    const index_t h = shape.width;
    const rms_norm<T> form{vec_view<const T>(weight, h), epsilon};
    const T inverse = form.prepare(b, vec_view<const T>(x, h));
    for (index_t j = 0; j < h; ++j) n[j] = form.apply(inverse, x[j], j);
    return inverse;
  }
  /// y = M x + bias, M rows x cols.
  void product(const T* m, const T* bias, index_t rows, const T* x, index_t cols, T* y) const noexcept {
    for (index_t r = 0; r < rows; ++r) {
      y[r] = dot(b, vec_view<const T>(m + r * cols, cols), vec_view<const T>(x, cols));
      if (bias != nullptr) y[r] += bias[r];
    }
  }
  /// Turns heads in place, backwards where `way` is -1.
  void rotate(T* x, index_t heads, const float* cos_sin, T way) const noexcept {
    const index_t half = shape.head_dim / 2;
    for (index_t head = 0; head < heads; ++head, x += shape.head_dim) {
      for (index_t i = 0; i < half; ++i) {
        const T c = static_cast<T>(cos_sin[2 * i]), s = way * static_cast<T>(cos_sin[2 * i + 1]);
        const T left = x[i], right = x[i + half];
        x[i] = left * c - right * s;
        x[i + half] = right * c + left * s;
      }
    }
  }
  /// Keys, turned, and values of a normed state.
  void key_value(const T* n, const float* cos_sin, T* k, T* v) const noexcept {
    product(w.k, w.k_bias, shape.keys(), n, shape.width, k);
    product(w.v, w.v_bias, shape.keys(), n, shape.width, v);
    rotate(k, shape.kv_heads, cos_sin, T(1));
  }

  /// From the state x, normed n, to z: `seen` positions, `slot(i)` the row of keys and values that position i has.
  template <class Slot>
  void operator()(const T* x, const T* n, const float* cos_sin, index_t seen, const T* keys, const T* values,
                  const Slot& slot, block_activations<T>& to) const noexcept {
    const index_t h = shape.width, i = shape.inner;
    product(w.q, w.q_bias, shape.queries(), n, h, to.q);
    rotate(to.q, shape.heads, cos_sin, T(1));
    for (index_t head = 0; head < shape.heads; ++head) attend(head, seen, keys, values, slot, to);
    product(w.o, nullptr, h, to.mixed, shape.queries(), to.y);
    for (index_t j = 0; j < h; ++j) to.y[j] += x[j];
    to.inverse_y = normed(to.y, w.mlp_norm, to.n);
    product(w.gate, nullptr, i, to.n, h, to.a);
    product(w.up, nullptr, i, to.n, h, to.u);
    for (index_t k = 0; k < i; ++k) to.s[k] = to.a[k] * sigmoid(to.a[k]) * to.u[k];
    product(w.down, nullptr, h, to.s, i, to.z);
    for (index_t j = 0; j < h; ++j) to.z[j] += to.y[j];
  }

  [[nodiscard]] LAGOM_INLINE T scale() const noexcept { return 1 / sqrt(static_cast<T>(shape.head_dim)); }

 private:
  template <class Slot>
  void attend(index_t head, index_t seen, const T* keys, const T* values, const Slot& slot,
              block_activations<T>& to) const noexcept {
    const index_t d = shape.head_dim, wide = shape.keys();
    const index_t group = head / (shape.heads / shape.kv_heads) * d;
    const vec_view<const T> q(to.q + head * d, d);
    T* const p = to.p + head * seen;
    const T scaled = scale();
    T max = 0, sum = 0;
    for (index_t t = 0; t < seen; ++t) {
      p[t] = scaled * dot(b, vec_view<const T>(keys + slot(t) * wide + group, d), q);
      max = t == 0 || p[t] > max ? p[t] : max;
    }
    for (index_t t = 0; t < seen; ++t) {
      p[t] = exp_nonpositive(p[t] - max);
      sum += p[t];
    }
    T* LAGOM_RESTRICT const mixed = to.mixed + head * d;
    for (index_t j = 0; j < d; ++j) mixed[j] = 0;
    for (index_t t = 0; t < seen; ++t) {
      p[t] /= sum;
      const T share = p[t];
      const T* LAGOM_RESTRICT const v = values + slot(t) * wide + group;
      for (index_t j = 0; j < d; ++j) mixed[j] += share * v[j];
    }
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
