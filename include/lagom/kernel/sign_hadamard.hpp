// SPDX-License-Identifier: MIT
/// @file kernel/sign_hadamard.hpp
/// A random rotation that costs n log n: signs and Hadamard transforms in turn.
#pragma once

#include "../core/backend.hpp"
#include "../core/math.hpp"
#include "../core/random.hpp"

namespace lagom {
inline namespace v0 {

/// x -> H_3 D_3 H_2 D_2 H_1 D_1 H_0 D_0 x: D_k flips random signs, H_k is the orthonormal Hadamard transform of `block(n)`
/// elements, the first ones for even k and the last ones for odd k. Where n is a power of two the block is all of it;
/// elsewhere (96, 896, 3584) the blocks of 64, 512, 2048 overlap, so that every element meets every other one.
///
/// Orthonormal whatever the signs: norms and inner products stay. The signs are a function of (key, k, element) alone.
/// Cost: 4 n log2(block) additions in double. In place, no memory of its own.
struct sign_hadamard {
  std::uint64_t key = 0;

  static constexpr int rounds = 4;

  /// The largest power of two that is not above n. Precondition: n > 0.
  LAGOM_LEAF static constexpr index_t block(index_t n) noexcept {
    index_t b = 1;
    while (2 * b <= n) b *= 2;
    return b;
  }

  template <backend B>
  LAGOM_HD void operator()(const B&, double* x, index_t n) const noexcept {
    if (n <= 0) return;
    const index_t b = block(n);
    const double unit = 1 / detail::sqrt(static_cast<double>(b));
    for (int k = 0; k < rounds; ++k) {
      flip<B>(x, n, k);
      double* LAGOM_RESTRICT from = k % 2 == 0 ? x : x + (n - b);
      for (index_t half = b / 2; half > 0; half /= 2) {
        if (half >= 4) {
          butterflies<B>(from, b, half);
        } else {
          short_butterflies<B>(from, b, half);
        }
      }
      for (index_t j = 0; j < b; ++j) from[j] *= unit;
    }
  }

 private:
  template <backend B>
  LAGOM_HD void flip(double* x, index_t n, int k) const noexcept {
    const philox random{key};
    for (index_t first = 0; first < n; first += 128) {
      const auto signs = random(static_cast<std::uint64_t>(k), static_cast<std::uint64_t>(first / 128));
      const index_t m = n - first < 128 ? n - first : 128;
      for (index_t j = 0; j < m; ++j) {
        const auto sign = static_cast<std::uint64_t>(signs.word[j / 32] >> (j % 32) & 1u) << 63;
        x[first + j] = detail::bit_cast<double>(detail::bit_cast<std::uint64_t>(x[first + j]) ^ sign);
      }
    }
  }
  template <backend B>
  LAGOM_HD static void butterflies(double* x, index_t b, index_t half) noexcept {
    for (index_t i = 0; i < b; i += 2 * half) {
      double* LAGOM_RESTRICT low = x + i;
      double* LAGOM_RESTRICT high = x + i + half;
      for (index_t j = 0; j < half; ++j) {
        const double sum = low[j] + high[j], difference = low[j] - high[j];
        low[j] = sum;
        high[j] = difference;
      }
    }
  }
  template <backend B>
  LAGOM_HD static void short_butterflies(double* x, index_t b, index_t half) noexcept {
    for (index_t i = 0; i < b; i += 2 * half) {
      for (index_t j = i; j < i + half; ++j) {
        const double sum = x[j] + x[j + half], difference = x[j] - x[j + half];
        x[j] = sum;
        x[j + half] = difference;
      }
    }
  }
};

}  // namespace v0
}  // namespace lagom
