// SPDX-License-Identifier: MIT
/// @file kernel/norm.hpp
/// The final norms of decoders, as values that `unembed` applies element by element.
#pragma once

#include <concepts>

#include "squared_norm.hpp"

namespace lagom {
inline namespace v0 {

/// No final norm: the hidden state goes to the head as it is.
struct no_norm {
  struct scale {};
  template <backend B, scalar H>
  LAGOM_HD static scale prepare(const B&, vec_view<const H>) noexcept {
    return {};
  }
  template <std::floating_point Acc>
  LAGOM_LEAF static Acc apply(scale, Acc x, index_t) noexcept {
    return x;
  }
};

/// RMSNorm (Zhang & Sennrich 2019): x_j / sqrt(mean(x^2) + epsilon) * weight_j.
/// `unit_offset` is Gemma's form, which stores weight - 1.
template <scalar G = float>
struct rms_norm {
  vec_view<const G> weight{};
  double epsilon = 1e-5;
  bool unit_offset = false;

  template <backend B, scalar H>
  LAGOM_HD auto prepare(const B& b, vec_view<const H> x) const noexcept {
    using Acc = accumulator_t<H>;
    LAGOM_ASSERT(weight.size() == x.size());
    const Acc mean = squared_norm(b, x) / static_cast<Acc>(x.size());
    return 1 / detail::sqrt(mean + static_cast<Acc>(epsilon));
  }
  template <std::floating_point Acc>
  LAGOM_LEAF Acc apply(Acc inverse_rms, Acc x, index_t j) const noexcept {
    const auto g = static_cast<Acc>(weight[j]);
    return x * inverse_rms * (unit_offset ? 1 + g : g);
  }
};

/// LayerNorm: (x_j - mean) / sqrt(var + epsilon) * weight_j + bias_j, population variance. An empty `bias` is 0.
template <scalar G = float>
struct layer_norm {
  vec_view<const G> weight{};
  vec_view<const G> bias{};
  double epsilon = 1e-5;

  template <std::floating_point Acc>
  struct scale {
    Acc mean, inverse_deviation;
  };
  template <backend B, scalar H>
  LAGOM_HD auto prepare(const B&, vec_view<const H> x) const noexcept {
    using Acc = accumulator_t<H>;
    LAGOM_ASSERT(weight.size() == x.size());
    double mean = 0;
    for (index_t j = 0; j < x.size(); ++j) mean += static_cast<double>(x[j]);
    mean /= static_cast<double>(x.size());
    double variance = 0;
    for (index_t j = 0; j < x.size(); ++j) {
      const double d = static_cast<double>(x[j]) - mean;
      variance += d * d;
    }
    variance /= static_cast<double>(x.size());
    return scale<Acc>{static_cast<Acc>(mean), static_cast<Acc>(1 / detail::sqrt(variance + epsilon))};
  }
  template <std::floating_point Acc>
  LAGOM_LEAF Acc apply(scale<Acc> s, Acc x, index_t j) const noexcept {
    const Acc scaled = (x - s.mean) * s.inverse_deviation * static_cast<Acc>(weight[j]);
    return bias.empty() ? scaled : scaled + static_cast<Acc>(bias[j]);
  }
};

template <class V>
rms_norm(const V&) -> rms_norm<typename decltype(as_vec(std::declval<V>()))::value_type>;
template <class V>
rms_norm(const V&, double) -> rms_norm<typename decltype(as_vec(std::declval<V>()))::value_type>;
template <class V>
rms_norm(const V&, double, bool) -> rms_norm<typename decltype(as_vec(std::declval<V>()))::value_type>;
template <class V>
layer_norm(const V&) -> layer_norm<typename decltype(as_vec(std::declval<V>()))::value_type>;
template <class V, class W>
layer_norm(const V&, const W&) -> layer_norm<typename decltype(as_vec(std::declval<V>()))::value_type>;
template <class V, class W>
layer_norm(const V&, const W&, double)
    -> layer_norm<typename decltype(as_vec(std::declval<V>()))::value_type>;

/// A final norm: `prepare` reads the state once, `apply` gives element j of the normed state.
template <class N>
concept final_norm = std::copyable<N> && requires(const N n, vec_view<const float> x) {
  n.prepare(basic_portable<target::baseline>{}, x);
  { n.apply(n.prepare(basic_portable<target::baseline>{}, x), 1.0f, index_t{0}) } -> std::same_as<float>;
};

}  // namespace v0
}  // namespace lagom
