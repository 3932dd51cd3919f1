// SPDX-License-Identifier: MIT
/// @file adapt/native_rows.hpp
/// Products of one row of weights with a prepared state, at the speed at which memory gives the row.
#pragma once

#include "../core/scalar.hpp"
#include "native_simd.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Sum of x_i y_i of any two element types, in float.
template <target Target, class X, class Y>
LAGOM_INLINE float native_dot(const X* x, const Y* y, index_t n) noexcept {
  using S = simd<Target>;
  typename S::vec sum[4] = {S::zero(), S::zero(), S::zero(), S::zero()};
  index_t i = 0;
  for (; i + 4 * S::width <= n; i += 4 * S::width) {
#pragma GCC unroll 8
    for (index_t k = 0; k < 4; ++k) {
      sum[k] = S::fma(S::load(x + i + k * S::width), S::load(y + i + k * S::width), sum[k]);
    }
  }
  for (; i + S::width <= n; i += S::width) sum[0] = S::fma(S::load(x + i), S::load(y + i), sum[0]);
  float rest = 0;
  const std::size_t left =
      static_cast<std::size_t>(n) % static_cast<std::size_t>(S::width);  // a bound that g++ sees
  for (std::size_t j = 0; j < left; ++j) {
    rest = multiply_add(static_cast<float>(x[i]), static_cast<float>(y[i]), rest);
    ++i;
  }
  return S::sum(S::add(S::add(sum[0], sum[1]), S::add(sum[2], sum[3]))) + rest;
}

/// Asks for the lines of rows in the order of their addresses: one stream, however the rows are read in the end.
class rows_ahead {
 public:
  rows_ahead() = default;
  LAGOM_INLINE rows_ahead(const void* first, index_t rows, index_t row_bytes, index_t pitch_bytes) noexcept
      : at_(static_cast<const char*>(first)),
        row_(at_),
        row_bytes_(row_bytes),
        pitch_(pitch_bytes),
        rows_(rows) {}

  template <index_t Lines>
  LAGOM_INLINE void ask() noexcept {
    if (rows_ <= 0) return;
#pragma GCC unroll 8
    for (index_t i = 0; i < Lines; ++i) __builtin_prefetch(at_ + 64 * i, 0, 2);
    at_ += 64 * Lines;
    if (at_ - row_ >= row_bytes_) {
      at_ = row_ += pitch_;
      --rows_;
    }
  }

 private:
  const char* at_ = nullptr;
  const char* row_ = nullptr;
  index_t row_bytes_ = 0, pitch_ = 0, rows_ = 0;
};

/// Products of rows of `W` with a state in float; `prepare` writes the state in the order in which rows are read. Eight
/// rows side by side share the loads of the state, while the next eight are asked for in the order of their addresses:
/// memory sees one stream, the processor eight sums that do not wait for each other.
template <target Target, class W>
struct native_row {
  using S = simd<Target>;
  using vec = typename S::vec;
  static constexpr index_t group = 8;
  static constexpr index_t line = 64 / static_cast<index_t>(sizeof(W));
  static constexpr bool halves = std::same_as<W, bf16>;  // even elements are a shift, odd ones a mask
  static constexpr index_t step = halves ? 2 * S::width : S::width;

  LAGOM_INLINE static void prepare(float* x, index_t n) noexcept {
    if constexpr (halves) {
      for (index_t i = 0; i + step <= n; i += step) {
        float odd[static_cast<std::size_t>(S::width)];
        for (index_t j = 0; j < S::width; ++j) {
          odd[j] = x[i + 2 * j + 1];
          x[i + j] = x[i + 2 * j];
        }
        for (index_t j = 0; j < S::width; ++j) x[i + S::width + j] = odd[j];
      }
    }
  }

  /// out[r] = <row r, state> for `Rows` rows, each summed in the same order for any `Rows`.
  template <index_t Rows>
  LAGOM_INLINE static void products(const W* w, index_t pitch, const float* x, index_t n, rows_ahead ahead,
                                    float* out) noexcept {
    vec sum[static_cast<std::size_t>(Rows)];
    for (vec& s : sum) s = S::zero();
    index_t i = 0;
    for (; i + line <= n; i += line) {
      ahead.template ask<Rows>();
#pragma GCC unroll 8
      for (index_t j = 0; j < line; j += step) add(w + i + j, pitch, x + i + j, sum);
    }
    for (; i + step <= n; i += step) add(w + i, pitch, x + i, sum);
#pragma GCC unroll 8
    for (index_t r = 0; r < Rows; ++r) {
      float rest = 0;
      for (index_t j = i; j < n; ++j) rest = multiply_add(static_cast<float>(w[r * pitch + j]), x[j], rest);
      out[r] = S::sum(sum[r]) + rest;
    }
  }

 private:
  template <std::size_t Rows>
  LAGOM_INLINE static void add(const W* w, index_t pitch, const float* x, vec (&sum)[Rows]) noexcept {
    if constexpr (halves) {
      const vec x_even = S::load(x), x_odd = S::load(x + S::width);
#pragma GCC unroll 8
      for (std::size_t r = 0; r < Rows; ++r) {
        vec even, odd;
        S::load_even_odd(w + static_cast<index_t>(r) * pitch, even, odd);
        sum[r] = S::fma(odd, x_odd, S::fma(even, x_even, sum[r]));
      }
    } else {
      const vec state = S::load(x);
#pragma GCC unroll 8
      for (std::size_t r = 0; r < Rows; ++r) {
        sum[r] = S::fma(S::load(w + static_cast<index_t>(r) * pitch), state, sum[r]);
      }
    }
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
