// SPDX-License-Identifier: MIT
/// @file stop/monotone.hpp
/// Rules whose verdict over an interval of features is known from its ends.
#pragma once

#include "../kernel/certified_stats.hpp"
#include "../signal/features.hpp"
#include "../signal/gap.hpp"
#include "../signal/top_prob.hpp"
#include "linear_svm.hpp"
#include "logistic.hpp"
#include "on_features.hpp"
#include "standardized.hpp"
#include "threshold.hpp"

namespace lagom {
inline namespace v0 {

/// How a rule's score moves with a feature: `direction(rule, j)` is +1 where it never falls as feature j grows, -1 where
/// it never rises, 0 where it does not read it. Specialise it for an own rule that is monotone in every feature by
/// itself, whatever the others are.
template <class Rule>
struct monotone_traits {};

template <class Comparator>
  requires std::same_as<Comparator, at_least> || std::same_as<Comparator, above>
struct monotone_traits<threshold<Comparator>> {
  LAGOM_LEAF static constexpr int direction(const threshold<Comparator>& rule, index_t j) noexcept {
    return j == rule.feature ? 1 : 0;
  }
};
template <class Comparator>
  requires std::same_as<Comparator, at_most> || std::same_as<Comparator, below>
struct monotone_traits<threshold<Comparator>> {
  LAGOM_LEAF static constexpr int direction(const threshold<Comparator>& rule, index_t j) noexcept {
    return j == rule.feature ? -1 : 0;
  }
};

namespace detail {
/// Rules whose score is affine: the sign of the weight.
template <class Rule>
struct monotone_by_weight {
  LAGOM_LEAF static constexpr int direction(const Rule& rule, index_t j) noexcept {
    if (j >= static_cast<index_t>(Rule::width)) return 0;
    const float w = rule.weights[j];
    return w > 0 ? 1 : w < 0 ? -1 : 0;
  }
};
}  // namespace detail

template <std::size_t N>
struct monotone_traits<linear_svm<N>> : detail::monotone_by_weight<linear_svm<N>> {};
template <std::size_t N>
struct monotone_traits<logistic<N>> : detail::monotone_by_weight<logistic<N>> {};

/// A rule that remembers nothing and has `monotone_traits`: its score at all points of a box of features lies between
/// those at two corners. RBF machines, CRFs and rules with a memory are not: their verdict needs the features themselves.
template <class R>
concept monotone_rule = stop_rule<R> && std::is_empty_v<typename R::state> && requires(const R r, index_t j) {
  { monotone_traits<R>::direction(r, j) } -> std::same_as<int>;
};

template <monotone_rule Rule>
struct monotone_traits<standardized<Rule>> {
  LAGOM_LEAF static constexpr int direction(const standardized<Rule>& r, index_t j) noexcept {
    if (j >= static_cast<index_t>(standardized<Rule>::width)) return 0;
    const int inner = monotone_traits<Rule>::direction(r.rule, j);
    return r.scale.inverse_deviation[j] < 0 ? -inner : inner;
  }
};
template <monotone_rule Rule>
struct monotone_traits<on_features<Rule>> {
  LAGOM_LEAF static constexpr int direction(const on_features<Rule>& r, index_t j) noexcept {
    return j < r.first ? 0 : monotone_traits<Rule>::direction(r.rule, j - r.first);
  }
};

/// Does a signal grow with gap() and top_prob(), and read nothing else? True for `gap` and `top_prob`; specialise it for
/// an own one.
template <class Signal>
inline constexpr bool grows_with_certainty = false;
template <>
inline constexpr bool grows_with_certainty<gap> = true;
template <>
inline constexpr bool grows_with_certainty<top_prob> = true;
template <class... Ss>
inline constexpr bool grows_with_certainty<features<Ss...>> = (grows_with_certainty<Ss> && ...);

/// What a policy with these features and this rule does at a layer, known from two distributions that enclose the layer's:
/// the `decide` of a `certified_probe`. Open where the two ends disagree.
template <class Features, monotone_rule Rule>
struct monotone_decision {
  static_assert(grows_with_certainty<Features>,
                "monotone_decision: the signals must be functions of gap and top_prob that grow with them");
  [[no_unique_address]] Features features{};
  [[no_unique_address]] Rule rule{};

  template <std::floating_point T>
  [[nodiscard]] LAGOM_LEAF certified_verdict operator()(const softmax_stats<T>& low,
                                                        const softmax_stats<T>& high) const noexcept {
    constexpr std::size_t width = Features::width;
    if (!low.valid() || !high.valid())
      return certified_verdict::go_on;  // flagged statistics do not stop a model
    float least[width], most[width], x[width];
    const portable unused{};
    basic_layer_obs<T> obs;
    obs.stats = low;
    features(obs, unused, least);
    obs.stats = high;
    features(obs, unused, most);
    for (std::size_t j = 0; j < width; ++j) x[j] = rises(static_cast<index_t>(j)) ? least[j] : most[j];
    const bool lower = stops(x);
    for (std::size_t j = 0; j < width; ++j) x[j] = rises(static_cast<index_t>(j)) ? most[j] : least[j];
    const bool upper = stops(x);
    return lower != upper ? certified_verdict::open
           : lower        ? certified_verdict::stop
                          : certified_verdict::go_on;
  }

 private:
  LAGOM_LEAF bool rises(index_t j) const noexcept { return monotone_traits<Rule>::direction(rule, j) >= 0; }
  LAGOM_LEAF bool stops(const float* x) const noexcept {
    typename Rule::state s{};
    float score = 0;
    return detail::wants_to_stop(rule, s, vec_view<const float>(x, Features::width), true, score);
  }
};

template <class F, class R>
monotone_decision(F, R) -> monotone_decision<F, R>;

}  // namespace v0
}  // namespace lagom
