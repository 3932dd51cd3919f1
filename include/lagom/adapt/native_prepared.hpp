// SPDX-License-Identifier: MIT
/// @file adapt/native_prepared.hpp
/// Products of prepared rows in vector instructions: bytes, nibbles and crumbs unpacked on the way.
#pragma once

#include "../kernel/prepared_products.hpp"
#include "native_simd.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Sums of bit fields times signed bytes, `Bits` wide, a class a target: `push` takes `lines` bytes of codes and, a
/// plane of the codes each, the halves of the state.
template <target Target, int Bits, bool Vnni>
struct prepared_lanes;

#if defined(__AVX2__)
/// Pairs of products in 16 bits (which hold them: see the bounds), pairs of those in 32.
template <target Target, int Bits>
struct prepared_lanes<Target, Bits, false> {
  static constexpr std::size_t planes = 8 / Bits;
  static constexpr index_t width = 32;
  static constexpr int abreast = 2;
  __m256i sum = _mm256_setzero_si256();

  /// The planes of 32 bytes of codes. Bytes become signed: q - 128.
  LAGOM_INLINE static void unpack(const std::uint8_t* codes, __m256i (&q)[planes]) noexcept {
    const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes));
    if constexpr (Bits == 8) {
      q[0] = _mm256_xor_si256(v, _mm256_set1_epi8(-128));
    } else {
      const __m256i mask = _mm256_set1_epi8((1 << Bits) - 1);
      q[0] = _mm256_and_si256(v, mask);
      q[planes / 2] = _mm256_and_si256(_mm256_srli_epi16(v, 4), mask);
      if constexpr (Bits == 2) {
        q[1] = _mm256_and_si256(_mm256_srli_epi16(v, 2), mask);
        q[3] = _mm256_and_si256(_mm256_srli_epi16(v, 6), mask);
      }
    }
  }
  LAGOM_INLINE void push(const __m256i (&q)[planes], const std::int8_t* x) noexcept {
    __m256i pairs = _mm256_setzero_si256();
    for (std::size_t k = 0; k < planes; ++k) {
      const __m256i y = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + 64 * k));
      if constexpr (Bits == 8) {
        pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(q[0]), _mm256_sign_epi8(y, q[0]));  // 2 * 128 * 127
      } else {
        pairs = _mm256_add_epi16(pairs, _mm256_maddubs_epi16(q[k], y));  // 2 * 2 * 15 * 127, 4 * 2 * 3 * 127
      }
    }
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  [[nodiscard]] LAGOM_INLINE std::int32_t total() const noexcept {
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
  }
  /// What is missing from the sums of signed bytes: 128 times the sum of the state.
  LAGOM_INLINE static std::int32_t bias(const std::int8_t* x, index_t n) noexcept {
    std::int32_t s = 0;
    if constexpr (Bits == 8) {
      for (index_t j = 0; j < n; ++j) s += x[j];
    }
    return 128 * s;
  }
};
#endif

#if defined(__AVX512VNNI__) && defined(__AVX512F__) && defined(__AVX512BW__)
template <target Target, int Bits>
struct prepared_lanes<Target, Bits, true> {
  static constexpr std::size_t planes = 8 / Bits;
  static constexpr index_t width = 64;
  static constexpr int abreast = 4;
  __m512i sum = _mm512_setzero_si512();

  LAGOM_INLINE static void unpack(const std::uint8_t* codes, __m512i (&q)[planes]) noexcept {
    const __m512i v = _mm512_loadu_si512(codes);
    if constexpr (Bits == 8) {
      q[0] = v;
    } else {
      const __m512i mask = _mm512_set1_epi8((1 << Bits) - 1);
      q[0] = _mm512_and_si512(v, mask);
      q[planes / 2] = _mm512_and_si512(_mm512_maskz_srli_epi16(~__mmask32{0}, v, 4), mask);
      if constexpr (Bits == 2) {
        q[1] = _mm512_and_si512(_mm512_maskz_srli_epi16(~__mmask32{0}, v, 2), mask);
        q[3] = _mm512_and_si512(_mm512_maskz_srli_epi16(~__mmask32{0}, v, 6), mask);
      }
    }
  }
  LAGOM_INLINE void push(const __m512i (&q)[planes], const std::int8_t* x) noexcept {
    for (std::size_t k = 0; k < planes; ++k)
      sum = _mm512_dpbusd_epi32(sum, q[k], _mm512_loadu_si512(x + 64 * k));
  }
  [[nodiscard]] LAGOM_INLINE std::int32_t total() const noexcept {
    const __m256i half = _mm256_add_epi32(_mm512_maskz_extracti64x4_epi64(0xff, sum, 0),
                                          _mm512_maskz_extracti64x4_epi64(0xff, sum, 1));
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
  }
  LAGOM_INLINE static std::int32_t bias(const std::int8_t*, index_t) noexcept { return 0; }
};
#endif

/// `Rows` rows side by side: the state is loaded once for all of them.
template <class Lanes, int Rows>
LAGOM_INLINE void native_prepared_rows(const std::uint8_t* codes, index_t pitch, split_state x,
                                       std::int32_t high_bias, std::int32_t low_bias, std::int32_t* high,
                                       std::int32_t* low) noexcept {
  Lanes highs[static_cast<std::size_t>(Rows)], lows[static_cast<std::size_t>(Rows)];
  const index_t ahead = Rows * pitch > 4096 ? Rows * pitch : 4096;  // the rows that come next
  for (index_t line = 0; line < pitch; line += Lanes::width) {
    const index_t at = line / 64 * 64 * static_cast<index_t>(Lanes::planes) + line % 64;
    for (int r = 0; r < Rows; ++r) {
      const std::uint8_t* const from = codes + r * pitch + line;
      __builtin_prefetch(from + ahead, 0, 2);
      decltype(highs[0].sum) q[Lanes::planes];
      Lanes::unpack(from, q);
      highs[r].push(q, x.high + at);
      lows[r].push(q, x.low + at);
    }
  }
  for (int r = 0; r < Rows; ++r) {
    high[r] = highs[r].total() + high_bias;
    low[r] = lows[r].total() + low_bias;
  }
}

template <target Target, int Bits>
__attribute__((noinline)) void native_prepared_products(const prepared_rows& rows, split_state x,
                                                        index_t first, index_t n, std::int32_t* high,
                                                        std::int32_t* low) noexcept {
  using lanes_type = prepared_lanes<Target, Bits, contains(Target, target::avx512 | target::avx512_vnni)>;
  constexpr int abreast = lanes_type::abreast;
  const index_t pitch = rows.pitch();
  const std::int32_t high_bias = lanes_type::bias(x.high, pitch), low_bias = lanes_type::bias(x.low, pitch);
  const std::uint8_t* const codes = rows.codes + first * pitch;
  index_t r = 0;
  for (; r + abreast <= n; r += abreast) {
    native_prepared_rows<lanes_type, abreast>(codes + r * pitch, pitch, x, high_bias, low_bias, high + r,
                                              low + r);
  }
  for (; r < n; ++r) {
    native_prepared_rows<lanes_type, 1>(codes + r * pitch, pitch, x, high_bias, low_bias, high + r, low + r);
  }
}

/// All codes of a target with AVX2, or AVX-512 with VNNI.
template <target Target>
void native_prepared_products(const prepared_rows& rows, split_state x, index_t first, index_t n,
                              std::int32_t* high, std::int32_t* low) noexcept {
  switch (rows.code) {
    case row_code::int8:
      return native_prepared_products<Target, 8>(rows, x, first, n, high, low);
    case row_code::int4:
      return native_prepared_products<Target, 4>(rows, x, first, n, high, low);
    case row_code::int2:
      return native_prepared_products<Target, 2>(rows, x, first, n, high, low);
  }
}

}  // namespace detail

}  // namespace v0
}  // namespace lagom
