// SPDX-License-Identifier: MIT
/// @file adapt/native.hpp
/// The SIMD backend of the compile target.
#pragma once

#include "../kernel/cosine.hpp"
#include "../kernel/divergence_of.hpp"
#include "../kernel/softmax_stats_of.hpp"
#include "native_batch.hpp"
#include "native_divergence.hpp"
#include "native_prepared.hpp"

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

/// The sums of a cosine; without |x|^2 where it is known.
template <target Target, bool NormOfX, class X, class Y>
LAGOM_INLINE cosine_stats<float> native_cosine(const X* x, const Y* y, index_t n) noexcept {
  using S = simd<Target>;
  constexpr index_t chains = 4;
  typename S::vec xy[4], xx[4], yy[4];
#pragma GCC unroll 8
  for (index_t k = 0; k < chains; ++k) xy[k] = xx[k] = yy[k] = S::zero();
  const auto add = [&](index_t i, index_t k) {
    const auto a = S::load(x + i), b = S::load(y + i);
    xy[k] = S::fma(a, b, xy[k]);
    if constexpr (NormOfX) xx[k] = S::fma(a, a, xx[k]);
    yy[k] = S::fma(b, b, yy[k]);
  };
  index_t i = 0;
  for (; i + chains * S::width <= n; i += chains * S::width) {
#pragma GCC unroll 8
    for (index_t k = 0; k < chains; ++k) add(i + k * S::width, k);
  }
  for (; i + S::width <= n; i += S::width) add(i, 0);
  const auto total = [](const typename S::vec(&v)[4]) {
    return S::sum(S::add(S::add(v[0], v[1]), S::add(v[2], v[3])));
  };
  cosine_stats<float> sums{total(xy), total(xx), total(yy)};
  for (; i < n; ++i) {
    const auto a = static_cast<float>(x[i]), b = static_cast<float>(y[i]);
    sums.merge({a * b, NormOfX ? a * a : 0.0f, b * b});
  }
  return sums;
}

template <target Target, bool Entropy, class Z>
softmax_stats<float> native_softmax(const Z* z, index_t n, token_id first_token) noexcept {
  native_accumulator<Target, Entropy, Z> stats;
  stats.push(z, n, first_token);
  return stats.finish();
}

}  // namespace detail

/// Bodies in vector instructions of the compile target: AVX2 with FMA and F16C; AVX-512 (F, BW, VL, DQ), with VNNI and
/// BF16 where it has them; AVX-VNNI. It overrides `dot`, `squared_norm`, `cosine`, `dot_int8`, `softmax_stats_of`,
/// `divergence_of`, `unembed`, `unembed_divergence` and `unembed_batch` for float, bf16, f16 and int8, and `prepared_products`;
/// everything else, and every element on other targets, runs the portable body.
/// ```cpp
/// auto stats = lagom::unembed(lagom::native{}, hidden, head);
/// ```
/// Masks, NaN, ties and rounding guarantees are those of the kernels. Sums run in another order than `portable`'s (and
/// than a strided view's), so results agree to rounding, and products of int8 exactly; the same bits for any number
/// of threads. The state must be at most 8192 wide and rows contiguous to be read at full speed; others are read by
/// portable tiles over the native `dot`.
///
/// A batch of bf16 states before a bf16 head is multiplied in bf16 where the target has that (AVX512_BF16): the normed
/// state is rounded to bf16, as models in bf16 have it, and sums are float. Float states keep their digits.
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
    return detail::native_cosine<Target, true>(x.data(), y.data(), x.size());
  }

  template <detail::native_element X, detail::native_element Y>
  [[nodiscard]] cosine_stats<float> cosine(vec_view<const X> x, vec_view<const Y> y, float xx) const noexcept
    requires(vectorised)
  {
    if (!x.contiguous() || !y.contiguous()) return detail::cosine_fn{}(basic_portable<Target>{}, x, y, xx);
    cosine_stats<float> sums = detail::native_cosine<Target, false>(x.data(), y.data(), x.size());
    sums.xx = xx;
    return sums;
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
    return detail::native_softmax<Target, true>(z.data(), z.size(), first_token);
  }

  template <detail::native_element Z>
  [[nodiscard]] softmax_stats<float> softmax_stats_of(vec_view<const Z> z, token_id first_token,
                                                      without_entropy) const noexcept
    requires(vectorised)
  {
    if (!z.contiguous()) return detail::softmax_stats_portable<basic_portable<Target>, false>(z, first_token);
    return detail::native_softmax<Target, false>(z.data(), z.size(), first_token);
  }

  template <detail::native_element H, head_view Head, executor Run>
  [[nodiscard]] softmax_stats<float> unembed(vec_view<const H> hidden, const Head& to, Run&& run) const
    requires(vectorised && detail::is_native_head<Head>)
  {
    return detail::native_unembed<Target>(*this, hidden, to, run);
  }

  template <detail::native_element P, detail::native_element Q>
  [[nodiscard]] divergence_stats<float> divergence_of(vec_view<const P> p, vec_view<const Q> q,
                                                      const softmax_stats<float>& p_stats,
                                                      const softmax_stats<float>& q_stats) const noexcept
    requires(vectorised)
  {
    if (!p.contiguous() || !q.contiguous())
      return detail::divergence_portable<basic_portable<Target>>(p, q, p_stats, q_stats);
    return detail::native_divergence<Target, basic_portable<Target>>(p.data(), q.data(), p.size(), p_stats,
                                                                     q_stats);
  }

  template <detail::native_element H, head_view Head, executor Run>
  [[nodiscard]] divergence_stats<float> unembed_divergence(vec_view<const H> p_hidden,
                                                           vec_view<const H> q_hidden, const Head& to,
                                                           const softmax_stats<float>& p_stats,
                                                           const softmax_stats<float>& q_stats,
                                                           Run&& run) const
    requires(vectorised && detail::is_native_head<Head>)
  {
    return detail::native_unembed_divergence<Target>(*this, p_hidden, q_hidden, to, p_stats, q_stats, run);
  }

  template <detail::native_element H, detail::native_element W, final_norm Norm, executor Run>
  void unembed_batch(mat_view<const H> hiddens, const head<W, Norm>& to, batch_space<float> space,
                     vec_view<softmax_stats<float>> out, Run&& run) const
    requires(vectorised)
  {
    detail::native_unembed_batch<Target>(*this, hiddens, to, space, out, run);
  }

  void prepared_products(const prepared_rows& rows, split_state x, index_t first, index_t n,
                         std::int32_t* high, std::int32_t* low) const noexcept
    requires(vectorised)
  {
    detail::native_prepared_products<Target>(rows, x, first, n, high, low);
  }

  /// Asks for the memory of a row that is multiplied after the next one.
  template <detail::native_element W>
  void will_read(vec_view<const W> row) const noexcept
    requires(vectorised)
  {
    if (!row.contiguous()) return;
    const auto* const p = reinterpret_cast<const char*>(row.data());
    const auto bytes = row.size() * static_cast<index_t>(sizeof(W));
    for (index_t i = 0; i < bytes; i += 64) detail::native_fetch<0>(p + i);
  }

  /// Products of n elements are summed in two vectors or more, and what is left of a row one by one: for the bounds of
  /// `certified_probe`.
  [[nodiscard]] index_t summation_depth(index_t n) const noexcept
    requires(vectorised)
  {
    constexpr index_t lanes = 2 * detail::simd<Target>::width;
    return n / lanes + lanes + 24;
  }
};

/// The SIMD backend of this translation unit.
using native = basic_native<this_target>;

}  // namespace v0
}  // namespace lagom
