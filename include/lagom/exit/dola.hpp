// SPDX-License-Identifier: MIT
/// @file exit/dola.hpp
/// Decoding by contrasting layers: the last layer against the one that differs most from it.
#pragma once

#include "../core/layer.hpp"
#include "../kernel/divergence_of.hpp"

namespace lagom {
inline namespace v0 {

/// DoLa's choice (Chuang et al. 2023, arXiv 2309.03883, section 2.2): the candidate layer with the largest Jensen-Shannon
/// divergence from the last one; the lowest of equals.
///
/// ```cpp
/// lagom::premature_layer premature;
/// for (int l : candidates)
///   premature.push(l, lagom::unembed_divergence(backend, state[l], last_state, head, stats[l], last_stats));
/// lagom::dola_contrast(backend, last_logits, logits_of(premature.layer), out);
/// ```
/// A candidate without a distribution is never chosen. A value: candidates that were looked at apart are merged.
struct premature_layer {
  layer_index layer{-1};  ///< -1: no candidate had a distribution
  double divergence = 0;

  /// Looks at a candidate.
  template <std::floating_point T>
  LAGOM_LEAF void push(layer_index candidate, const divergence_stats<T>& from_last) noexcept {
    if (from_last.valid()) consider(candidate, static_cast<double>(from_last.jensen_shannon()));
  }
  LAGOM_LEAF constexpr void merge(const premature_layer& o) noexcept {
    if (o.layer.value >= 0) consider(o.layer, o.divergence);
  }

 private:
  LAGOM_LEAF constexpr void consider(layer_index candidate, double d) noexcept {
    const bool more = layer.value < 0 || d > divergence || (!(divergence > d) && candidate < layer);
    if (!more) return;
    layer = candidate;
    divergence = d;
  }
};

/// The choice of DoLa's released program, for reproducing its results: both halves of the divergence are turned round,
/// (KL(m || p) + KL(m || q)) / 2, and averaged over the vocabulary. It often chooses another layer than `premature_layer`.
struct premature_layer_released {
  layer_index layer{-1};
  double divergence = 0;

  /// A candidate whose divergence is infinite is larger than all finite ones. `vocab`: tokens of the head.
  template <std::floating_point T>
  LAGOM_LEAF void push(layer_index candidate, const divergence_stats<T>& from_last, index_t vocab) noexcept {
    if (!from_last.valid()) return;
    const double d = static_cast<double>(from_last.outward_divergence()) / static_cast<double>(vocab);
    if (layer.value >= 0 && !(d > divergence) && !(candidate < layer && !(divergence > d))) return;
    layer = candidate;
    divergence = d;
  }
};

/// What DoLa leaves of the vocabulary, and where it puts the rest.
struct dola_config {
  double relative_top = 0.1;  ///< alpha: tokens with p >= alpha max p stay, in (0, 1]
  float removed = -1000;      ///< the value of the others
};

namespace detail {
struct dola_contrast_fn {
  LAGOM_HD_UNCHECKED
  template <backend B, tensor<1> Last, tensor<1> Premature>
  LAGOM_HD auto operator()(const B& b, const Last& last_logits, const Premature& premature_logits, vec_view<float> out,
                  const dola_config& config = {}) const noexcept {
    const auto p = as_vec(last_logits);
    const auto q = as_vec(premature_logits);
    LAGOM_ASSERT(p.size() == q.size() && p.size() == out.size());
    LAGOM_ASSERT(0 < config.relative_top && config.relative_top <= 1);
    const auto ps = softmax_stats_of(b, p, 0, without_entropy{}),
               qs = softmax_stats_of(b, q, 0, without_entropy{});
    softmax_stats<float> kept;
    if (!ps.valid() || !qs.valid()) {
      for (index_t i = 0; i < out.size(); ++i) out[i] = config.removed;
      kept.bad = ps.bad || qs.bad;
      return kept;
    }
    using Acc = std::remove_cvref_t<decltype(ps.max)>;
    const Acc lowest = ps.max + detail::log(static_cast<Acc>(config.relative_top));
    const double shift = (static_cast<double>(ps.max) - static_cast<double>(qs.max)) +
                         static_cast<double>(ps.log_sum() - qs.log_sum());
    constexpr double most = 3e38;  // two logits may lie further apart than a float reaches
    for (index_t i = 0; i < out.size(); ++i) {
      const auto a = static_cast<Acc>(p[i]), c = static_cast<Acc>(q[i]);
      const bool stays = a >= lowest && a > softmax_stats<Acc>::masked_at;
      const bool defined = is_finite(&c) && c > softmax_stats<Acc>::masked_at;
      const double d = rounded(static_cast<double>(a) - static_cast<double>(c)) - shift;
      out[i] = !stays || !defined ? config.removed
                                  : static_cast<float>(d > most    ? most
                                                       : d < -most ? -most
                                                                   : d);
      if (stays && defined) kept.push(out[i], static_cast<token_id>(i));
    }
    return kept;
  }
};
}  // namespace detail

/// `dola_contrast(backend, last_logits, premature_logits, out, config = {})`: out[i] = log p_last(i) - log p_premature(i) for
/// tokens that are plausible, p_last(i) >= alpha max p_last, and `removed` for the others (DoLa, equations 3 to 5). The
/// token with the largest p_last is plausible always.
///
/// Returns the `softmax_stats` of the tokens that stay: `top` is greedy decoding's answer, the lowest id of equals. A token
/// that the premature layer masks is removed. Where one of the rows has no distribution all are removed and the result
/// is not valid. Three passes over the logits; no allocation. Preconditions: equal sizes, 0 < alpha <= 1.
LAGOM_OBJECT detail::dola_contrast_fn dola_contrast{};

}  // namespace v0
}  // namespace lagom
