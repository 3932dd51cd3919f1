// SPDX-License-Identifier: MIT
/// @file adapt/native_rows.hpp
/// Products of one row of weights with a prepared state, at the speed at which memory gives the row.
#pragma once

#include "../core/scalar.hpp"
#include "native_simd.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Asks for the memory `Ahead` bytes after p, into the second-level cache: the first has few outstanding misses and
/// holds the state.
template <index_t Ahead>
LAGOM_INLINE void native_fetch(const void* p) noexcept {
  __builtin_prefetch(static_cast<const char*>(p) + Ahead, 0, 2);
}

/// Sum of x_i y_i of any two element types, in float. With `Ahead`, x is one row of many that are read in order.
template <target Target, index_t Ahead = 0, class X, class Y>
LAGOM_INLINE float native_dot(const X* x, const Y* y, index_t n) noexcept {
  using S = simd<Target>;
  typename S::vec sum[4] = {S::zero(), S::zero(), S::zero(), S::zero()};
  index_t i = 0;
  for (; i + 4 * S::width <= n; i += 4 * S::width) {
    if constexpr (Ahead > 0) {
      constexpr index_t line = 64 / static_cast<index_t>(sizeof(X));
      for (index_t j = 0; j < 4 * S::width; j += line) native_fetch<Ahead>(x + i + j);
    }
#pragma GCC unroll 8
    for (index_t k = 0; k < 4; ++k) {
      sum[k] = S::fma(S::load(x + i + k * S::width), S::load(y + i + k * S::width), sum[k]);
    }
  }
  for (; i + S::width <= n; i += S::width) sum[0] = S::fma(S::load(x + i), S::load(y + i), sum[0]);
  float rest = 0;
  for (; i < n; ++i) rest = multiply_add(static_cast<float>(x[i]), static_cast<float>(y[i]), rest);
  return S::sum(S::add(S::add(sum[0], sum[1]), S::add(sum[2], sum[3]))) + rest;
}

/// Float states for rows of `W`: `prepare` writes the state in the order in which `product` reads it. Rows are read one
/// after the other, in the order of their addresses, which keeps one stream for the memory to follow; asking for them
/// well ahead hides what the conversions cost.
template <target Target, class W>
struct native_row {
  static constexpr index_t group = 1;
  LAGOM_INLINE static void prepare(float*, index_t) noexcept {}
  LAGOM_INLINE static float product(const W* w, const float* x, index_t n) noexcept {
    return native_dot<Target, 8192>(w, x, n);
  }
};

/// Rows of floats are as many bytes as the state, which leaves the first-level cache before it is read again: a group
/// of rows shares its loads.
template <target Target>
struct native_row<Target, float> {
  using S = simd<Target>;
  using W = float;
  static constexpr index_t group = 4;

  LAGOM_INLINE static void prepare(float*, index_t) noexcept {}

  LAGOM_INLINE static float product(const W* w, const float* x, index_t n) noexcept {
    return native_dot<Target>(w, x, n);
  }

  LAGOM_INLINE static void products(const W* w, index_t pitch, const float* x, index_t n,
                                    float* out) noexcept {
    constexpr index_t step = 2 * S::width, line = 16;
    typename S::vec sum[group][2];
    for (auto& row : sum) row[0] = row[1] = S::zero();
    index_t i = 0;
    for (; i + step <= n; i += step) {
      const typename S::vec state[2] = {S::load(x + i), S::load(x + i + S::width)};
#pragma GCC unroll 8
      for (index_t r = 0; r < group; ++r) {
        const W* const row = w + r * pitch + i;
        for (index_t j = 0; j < step; j += line) native_fetch<1024>(row + j);
#pragma GCC unroll 8
        for (index_t k = 0; k < 2; ++k) sum[r][k] = S::fma(S::load(row + k * S::width), state[k], sum[r][k]);
      }
    }
#pragma GCC unroll 8
    for (index_t r = 0; r < group; ++r) {
      float rest = 0;
      for (index_t j = i; j < n; ++j) rest = multiply_add(static_cast<float>(w[r * pitch + j]), x[j], rest);
      out[r] = S::sum(S::add(sum[r][0], sum[r][1])) + rest;
    }
  }
};

/// bf16 is the upper half of a float: even elements are a shift, odd ones a mask. The state is kept as even and odd
/// halves of blocks of two vectors.
template <target Target>
struct native_row<Target, bf16> {
  using S = simd<Target>;
  static constexpr index_t group = 1;
  static constexpr index_t block = 2 * S::width;
  static constexpr index_t step = 4 * block;

  LAGOM_INLINE static void prepare(float* x, index_t n) noexcept {
    for (index_t i = 0; i + block <= n; i += block) {
      float odd[S::width];
      for (index_t j = 0; j < S::width; ++j) {
        odd[j] = x[i + 2 * j + 1];
        x[i + j] = x[i + 2 * j];
      }
      for (index_t j = 0; j < S::width; ++j) x[i + S::width + j] = odd[j];
    }
  }

  LAGOM_INLINE static float product(const bf16* w, const float* x, index_t n) noexcept {
    typename S::vec even[4] = {S::zero(), S::zero(), S::zero(), S::zero()},
                    odd[4] = {S::zero(), S::zero(), S::zero(), S::zero()};
    const auto add_block = [&](index_t i, typename S::vec& e, typename S::vec& o) {
      typename S::vec low, high;
      S::load_even_odd(w + i, low, high);
      e = S::fma(low, S::load(x + i), e);
      o = S::fma(high, S::load(x + i + S::width), o);
    };
    index_t i = 0;
    for (; i + step <= n; i += step) {
      for (index_t j = 0; j < step; j += 32) native_fetch<8192>(w + i + j);
#pragma GCC unroll 8
      for (index_t k = 0; k < 4; ++k) add_block(i + k * block, even[k], odd[k]);
    }
    for (; i + block <= n; i += block) add_block(i, even[0], odd[0]);
    float rest = 0;
    for (; i < n; ++i) rest = multiply_add(static_cast<float>(w[i]), x[i], rest);
#pragma GCC unroll 8
    for (index_t k = 0; k < 4; ++k) even[k] = S::add(even[k], odd[k]);
    return S::sum(S::add(S::add(even[0], even[1]), S::add(even[2], even[3]))) + rest;
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
