// SPDX-License-Identifier: MIT
/// @file adapt/native.hpp
/// The SIMD backend of the compile target.
#pragma once

#include "../kernel/cosine.hpp"
#include "../kernel/softmax_stats_of.hpp"
#include "native_prepared.hpp"
#include "native_unembed.hpp"

namespace lagom {
inline namespace v0 {

namespace detail {

/// Element types that the native bodies load.
template <class T>
concept native_element = std::same_as<T, float> || std::same_as<T, bf16> || std::same_as<T, f16>;

template <class Head>
inline constexpr bool is_native_head = false;
template <native_element W, class Norm>
inline constexpr bool is_native_head<head<W, Norm>> = true;
template <class Norm, class Hidden>
inline constexpr bool is_native_head<int8_head<Norm, Hidden>> = true;

template <target Target, class X, class Y>
LAGOM_INLINE cosine_stats<float> native_cosine(const X* x, const Y* y, index_t n) noexcept {
  using S = simd<Target>;
  typename S::vec xy[2] = {S::zero(), S::zero()}, xx[2] = {S::zero(), S::zero()},
                  yy[2] = {S::zero(), S::zero()};
  index_t i = 0;
  for (; i + 2 * S::width <= n; i += 2 * S::width) {
    for (index_t k = 0; k < 2; ++k) {
      const auto a = S::load(x + i + k * S::width), b = S::load(y + i + k * S::width);
      xy[k] = S::fma(a, b, xy[k]);
      xx[k] = S::fma(a, a, xx[k]);
      yy[k] = S::fma(b, b, yy[k]);
    }
  }
  cosine_stats<float> sums{S::sum(S::add(xy[0], xy[1])), S::sum(S::add(xx[0], xx[1])),
                           S::sum(S::add(yy[0], yy[1]))};
  for (; i < n; ++i) {
    const auto a = static_cast<float>(x[i]), b = static_cast<float>(y[i]);
    sums.merge({a * b, a * a, b * b});
  }
  return sums;
}

}  // namespace detail

/// Bodies in vector instructions of the compile target: AVX2 with FMA and F16C, AVX-512 (F, BW, VL, DQ), VNNI where the
/// target has it. It overrides `dot`, `squared_norm`, `cosine`, `dot_int8`, `softmax_stats_of` and `unembed` for
/// float, bf16, f16 and int8, and `prepared_products`; everything else, and every element on other targets, runs the portable body.
/// ```cpp
/// auto stats = lagom::unembed(lagom::native{}, hidden, head);
/// ```
/// Masks, NaN, ties and rounding guarantees are those of the kernels. Sums run in another order than `portable`'s (and
/// than a strided view's), so results agree to rounding, and products of int8 exactly; the same bits for any number
/// of threads. The state must be at most 8192 wide and rows contiguous to be read at full speed; others are read by
/// portable tiles over the native `dot`.
template <target Target>
struct basic_native : basic_portable<Target> {
  /// Has this target vector bodies?
  static constexpr bool vectorised = detail::native_isa_of(Target) != detail::native_isa::none;

  template <detail::native_element X, detail::native_element Y>
  [[nodiscard]] float dot(vec_view<const X> x, vec_view<const Y> y) const noexcept
    requires(vectorised)
  {
    if (!x.contiguous() || !y.contiguous()) return detail::dot_fn{}(basic_portable<Target>{}, x, y);
    return detail::native_dot<Target>(x.data(), y.data(), x.size());
  }

  template <detail::native_element X>
  [[nodiscard]] float squared_norm(vec_view<const X> x) const noexcept
    requires(vectorised)
  {
    return dot(x, x);
  }

  template <detail::native_element X, detail::native_element Y>
  [[nodiscard]] cosine_stats<float> cosine(vec_view<const X> x, vec_view<const Y> y) const noexcept
    requires(vectorised)
  {
    if (!x.contiguous() || !y.contiguous()) return detail::cosine_fn{}(basic_portable<Target>{}, x, y);
    return detail::native_cosine<Target>(x.data(), y.data(), x.size());
  }

  [[nodiscard]] std::int32_t dot_int8(vec_view<const std::int8_t> x,
                                      vec_view<const std::int8_t> y) const noexcept
    requires(vectorised)
  {
    if (!x.contiguous() || !y.contiguous()) return detail::dot_int8_portable<basic_portable<Target>>(x, y);
    return detail::int8_product<Target>(x.data(), y.data(), x.size(),
                                        detail::int8_bias<Target>(y.data(), y.size()));
  }

  template <detail::native_element Z>
  [[nodiscard]] softmax_stats<float> softmax_stats_of(vec_view<const Z> z,
                                                      token_id first_token) const noexcept
    requires(vectorised)
  {
    if (!z.contiguous()) return detail::softmax_stats_portable<basic_portable<Target>>(z, first_token);
    detail::native_accumulator<Target, true, Z> stats;
    stats.push(z.data(), z.size(), first_token);
    return stats.finish();
  }

  template <detail::native_element H, head_view Head, executor Run>
  [[nodiscard]] softmax_stats<float> unembed(vec_view<const H> hidden, const Head& to, Run&& run) const
    requires(vectorised && detail::is_native_head<Head>)
  {
    return detail::native_unembed<Target>(*this, hidden, to, run);
  }

  void prepared_products(const prepared_rows& rows, split_state x, index_t first, index_t n,
                         std::int32_t* high, std::int32_t* low) const noexcept
    requires(vectorised)
  {
    detail::native_prepared_products<Target>(rows, x, first, n, high, low);
  }

  /// Products of n elements are summed in eight lanes or more: for the bounds of `certified_probe`.
  [[nodiscard]] index_t summation_depth(index_t n) const noexcept
    requires(vectorised)
  {
    return n / 8 + 24;
  }
};

/// The SIMD backend of this translation unit.
using native = basic_native<this_target>;

}  // namespace v0
}  // namespace lagom
