// SPDX-License-Identifier: MIT
/// @file config.hpp
/// Every macro of the library; no other header defines one that it leaves behind.
///
/// | macro                       | meaning                                                                    |
/// |-----------------------------|----------------------------------------------------------------------------|
/// | `LAGOM_HD`                  | marks what a device kernel may call; empty without a device compiler       |
/// | `LAGOM_INLINE`              | forced inlining: leaf functions leave no body for the linker to merge      |
/// | `LAGOM_LEAF`                | `LAGOM_HD LAGOM_INLINE`: a leaf that a device kernel may call              |
/// | `LAGOM_HD_UNCHECKED`        | before a template that is a host or a device function as its argument is   |
/// | `LAGOM_OBJECT`              | a function object of namespace scope, on host and device                   |
/// | `LAGOM_RESTRICT`            | the pointer does not alias the others of the loop                          |
/// | `LAGOM_UNROLL`              | before a loop that a device compiler unrolls: its arrays stay in registers |
/// | `LAGOM_ASSERT(c)`           | precondition check; define it before the first include to take it over     |
/// | `LAGOM_HAS_CUSTOM_ASSERT()` | 1 when the program defined its own `LAGOM_ASSERT`                          |
/// | `LAGOM_HAS_CUDA()`          | 1 when a CUDA or HIP compiler reads the header                             |
/// | `LAGOM_HAS_FMA()`           | 1 when fused multiply-add is one instruction of the compile target         |
///
/// The feature tests are function-like, so that a misspelt name is an error and not a silent 0.
#pragma once

#if defined(__CUDACC__) || defined(__HIPCC__)
#define LAGOM_HAS_CUDA() 1
#define LAGOM_HD __host__ __device__
#define LAGOM_HD_UNCHECKED _Pragma("nv_exec_check_disable")
#else
#define LAGOM_HAS_CUDA() 0
#define LAGOM_HD
#define LAGOM_HD_UNCHECKED
#endif

#if defined(__CUDA_ARCH__)
#define LAGOM_OBJECT __device__ static constexpr
#define LAGOM_UNROLL _Pragma("unroll")
#else
#define LAGOM_OBJECT inline constexpr
#define LAGOM_UNROLL
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#define LAGOM_INLINE __forceinline
#define LAGOM_RESTRICT __restrict
#else
#define LAGOM_INLINE inline __attribute__((always_inline))
#define LAGOM_RESTRICT __restrict__
#endif

#define LAGOM_LEAF LAGOM_HD LAGOM_INLINE

#if defined(__FP_FAST_FMAF) && defined(__FP_FAST_FMA)
#define LAGOM_HAS_FMA() 1
#else
#define LAGOM_HAS_FMA() 0
#endif

#ifdef LAGOM_ASSERT
#define LAGOM_HAS_CUSTOM_ASSERT() 1
#else
#include <cassert>
#define LAGOM_ASSERT(condition) assert(condition)
#define LAGOM_HAS_CUSTOM_ASSERT() 0
#endif
