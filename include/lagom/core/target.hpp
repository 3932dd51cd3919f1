// SPDX-License-Identifier: MIT
/// @file core/target.hpp
/// The compile target as a value, so that a type can carry it.
#pragma once

#include <cstdint>

#include "../config.hpp"

namespace lagom {
inline namespace v0 {

/// What the compiler was told to compile for, as a bit set: instruction set, fast-math, assertions.
///
/// Two translation units built with different flags must not share a function body: the linker keeps one of
/// them, and the program dies on the older machine. Every kernel and policy template takes a backend whose
/// *type* carries this value (`basic_portable<target>`), so their instantiations have different names.
enum class target : std::uint32_t {
  baseline = 0,
  sse4 = 1u << 0,
  avx = 1u << 1,
  avx2 = 1u << 2,
  fma = 1u << 3,
  f16c = 1u << 4,
  avx512 = 1u << 5,
  avx512_vnni = 1u << 6,
  avx512_bf16 = 1u << 7,
  avx512_fp16 = 1u << 8,
  amx = 1u << 9,
  neon = 1u << 10,
  dotprod = 1u << 11,
  sve = 1u << 12,
  ssse3 = 1u << 13,
  sse42 = 1u << 14,
  popcnt = 1u << 15,
  bmi = 1u << 16,
  bmi2 = 1u << 17,
  lzcnt = 1u << 18,
  avx512f = 1u << 19,  // without all of BW, VL and DQ
  avx_vnni = 1u << 20,
  avx10 = 1u << 21,
  apx = 1u << 22,
  finite_math = 1u << 28,
  fast_math = 1u << 29,
  asserts = 1u << 30,
  custom_assert = 1u << 31,
};

LAGOM_HD constexpr target operator|(target a, target b) noexcept {
  return static_cast<target>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}

/// Does the set `all` hold every bit of `some`?
LAGOM_HD constexpr bool contains(target all, target some) noexcept {
  return (static_cast<std::uint32_t>(all) & static_cast<std::uint32_t>(some)) ==
         static_cast<std::uint32_t>(some);
}

/// The target of this translation unit. Internal linkage on purpose: every unit has its own.
static constexpr target this_target = target::baseline
#ifdef __SSE4_1__
                                      | target::sse4
#endif
#ifdef __SSSE3__
                                      | target::ssse3
#endif
#ifdef __SSE4_2__
                                      | target::sse42
#endif
#ifdef __POPCNT__
                                      | target::popcnt
#endif
#ifdef __BMI__
                                      | target::bmi
#endif
#ifdef __BMI2__
                                      | target::bmi2
#endif
#ifdef __LZCNT__
                                      | target::lzcnt
#endif
#ifdef __AVX__
                                      | target::avx
#endif
#ifdef __AVX2__
                                      | target::avx2
#endif
#if LAGOM_HAS_FMA()
                                      | target::fma
#endif
#ifdef __F16C__
                                      | target::f16c
#endif
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
                                      | target::avx512
#elif defined(__AVX512F__)
                                      | target::avx512f
#endif
#ifdef __AVXVNNI__
                                      | target::avx_vnni
#endif
#ifdef __AVX10_1__
                                      | target::avx10
#endif
#ifdef __APX_F__
                                      | target::apx
#endif
#ifdef __AVX512VNNI__
                                      | target::avx512_vnni
#endif
#ifdef __AVX512BF16__
                                      | target::avx512_bf16
#endif
#ifdef __AVX512FP16__
                                      | target::avx512_fp16
#endif
#ifdef __AMX_TILE__
                                      | target::amx
#endif
#ifdef __ARM_NEON
                                      | target::neon
#endif
#ifdef __ARM_FEATURE_DOTPROD
                                      | target::dotprod
#endif
#ifdef __ARM_FEATURE_SVE
                                      | target::sve
#endif
#if defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__
                                      | target::finite_math
#endif
#ifdef __FAST_MATH__
                                      | target::fast_math
#endif
#if LAGOM_HAS_CUSTOM_ASSERT()
                                      | target::custom_assert
#elif !defined(NDEBUG)
                                      | target::asserts
#endif
    ;

}  // namespace v0
}  // namespace lagom
