// SPDX-License-Identifier: MIT
/// @file adapt/native_panels.hpp
/// The states of a batch as their products read them: eight states side by side, eight bytes of each in turn.
#pragma once

#include "../kernel/unembed_batch.hpp"
#include "native_simd.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// A panel holds eight states. Step i of it is elements e i ... e i + e - 1 of state 0, then of state 1, and so on, where
/// e elements are eight bytes: what a row of weights has at the same place is loaded once for all lanes. Absent states
/// and the elements that fill the last step are zeros.
inline constexpr index_t panel_states = batch_space<float>::panel;
inline constexpr index_t panel_step = 2 * panel_states;  // floats of memory a step takes

/// States in float, whose products are multiply-adds.
template <target Target>
struct float_panels {
  using S = simd<Target>;
  using element = float;
  static constexpr index_t elements = 2;

  LAGOM_INLINE static typename S::vec multiply_add(typename S::vec x, typename S::vec w,
                                                   typename S::vec sum) noexcept {
    return S::fma(x, w, sum);
  }
};

/// States in bf16: pairs of products in one instruction.
template <target Target>
struct bf16_panels {
  static constexpr bool there = false;
};
#if defined(__AVX512BF16__) && defined(__AVX512BW__)
template <target Target>
  requires(contains(Target, target::avx512_bf16 | target::avx512))
struct bf16_panels<Target> {
  using S = simd<Target>;
  using element = bf16;
  static constexpr bool there = true;
  static constexpr index_t elements = 4;

  LAGOM_INLINE static __m512 multiply_add(__m512 x, __m512 w, __m512 sum) noexcept {
    return _mm512_dpbf16_ps(sum, (__m512bh)_mm512_castps_si512(x), (__m512bh)_mm512_castps_si512(w));
  }
};
#endif

/// Norms the states and lays them into panels, `pitch` floats each per state.
template <class Panels, backend B, scalar H, final_norm Norm>
void pack_panels(const B& b, mat_view<const H> hidden, const Norm& norm, vec_view<float> to) noexcept {
  using element = typename Panels::element;
  constexpr index_t each = Panels::elements;
  const index_t width = hidden.cols(), pitch = batch_space<float>::pitch(width);
  const index_t steps = (width + each - 1) / each;
  for (index_t first = 0; first < hidden.rows(); first += panel_states) {
    float* const panel = to.data() + first * pitch;
    __builtin_memset(panel, 0, static_cast<std::size_t>(steps * panel_step) * sizeof(float));
    for (index_t s = 0; s < panel_states && first + s < hidden.rows(); ++s) {
      const auto x = hidden.row(first + s);
      const auto scale = norm.prepare(b, x);
      char* const lane = reinterpret_cast<char*>(panel + 2 * s);
      for (index_t j = 0; j < width; ++j) {
        const element value(norm.apply(scale, static_cast<float>(x[j]), j));
        char* const step = lane + j / each * panel_step * static_cast<index_t>(sizeof(float));
        __builtin_memcpy(step + j % each * static_cast<index_t>(sizeof(element)), &value, sizeof value);
      }
    }
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
