// SPDX-License-Identifier: MIT
/// @file exit/stop_generating.hpp
/// When a text is long enough: the stop rules of the layers, along the tokens.
#pragma once

#include "../signal/loop_watch.hpp"
#include "../signal/token_obs.hpp"
#include "../stop/schedule.hpp"
#include "../stop/stop_rule.hpp"

namespace lagom {
inline namespace v0 {

/// Why a text ended.
enum class ended : std::uint8_t {
  not_yet,
  by_rule,
  by_end_token,
  by_length,  ///< `most` tokens
};

/// What a policy remembers of one text: trivially copyable, so a batch is an array of these.
template <class Policy, scalar T = float>
struct generation_state {
  typename Policy::rule_type::state rule{};
  softmax_stats<accumulator_t<T>> last_stats{};
  loop_watch<Policy::longest_loop> loops{};
  float score = -1;  ///< of the last token that was looked at
  int tokens = 0;    ///< shown so far, the last one included
  ended why = ended::not_yet;
};

template <class Policy, scalar T>
class generation_run;

/// Stops generating at the token that is enough: `exit_policy` on the other axis. Signals are those of tokens, rules the same
/// as on layers, `schedule` says which tokens are looked at.
///
/// ```cpp
/// lagom::stop_generating enough{lagom::token_features{lagom::end_prob{}, lagom::repeats{}},
///                               lagom::any_of{lagom::threshold{0.5f}, lagom::threshold{4.0f, 1}},
///                               lagom::not_before{lagom::token_position{8}}};
/// enough.end = end_of_text;
///
/// auto run = enough.begin();                                    // per text
/// do {
///   sample(logits, token);
///   auto s = lagom::softmax_stats_of(backend, logits);
/// } while (!run.observe({.token = token, .stats = s, .end_prob = s.prob(logits[end_of_text])}));
/// ```
/// - The token shown last is the last of the text, but for `end`, which is shown and not part of it.
/// - A token whose statistics are read and are flagged (NaN, +infinity) or missing, or with a feature or score that is not
///   finite, stops nothing. `end` and the limit stop always, whatever the schedule says.
///
/// Cost: the features and one rule step a token; where `repeats` is read, `Loop` comparisons. No allocation.
template <class Features, class Rule, class Schedule = every_layer, class Backend = portable, int Loop = 16>
struct stop_generating {
  static_assert(token_signal<Features>,
                "stop_generating: the features are a lagom::token_features of token signals");
  static_assert(check_rule<Rule>::value && check_schedule<Schedule, token_position>::value);
  static_assert(backend<Backend>,
                "stop_generating: the backend must be a copyable class, such as lagom::portable");
  static_assert(detail::width_of<Rule> <= Features::width,
                "stop_generating: the rule reads more features than the signals write");
  using rule_type = Rule;
  static constexpr int longest_loop = detail::watches_loops<Features> ? Loop : 1;

  [[no_unique_address]] Features features{};
  [[no_unique_address]] Rule rule{};
  [[no_unique_address]] Schedule schedule{};
  [[no_unique_address]] Backend backend{};
  int most = 1 << 30;       ///< tokens of a text; > 0
  token_id end = no_token;  ///< ends a text

  template <scalar T = float>
  [[nodiscard]] LAGOM_LEAF constexpr generation_state<stop_generating, T> state() const noexcept {
    return {};
  }
  /// State and policy together. Must not outlive the policy.
  template <scalar T = float>
  [[nodiscard]] LAGOM_LEAF generation_run<stop_generating, T> begin() const& noexcept {
    return generation_run<stop_generating, T>(*this);
  }
  template <scalar T = float>
  generation_run<stop_generating, T> begin() const&& = delete;  // the run would outlive the policy

  /// Shows the next token. True: the text ends with it. After true nothing changes any more.
  template <scalar T>
  [[nodiscard]] LAGOM_HD bool observe(generation_state<stop_generating, T>& s,
                                      basic_token_obs<T> obs) const noexcept {
    LAGOM_ASSERT(most > 0);
    if (s.why != ended::not_yet) return true;
    obs.position = s.tokens++;
    obs.last_stats = s.last_stats;
    s.last_stats = obs.stats;
    if constexpr (detail::watches_loops<Features>) {
      s.loops.push(obs.token);
      obs.repeats = s.loops.times();
    }
    if (end != no_token && obs.token == end) {
      s.why = ended::by_end_token;
    } else if (schedule(obs.position, most) && decide(s, obs)) {
      s.why = ended::by_rule;
    } else if (s.tokens >= most) {
      s.why = ended::by_length;
    }
    return s.why != ended::not_yet;
  }

 private:
  template <scalar T>
  LAGOM_HD bool decide(generation_state<stop_generating, T>& s,
                       const basic_token_obs<T>& obs) const noexcept {
    float x[Features::width];
    features(obs, backend, x);
    return detail::wants_to_stop(rule, s.rule, vec_view<const float>(x, Features::width),
                                 !detail::reads_token_stats<Features> || obs.stats.valid(), s.score);
  }
};

template <class F, class R>
stop_generating(F, R) -> stop_generating<F, R>;
template <class F, class R, class S>
stop_generating(F, R, S) -> stop_generating<F, R, S>;
template <class F, class R, class S, class B>
stop_generating(F, R, S, B) -> stop_generating<F, R, S, B>;

/// One text under a policy.
template <class Policy, scalar T = float>
class generation_run {
 public:
  LAGOM_LEAF explicit generation_run(const Policy& policy) noexcept : policy_(&policy) {}

  /// Shows a token. True: the text ends with it.
  [[nodiscard]] LAGOM_LEAF bool observe(const basic_token_obs<T>& obs) noexcept {
    return policy_->observe(state_, obs);
  }
  [[nodiscard]] LAGOM_LEAF ended why() const noexcept { return state_.why; }
  /// Tokens of the text so far, without the end token.
  [[nodiscard]] LAGOM_LEAF int length() const noexcept {
    return state_.tokens - (state_.why == ended::by_end_token ? 1 : 0);
  }
  [[nodiscard]] LAGOM_LEAF const generation_state<Policy, T>& state() const noexcept { return state_; }

 private:
  const Policy* policy_;
  generation_state<Policy, T> state_{};
};

}  // namespace v0
}  // namespace lagom
