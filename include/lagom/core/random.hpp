// SPDX-License-Identifier: MIT
/// @file core/random.hpp
/// Counter-based random numbers: draw number n of a stream is a function of (key, stream, n) alone.
#pragma once

#include "types.hpp"

namespace lagom {
inline namespace v0 {

/// Philox4x32-10 (Salmon et al., SC 2011, "Parallel random numbers: as easy as 1, 2, 3").
///
/// No state, so any thread, shard or device block draws the same numbers in any order. Config is the 64-bit
/// key; a draw is named by a 64-bit stream and a 64-bit counter.
/// ```cpp
/// lagom::philox random{seed};
/// auto slot = random.below(n_items, stream, i);   // the i-th draw of that stream
/// ```
struct philox {
  std::uint64_t key = 0;

  /// 128 random bits as four words.
  struct block {
    std::uint32_t word[4];
  };

  /// Block `counter` of `stream`. 10 rounds, about 40 integer multiplications and additions.
  [[nodiscard]] LAGOM_LEAF constexpr block operator()(std::uint64_t stream,
                                                      std::uint64_t counter) const noexcept {
    std::uint32_t c0 = low(counter), c1 = high(counter), c2 = low(stream), c3 = high(stream);
    std::uint32_t k0 = low(key), k1 = high(key);
    for (int round = 0; round < 10; ++round) {
      const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c0;
      const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * c2;
      c0 = high(p1) ^ c1 ^ k0;
      c1 = low(p1);
      c2 = high(p0) ^ c3 ^ k1;
      c3 = low(p0);
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    return {{c0, c1, c2, c3}};
  }

  /// 64 random bits.
  [[nodiscard]] LAGOM_LEAF constexpr std::uint64_t bits(std::uint64_t stream,
                                                        std::uint64_t counter) const noexcept {
    const block b = (*this)(stream, counter);
    return (std::uint64_t{b.word[1]} << 32) | b.word[0];
  }

  /// Uniform in [0, 1), 53 bits.
  [[nodiscard]] LAGOM_LEAF constexpr double uniform(std::uint64_t stream,
                                                    std::uint64_t counter) const noexcept {
    return static_cast<double>(bits(stream, counter) >> 11) * 0x1p-53;
  }

  /// Uniform in {0, ..., n - 1}: bias at most n / 2^64. Precondition: n > 0.
  [[nodiscard]] LAGOM_LEAF constexpr std::uint64_t below(std::uint64_t n, std::uint64_t stream,
                                                         std::uint64_t counter) const noexcept {
    LAGOM_ASSERT(n > 0);
    const std::uint64_t r = bits(stream, counter);  // floor(r * n / 2^64), in 32-bit halves
    const std::uint64_t lo = std::uint64_t{low(r)} * low(n);
    const std::uint64_t mid1 = std::uint64_t{high(r)} * low(n) + high(lo);
    const std::uint64_t mid2 = std::uint64_t{low(r)} * high(n) + low(mid1);
    return std::uint64_t{high(r)} * high(n) + high(mid1) + high(mid2);
  }

 private:
  LAGOM_LEAF static constexpr std::uint32_t low(std::uint64_t x) noexcept {
    return static_cast<std::uint32_t>(x);
  }
  LAGOM_LEAF static constexpr std::uint32_t high(std::uint64_t x) noexcept {
    return static_cast<std::uint32_t>(x >> 32);
  }
};

}  // namespace v0
}  // namespace lagom
