// SPDX-License-Identifier: MIT
/// @file signal/jensen_shannon.hpp
/// How far this layer's distribution is from the last probed layer's.
#pragma once

#include "../kernel/unembed_divergence.hpp"
#include "exit_signal.hpp"

namespace lagom {
inline namespace v0 {

namespace detail {

/// What the last probed layer and this one say through `to`. Not valid without a last one.
template <backend B, scalar T, head_view Head>
LAGOM_LEAF divergence_stats<accumulator_t<T>> divergence_from_last(const basic_layer_obs<T>& o, const B& b,
                                                                   const Head& to) noexcept {
  if (!o.stats.valid() || !o.last_stats.valid() || o.last_hidden.empty()) return {};
  return unembed_divergence(b, o.last_hidden, o.hidden, to, o.last_stats, o.stats);
}

/// A large number is one that a float holds.
template <std::floating_point T>
LAGOM_LEAF float as_feature(T x) noexcept {
  constexpr T most = T(3.0e38);
  return static_cast<float>(x < most ? x : most);
}

}  // namespace detail

/// The Jensen-Shannon divergence, in nats, of the distributions of the last probed layer and of this one: small when the
/// layers have stopped changing their mind, not only their answer. F-PABEE's criterion, and what DoLa chooses layers by.
///
/// Source: Lin 1991; Zhang et al. 2023 (F-PABEE), arXiv 2305.11916; Chuang et al. 2023 (DoLa), arXiv 2309.03883.
/// ```cpp
/// lagom::exit_policy policy{lagom::features{lagom::jensen_shannon{head}}, lagom::fpabee(2, 0.01f)};
/// run.observe({.layer = l, .hidden = {x, dim}, .last_hidden = {at_last_probe, dim}}, head);
/// ```
/// In [0, ln 2]. ln 2 at the first probed layer, where either statistic is not valid, and without a `last_hidden`: nothing
/// to be close to. Sees `to`, which is the head that the policy probes with. Cost: a pass over the head for two states,
/// beyond the statistics of this layer (a mixture needs both normalisers first).
template <head_view Head>
struct jensen_shannon {
  static constexpr std::string_view name = "jensen_shannon";
  static constexpr std::size_t width = 1;
  static constexpr need needs = need::stats | need::last_stats | need::hidden | need::last_hidden;
  static constexpr int head_passes = 1;

  Head to{};

  template <backend B, scalar T>
  LAGOM_LEAF void operator()(const basic_layer_obs<T>& o, const B& b, float* out) const noexcept {
    out[0] = static_cast<float>(detail::divergence_from_last(o, b, to).jensen_shannon());
  }
};

template <head_view Head>
jensen_shannon(Head) -> jensen_shannon<Head>;

/// The score of F-PABEE's released program: (CE(p, m) + CE(q, m)) / 2 with m = (p + q) / 2, which is the Jensen-Shannon
/// divergence plus the mean entropy of the two layers, and thus high wherever the model is unsure, however still it stands.
/// For reproducing its results; `jensen_shannon` is what the paper describes.
///
/// At least the Jensen-Shannon divergence. 3e38 where there is nothing to compare with. Otherwise as `jensen_shannon`.
template <head_view Head>
struct fpabee_released {
  static constexpr std::string_view name = "fpabee_released";
  static constexpr std::size_t width = 1;
  static constexpr need needs = jensen_shannon<Head>::needs;
  static constexpr int head_passes = 1;

  Head to{};

  template <backend B, scalar T>
  LAGOM_LEAF void operator()(const basic_layer_obs<T>& o, const B& b, float* out) const noexcept {
    out[0] = detail::as_feature(detail::divergence_from_last(o, b, to).mixture_cross_entropy());
  }
};

template <head_view Head>
fpabee_released(Head) -> fpabee_released<Head>;

}  // namespace v0
}  // namespace lagom
