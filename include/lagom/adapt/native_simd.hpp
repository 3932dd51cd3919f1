// SPDX-License-Identifier: MIT
/// @file adapt/native_simd.hpp
/// The vector instructions that the native kernels are written in, a class a target.
#pragma once

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "../core/math.hpp"
#include "../core/target.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Which set of bodies a compile target has.
enum class native_isa { none, avx2, avx512 };

LAGOM_INLINE constexpr native_isa native_isa_of(target t) noexcept {
  if (!contains(t, target::avx2 | target::fma | target::f16c)) return native_isa::none;
  return contains(t, target::avx512) ? native_isa::avx512 : native_isa::avx2;
}

/// Vectors of floats. Every operation is one instruction, or close to it; `Target` keeps the bodies of translation
/// units apart. Masked forms with full masks are the plain instructions: g++ 12 warns about its own undefined
/// operands in the others.
template <target Target, native_isa Isa = native_isa_of(Target)>
struct simd;

#if defined(__AVX2__) && defined(__F16C__) && LAGOM_HAS_FMA()
template <target Target>
struct simd<Target, native_isa::avx2> {
  using vec = __m256;
  static constexpr index_t width = 8;
  static constexpr bool scales_any_exponent = false;  // exp needs its argument above -87

  LAGOM_INLINE static vec zero() noexcept { return _mm256_setzero_ps(); }
  LAGOM_INLINE static vec set(float x) noexcept { return _mm256_set1_ps(x); }
  LAGOM_INLINE static vec load(const float* p) noexcept { return _mm256_loadu_ps(p); }
  LAGOM_INLINE static vec load(const bf16* p) noexcept {
    const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
  }
  LAGOM_INLINE static vec load(const f16* p) noexcept {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  LAGOM_INLINE static vec load(const std::int8_t* p) noexcept {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
  }
  /// Two vectors of bf16 as they lie: the even elements, then the odd ones.
  LAGOM_INLINE static void load_even_odd(const bf16* p, vec& even, vec& odd) noexcept {
    const __m256i both = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    even = _mm256_castsi256_ps(_mm256_slli_epi32(both, 16));
    odd = _mm256_castsi256_ps(_mm256_and_si256(both, _mm256_set1_epi32(static_cast<int>(0xffff0000u))));
  }
  /// The eight bytes at p, side by side.
  LAGOM_INLINE static vec repeat_eight_bytes(const char* p) noexcept {
    long long bytes;
    __builtin_memcpy(&bytes, p, sizeof bytes);
    return _mm256_castsi256_ps(_mm256_set1_epi64x(bytes));
  }
  LAGOM_INLINE static void store(float* p, vec v) noexcept { _mm256_storeu_ps(p, v); }
  LAGOM_INLINE static vec fma(vec a, vec b, vec c) noexcept { return _mm256_fmadd_ps(a, b, c); }
  LAGOM_INLINE static vec add(vec a, vec b) noexcept { return _mm256_add_ps(a, b); }
  LAGOM_INLINE static vec sub(vec a, vec b) noexcept { return _mm256_sub_ps(a, b); }
  LAGOM_INLINE static vec mul(vec a, vec b) noexcept { return _mm256_mul_ps(a, b); }
  /// The same, rounded: fast-math does not take it apart again.
  LAGOM_INLINE static vec rounded(vec v) noexcept {
    __asm__("" : "+x"(v));
    return v;
  }
  /// The larger; `b` where `a` is NaN.
  LAGOM_INLINE static vec max(vec a, vec b) noexcept { return _mm256_max_ps(a, b); }
  LAGOM_INLINE static vec min(vec a, vec b) noexcept { return _mm256_min_ps(a, b); }
  /// A bit a lane: a > b.
  LAGOM_INLINE static std::uint32_t greater(vec a, vec b) noexcept {
    return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ)));
  }
  /// A bit a lane: a >= b, or one of them is NaN.
  LAGOM_INLINE static std::uint32_t not_less(vec a, vec b) noexcept {
    return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_NLT_UQ)));
  }
  /// A bit a lane: NaN or infinite. Integer tests, which fast-math cannot remove.
  LAGOM_INLINE static std::uint32_t special(vec a) noexcept {
    const __m256i exponent = _mm256_set1_epi32(0x7f800000);
    const __m256i found = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_castps_si256(a), exponent), exponent);
    return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(found)));
  }
  /// A bit a lane: exactly these bits.
  LAGOM_INLINE static std::uint32_t has_bits(vec a, std::uint32_t bits) noexcept {
    const __m256i found =
        _mm256_cmpeq_epi32(_mm256_castps_si256(a), _mm256_set1_epi32(static_cast<int>(bits)));
    return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_castsi256_ps(found)));
  }
  /// `a` where the bit of its lane is set, else `b`.
  LAGOM_INLINE static vec select(std::uint32_t lanes, vec a, vec b) noexcept {
    const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    const __m256i set = _mm256_and_si256(_mm256_set1_epi32(static_cast<int>(lanes)), bit);
    return _mm256_blendv_ps(b, a, _mm256_castsi256_ps(_mm256_cmpeq_epi32(set, bit)));
  }
  /// Which lanes, where only `choose` asks.
  using mask = __m256;
  /// a > b.
  LAGOM_INLINE static mask above(vec a, vec b) noexcept { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }
  LAGOM_INLINE static vec choose(mask lanes, vec a, vec b) noexcept { return _mm256_blendv_ps(b, a, lanes); }
  LAGOM_INLINE static float sum(vec v) noexcept {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
  }
  LAGOM_INLINE static float largest(vec v) noexcept {
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
  }
  /// n = the integer nearest to x log2(e), as a float.
  LAGOM_INLINE static vec exponent_of(vec x) noexcept {
    return _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504f)),
                           _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  /// p 2^n, for n > -127.
  LAGOM_INLINE static vec scaled(vec p, vec n) noexcept {
    const __m256i e = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), e));
  }
  LAGOM_INLINE static vec negated_product_plus(vec a, vec b, vec c) noexcept {
    return _mm256_fnmadd_ps(a, b, c);
  }

  /// Sums of lanes in double.
  struct wide {
    __m256d low = _mm256_setzero_pd(), high = _mm256_setzero_pd();
    LAGOM_INLINE void push(vec v) noexcept {
      low = _mm256_add_pd(low, _mm256_cvtps_pd(_mm256_castps256_ps128(v)));
      high = _mm256_add_pd(high, _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1)));
    }
    [[nodiscard]] LAGOM_INLINE double total() const noexcept {
      const __m256d s = _mm256_add_pd(low, high);
      const __m128d t = _mm_add_pd(_mm256_castpd256_pd128(s), _mm256_extractf128_pd(s, 1));
      return _mm_cvtsd_f64(_mm_add_sd(t, _mm_unpackhi_pd(t, t)));
    }
    LAGOM_INLINE void reset(double x) noexcept {
      low = _mm256_setr_pd(x, 0, 0, 0);
      high = _mm256_setzero_pd();
    }
  };
};
#endif

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
template <target Target>
struct simd<Target, native_isa::avx512> {
  using vec = __m512;
  static constexpr index_t width = 16;
  static constexpr bool scales_any_exponent = true;
  static constexpr __mmask16 all = 0xffff;

  LAGOM_INLINE static vec zero() noexcept { return _mm512_setzero_ps(); }
  LAGOM_INLINE static vec set(float x) noexcept { return _mm512_set1_ps(x); }
  LAGOM_INLINE static vec load(const float* p) noexcept { return _mm512_loadu_ps(p); }
  LAGOM_INLINE static vec load(const bf16* p) noexcept {
    const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return _mm512_castsi512_ps(_mm512_maskz_slli_epi32(all, _mm512_maskz_cvtepu16_epi32(all, half), 16));
  }
  LAGOM_INLINE static vec load(const f16* p) noexcept {
    return _mm512_maskz_cvtph_ps(all, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  LAGOM_INLINE static vec load(const std::int8_t* p) noexcept {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm512_maskz_cvtepi32_ps(all, _mm512_maskz_cvtepi8_epi32(all, bytes));
  }
  LAGOM_INLINE static void load_even_odd(const bf16* p, vec& even, vec& odd) noexcept {
    const __m512i both = _mm512_loadu_si512(p);
    even = _mm512_castsi512_ps(_mm512_maskz_slli_epi32(all, both, 16));
    odd = _mm512_castsi512_ps(_mm512_and_si512(both, _mm512_set1_epi32(static_cast<int>(0xffff0000u))));
  }
  LAGOM_INLINE static vec repeat_eight_bytes(const char* p) noexcept {
    long long bytes;
    __builtin_memcpy(&bytes, p, sizeof bytes);
    return _mm512_castsi512_ps(_mm512_set1_epi64(bytes));
  }
  LAGOM_INLINE static void store(float* p, vec v) noexcept { _mm512_storeu_ps(p, v); }
  LAGOM_INLINE static vec fma(vec a, vec b, vec c) noexcept { return _mm512_fmadd_ps(a, b, c); }
  LAGOM_INLINE static vec add(vec a, vec b) noexcept { return _mm512_add_ps(a, b); }
  LAGOM_INLINE static vec sub(vec a, vec b) noexcept { return _mm512_sub_ps(a, b); }
  LAGOM_INLINE static vec mul(vec a, vec b) noexcept { return _mm512_mul_ps(a, b); }
  LAGOM_INLINE static vec rounded(vec v) noexcept {
    __asm__("" : "+v"(v));
    return v;
  }
  LAGOM_INLINE static vec max(vec a, vec b) noexcept { return _mm512_maskz_max_ps(all, a, b); }
  LAGOM_INLINE static vec min(vec a, vec b) noexcept { return _mm512_maskz_min_ps(all, a, b); }
  LAGOM_INLINE static std::uint32_t greater(vec a, vec b) noexcept {
    return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ);
  }
  LAGOM_INLINE static std::uint32_t not_less(vec a, vec b) noexcept {
    return _mm512_cmp_ps_mask(a, b, _CMP_NLT_UQ);
  }
  LAGOM_INLINE static std::uint32_t special(vec a) noexcept {
    const __m512i exponent = _mm512_set1_epi32(0x7f800000);
    return _mm512_cmpeq_epi32_mask(_mm512_and_si512(_mm512_castps_si512(a), exponent), exponent);
  }
  LAGOM_INLINE static std::uint32_t has_bits(vec a, std::uint32_t bits) noexcept {
    return _mm512_cmpeq_epi32_mask(_mm512_castps_si512(a), _mm512_set1_epi32(static_cast<int>(bits)));
  }
  LAGOM_INLINE static vec select(std::uint32_t lanes, vec a, vec b) noexcept {
    return _mm512_mask_mov_ps(b, static_cast<__mmask16>(lanes), a);
  }
  using mask = __mmask16;
  LAGOM_INLINE static mask above(vec a, vec b) noexcept { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
  LAGOM_INLINE static vec choose(mask lanes, vec a, vec b) noexcept {
    return _mm512_mask_mov_ps(b, lanes, a);
  }
  LAGOM_INLINE static float sum(vec v) noexcept {
    return simd<Target, native_isa::avx2>::sum(_mm256_add_ps(low(v), high(v)));
  }
  LAGOM_INLINE static float largest(vec v) noexcept {
    return simd<Target, native_isa::avx2>::largest(_mm256_max_ps(low(v), high(v)));
  }
// Without optimisation this intrinsic is a macro, in which g++ sees a mask become a signed number.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
  LAGOM_INLINE static vec exponent_of(vec x) noexcept {
    return _mm512_maskz_roundscale_ps(all, _mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)),
                                      _MM_FROUND_TO_NEAREST_INT);
  }
#pragma GCC diagnostic pop
  /// p 2^n, for every n: 0 below the smallest number.
  LAGOM_INLINE static vec scaled(vec p, vec n) noexcept { return _mm512_maskz_scalef_ps(all, p, n); }
  LAGOM_INLINE static vec negated_product_plus(vec a, vec b, vec c) noexcept {
    return _mm512_fnmadd_ps(a, b, c);
  }

  struct wide {
    __m512d first = _mm512_setzero_pd(), second = _mm512_setzero_pd();
    LAGOM_INLINE void push(vec v) noexcept {
      first = _mm512_add_pd(first, _mm512_maskz_cvtps_pd(0xff, low(v)));
      second = _mm512_add_pd(second, _mm512_maskz_cvtps_pd(0xff, high(v)));
    }
    [[nodiscard]] LAGOM_INLINE double total() const noexcept {
      const __m512d s = _mm512_add_pd(first, second);
      const __m256d t =
          _mm256_add_pd(_mm512_maskz_extractf64x4_pd(0xf, s, 0), _mm512_maskz_extractf64x4_pd(0xf, s, 1));
      const __m128d u = _mm_add_pd(_mm256_castpd256_pd128(t), _mm256_extractf128_pd(t, 1));
      return _mm_cvtsd_f64(_mm_add_sd(u, _mm_unpackhi_pd(u, u)));
    }
    LAGOM_INLINE void reset(double x) noexcept {
      first = _mm512_setr_pd(x, 0, 0, 0, 0, 0, 0, 0);
      second = _mm512_setzero_pd();
    }
  };

 private:
  LAGOM_INLINE static __m256 low(vec v) noexcept { return _mm512_maskz_extractf32x8_ps(0xff, v, 0); }
  LAGOM_INLINE static __m256 high(vec v) noexcept { return _mm512_maskz_extractf32x8_ps(0xff, v, 1); }
};
#endif

/// e^x of a difference of two logits, x <= 87. With AVX2 x must be above -87; with AVX-512 any finite x will do that
/// is above -2e38.
///
/// Relative error at most 1.2e-7. x = n ln 2 + r, and a minimax polynomial of degree 5 for e^r.
template <class S>
LAGOM_INLINE typename S::vec native_exp(typename S::vec x) noexcept {
  const auto n = S::exponent_of(x);
  const auto r = S::negated_product_plus(n, S::set(0.693147182f), x);
  auto p = S::set(0.00829027214f);
  p = S::fma(p, r, S::set(0.0418981598f));
  p = S::fma(p, r, S::set(0.166676381f));
  p = S::fma(p, r, S::set(0.499991478f));
  p = S::fma(p, r, S::set(0.999999706f));
  p = S::fma(p, r, S::set(1.0f));
  return S::scaled(p, n);
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
