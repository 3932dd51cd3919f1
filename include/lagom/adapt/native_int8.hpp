// SPDX-License-Identifier: MIT
/// @file adapt/native_int8.hpp
/// Exact products of int8 vectors in vector instructions.
#pragma once

#include "../kernel/normed_slice.hpp"
#include "native_rows.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Asks for the memory `Ahead` bytes after p, into the second-level cache: the first has few outstanding misses and
/// holds the state.
template <index_t Ahead>
LAGOM_INLINE void native_fetch(const void* p) noexcept {
  __builtin_prefetch(static_cast<const char*>(p) + Ahead, 0, 2);
}

/// The widest state that is normed and ordered once for all rows; wider ones go through the portable tiles.
inline constexpr index_t native_widest = slice_of_state;

/// Sixteen-bit products, pairs of them added in 32 bits: exact for every int8, on every target.
template <target Target, native_isa Isa = native_isa_of(Target)>
struct int8_lanes;

#if defined(__AVX2__)
template <target Target>
struct int8_lanes<Target, native_isa::avx2> {
  using vec = __m256i;
  static constexpr index_t width = 32;  // bytes
  static constexpr index_t ahead = 0;   // the processor looks ahead by itself
  LAGOM_INLINE static vec zero() noexcept { return _mm256_setzero_si256(); }
  LAGOM_INLINE static vec add(vec a, vec b) noexcept { return _mm256_add_epi32(a, b); }

  LAGOM_INLINE static vec push(vec sum, const std::int8_t* x, const std::int8_t* y) noexcept {
    for (int half = 0; half < 2; ++half) {
      const auto words = [half](const std::int8_t* p) {
        return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p) + half));
      };
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(words(x), words(y)));
    }
    return sum;
  }
  /// The same with y in 16 bits already.
  LAGOM_INLINE static vec push(vec sum, const std::int8_t* x, const std::int16_t* y) noexcept {
    for (int half = 0; half < 2; ++half) {
      const vec words = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x) + half));
      const vec other = _mm256_loadu_si256(reinterpret_cast<const vec*>(y) + half);
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(words, other));
    }
    return sum;
  }
  LAGOM_INLINE static std::int32_t total(vec v) noexcept {
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
  }
};
#endif

#if defined(__AVX512F__) && defined(__AVX512BW__)
template <target Target>
struct int8_lanes<Target, native_isa::avx512> {
  using vec = __m512i;
  static constexpr index_t width = 64;
  static constexpr index_t ahead = 0;
  LAGOM_INLINE static vec zero() noexcept { return _mm512_setzero_si512(); }
  LAGOM_INLINE static vec add(vec a, vec b) noexcept { return _mm512_add_epi32(a, b); }

  LAGOM_INLINE static vec push(vec sum, const std::int8_t* x, const std::int8_t* y) noexcept {
    for (int half = 0; half < 2; ++half) {
      const auto words = [half](const std::int8_t* p) {
        return _mm512_maskz_cvtepi8_epi16(~__mmask32{0},
                                          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p) + half));
      };
      sum = _mm512_add_epi32(sum, _mm512_maskz_madd_epi16(0xffff, words(x), words(y)));
    }
    return sum;
  }
  LAGOM_INLINE static vec push(vec sum, const std::int8_t* x, const std::int16_t* y) noexcept {
    for (int half = 0; half < 2; ++half) {
      const vec words = _mm512_maskz_cvtepi8_epi16(
          ~__mmask32{0}, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x) + half));
      const vec other = _mm512_loadu_si512(reinterpret_cast<const vec*>(y) + half);
      sum = _mm512_add_epi32(sum, _mm512_maskz_madd_epi16(0xffff, words, other));
    }
    return sum;
  }
  LAGOM_INLINE static std::int32_t total(vec v) noexcept {
    return int8_lanes<Target, native_isa::avx2>::total(_mm256_add_epi32(
        _mm512_maskz_extracti32x8_epi32(0xff, v, 0), _mm512_maskz_extracti32x8_epi32(0xff, v, 1)));
  }
};
#endif

/// Four products of bytes in one instruction, one side unsigned: (x + 128) y - 128 y, where x + 128 is a flip of the
/// sign bit and the sum of y is known beforehand.
template <target Target, native_isa Isa = native_isa_of(Target)>
struct vnni_lanes {
  static constexpr bool there = false;
};
#if defined(__AVX512VNNI__) && defined(__AVX512BW__)
template <target Target>
struct vnni_lanes<Target, native_isa::avx512> : int8_lanes<Target, native_isa::avx512> {
  static constexpr bool there = contains(Target, target::avx512_vnni);
  static constexpr index_t ahead = 2048;
  using vec = __m512i;
  LAGOM_INLINE static vec push(vec sum, const std::int8_t* x, const std::int8_t* y) noexcept {
    const vec flipped = _mm512_xor_si512(_mm512_loadu_si512(x), _mm512_set1_epi8(-128));
    return _mm512_dpbusd_epi32(sum, flipped, _mm512_loadu_si512(y));
  }
};
#endif
#if defined(__AVXVNNI__) && defined(__AVX2__)
template <target Target>
struct vnni_lanes<Target, native_isa::avx2> : int8_lanes<Target, native_isa::avx2> {
  static constexpr bool there = contains(Target, target::avx_vnni);
  static constexpr index_t ahead = 2048;
  using vec = __m256i;
  LAGOM_INLINE static vec push(vec sum, const std::int8_t* x, const std::int8_t* y) noexcept {
    const vec flipped =
        _mm256_xor_si256(_mm256_loadu_si256(reinterpret_cast<const vec*>(x)), _mm256_set1_epi8(-128));
    return _mm256_dpbusd_avx_epi32(sum, flipped, _mm256_loadu_si256(reinterpret_cast<const vec*>(y)));
  }
};
#endif

/// Sum over whole vectors of x_i y_i as `Lanes` make it; returns where it stopped.
template <class Lanes, class Y>
LAGOM_INLINE std::int32_t int8_sum(const std::int8_t* x, const Y* y, index_t n, index_t& i) noexcept {
  typename Lanes::vec sum[4] = {Lanes::zero(), Lanes::zero(), Lanes::zero(), Lanes::zero()};
  for (; i + 4 * Lanes::width <= n; i += 4 * Lanes::width) {
    if constexpr (Lanes::ahead > 0) {
      for (index_t line = 0; line < 4 * Lanes::width; line += 64) native_fetch<Lanes::ahead>(x + i + line);
    }
#pragma GCC unroll 8
    for (index_t k = 0; k < 4; ++k)
      sum[k] = Lanes::push(sum[k], x + i + k * Lanes::width, y + i + k * Lanes::width);
  }
  for (; i + Lanes::width <= n; i += Lanes::width) sum[0] = Lanes::push(sum[0], x + i, y + i);
  return Lanes::total(Lanes::add(Lanes::add(sum[0], sum[1]), Lanes::add(sum[2], sum[3])));
}

/// What `int8_product` needs to know of y, once.
template <target Target>
LAGOM_INLINE std::int32_t int8_bias(const std::int8_t* y, index_t n) noexcept {
  std::int32_t sum = 0;
  if constexpr (vnni_lanes<Target>::there) {
    const index_t whole = n / vnni_lanes<Target>::width * vnni_lanes<Target>::width;
    for (index_t i = 0; i < whole; ++i) sum += y[i];
  }
  return 128 * sum;
}

/// <x, y>, exact. `bias` is int8_bias(y, n).
template <target Target>
LAGOM_INLINE std::int32_t int8_product(const std::int8_t* x, const std::int8_t* y, index_t n,
                                       std::int32_t bias) noexcept {
  index_t i = 0;
  std::int32_t sum;
  if constexpr (vnni_lanes<Target>::there) {
    // Wraps around and back: the product itself fits.
    sum = static_cast<std::int32_t>(static_cast<std::uint32_t>(int8_sum<vnni_lanes<Target>>(x, y, n, i)) -
                                    static_cast<std::uint32_t>(bias));
  } else {
    sum = int8_sum<int8_lanes<Target>>(x, y, n, i);
  }
  for (; i < n; ++i) sum += static_cast<std::int32_t>(x[i]) * y[i];
  return sum;
}

/// A state of int8 as rows of int8 read it: bytes for VNNI, else 16 bits, so that only the row has to be widened.
template <target Target>
class int8_state {
 public:
  using element = std::conditional_t<vnni_lanes<Target>::there, std::int8_t, std::int16_t>;

  LAGOM_INLINE void set(vec_view<const std::int8_t> x) noexcept {
    for (index_t j = 0; j < x.size(); ++j) x_[j] = x[j];
    if constexpr (vnni_lanes<Target>::there) bias_ = int8_bias<Target>(x_, x.size());
  }
  /// <w, state>, exact.
  LAGOM_INLINE std::int32_t product(const std::int8_t* w, index_t n) const noexcept {
    if constexpr (vnni_lanes<Target>::there) {
      return int8_product<Target>(w, x_, n, bias_);
    } else {
      index_t i = 0;
      std::int32_t sum = int8_sum<int8_lanes<Target>>(w, x_, n, i);
      for (; i < n; ++i) sum += static_cast<std::int32_t>(w[i]) * x_[i];
      return sum;
    }
  }

 private:
  std::int32_t bias_ = 0;
  alignas(64) element x_[static_cast<std::size_t>(native_widest)];
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
