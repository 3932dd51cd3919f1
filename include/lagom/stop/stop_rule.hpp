// SPDX-License-Identifier: MIT
/// @file stop/stop_rule.hpp
/// The concept of a stop rule: thresholds, classifiers and their combinations.
#pragma once

#include <concepts>
#include <type_traits>

#include "../core/math.hpp"
#include "../core/vec_view.hpp"
#include "../kernel/softmax_stats.hpp"

namespace lagom {
inline namespace v0 {

/// A stop rule looks at one feature vector a step and says stop when its score is not negative.
///
/// ```cpp
/// struct above_average {                                    // a whole rule
///   struct state { float sum = 0; int n = 0; };             // per sequence, trivially copyable
///   float step(state& s, lagom::vec_view<const float> x) const noexcept {
///     s.sum += x[0];
///     return x[0] - s.sum / static_cast<float>(++s.n) - 0.1f;
///   }
/// };
/// static_assert(lagom::stop_rule<above_average>);
/// ```
/// A rule that reads a fixed number of features says so in a `static constexpr std::size_t width`: a policy then refuses
/// signals that write fewer. The rule is configuration and never changes while it runs; `state` belongs to the caller, one a sequence, so
/// that a batch is an array of states. A step may be a layer or a token: rules run on either axis.
template <class R>
concept stop_rule = std::copy_constructible<R> && std::default_initializable<typename R::state> &&
                    std::is_trivially_copyable_v<typename R::state> &&
                    requires(const R rule, typename R::state& s, vec_view<const float> features) {
                      { rule.step(s, features) } noexcept -> std::same_as<float>;
                    };

/// A rule that wants to see the answer before the model stops: `confirms(state, stats)` says whether the statistics of the
/// whole head bear out what the step decided without them. The policy asks after passing the head; if not, the model goes on.
template <class R>
concept confirming_rule =
    stop_rule<R> && requires(const R rule, const typename R::state& s, const softmax_stats<float>& answer) {
      { rule.confirms(s, answer) } noexcept -> std::same_as<bool>;
    };

namespace detail {
template <class R>
concept has_state = requires { typename R::state; };
template <class R>
concept has_step =
    has_state<R> && requires(const R r, typename R::state& s, vec_view<const float> x) { r.step(s, x); };

/// Features that a rule reads, where its type says so (`width`); 0 where it does not.
template <class R>
inline constexpr std::size_t width_of = 0;
template <class R>
  requires requires { R::width; }
inline constexpr std::size_t width_of<R> = R::width;

/// One step over what signals wrote: true says stop. Where the features are not `sound`, or one of them is not finite, the rule
/// takes no step, and `score` is -1.
template <class R>
LAGOM_LEAF bool wants_to_stop(const R& rule, typename R::state& s, vec_view<const float> features, bool sound,
                              float& score) noexcept {
  for (index_t j = 0; j < features.size(); ++j) sound = sound && is_finite(&features[j]);
  if (!sound) {
    score = -1;
    return false;
  }
  score = rule.step(s, features);
  return is_finite(&score) && score >= 0;
}
}  // namespace detail

/// The same as `stop_rule`, one sentence a requirement: instantiate it to learn what is missing.
template <class R>
struct check_rule {
  static_assert(std::copy_constructible<R>, "rule: must be copyable, it is a plain value");
  static_assert(detail::has_state<R>,
                "rule: needs a type `state`, what it remembers of one sequence (may be empty)");
  static_assert(detail::has_step<R>,
                "rule: needs `float step(state&, lagom::vec_view<const float> features) const noexcept`");
  static constexpr bool value = stop_rule<R>;

 private:
  template <class Q>
  static constexpr bool plain_state() {
    if constexpr (detail::has_state<Q>) {
      return std::is_trivially_copyable_v<typename Q::state> && std::default_initializable<typename Q::state>;
    } else {
      return true;
    }
  }
  static_assert(plain_state<R>(), "rule: its `state` must be trivially copyable and default-constructible");
  static_assert(!detail::has_step<R> || stop_rule<R> || !plain_state<R>(),
                "rule: `step` must be noexcept and return float");
};

/// The state of a rule that remembers nothing.
struct no_state {};

}  // namespace v0
}  // namespace lagom
