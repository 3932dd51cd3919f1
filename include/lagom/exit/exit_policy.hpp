// SPDX-License-Identifier: MIT
/// @file exit/exit_policy.hpp
/// What an engine holds: signals, a rule, a schedule, composed at compile time.
#pragma once

#include "../signal/features.hpp"
#include "../stop/schedule.hpp"
#include "../stop/stop_rule.hpp"
#include "answer.hpp"

namespace lagom {
inline namespace v0 {

/// What a policy remembers of one sequence at one token: trivially copyable, so a batch is an array of these.
template <class Policy, scalar T = float>
struct exit_state {
  typename Policy::rule_type::state rule{};
  softmax_stats<accumulator_t<T>> stats{};  ///< of the last probed layer; at the end, of the answer
  float score = -1;                         ///< of the last probed layer
  int n_layers = 0;
  int probes = 0;  ///< passes over the head so far
  layer_index stop{-1};
  bool stopped = false;
};

template <class Policy, scalar T>
class exit_run;

/// Stops a forward pass at the layer that already knows.
///
/// ```cpp
/// lagom::exit_policy policy{lagom::features<lagom::gap, lagom::top_prob>{}, svm, lagom::not_before{8}};
///
/// auto run = policy.begin(n_layers);                     // per token: fresh state, no allocation
/// for (int l = 0; l < n_layers; ++l) {
///   engine_layer(l, x);
///   if (run.observe({.layer = l, .hidden = {x, dim}}, head)) break;
/// }
/// token = run.token();
/// ```
/// - `schedule` says which layers are probed; the others cost nothing. The last layer always answers, untested.
/// - When no signal reads softmax statistics, the head is passed once, after the decision.
/// - A rule that confirms (`confirming_rule`) is asked again once the head was passed; every pass counts as a probe.
/// - A layer whose statistics are flagged (NaN, +infinity), or with a feature or score that is not finite, does
///   not stop the model.
/// - The engine owes the skipped layers of a stopped token their keys and values before the next token.
///
/// Concepts: `exit_signal`, `stop_rule`, `schedule`, `backend`; what is missing is said in a sentence.
/// No allocation, no exceptions.
template <class Features, class Rule, class Schedule = every_layer, class Backend = portable>
struct exit_policy {
  static_assert(check_signal<Features>::value && check_rule<Rule>::value && check_schedule<Schedule>::value);
  static_assert(backend<Backend>, "policy: the backend must be a copyable class, such as lagom::portable");
  static_assert(detail::width_of<Rule> <= Features::width,
                "policy: the rule reads more features than the signals write");
  using rule_type = Rule;
  using features_type = Features;

  /// Statistics of the last probed layer are statistics too: somebody has to compute them there.
  static constexpr bool reads_stats = intersects(Features::needs, need::stats | need::last_stats);

  [[no_unique_address]] Features features{};
  [[no_unique_address]] Rule rule{};
  [[no_unique_address]] Schedule schedule{};
  [[no_unique_address]] Backend backend{};

  /// Does any signal read this? A constant: `if constexpr (policy.reads(need::prev_hidden)) keep(x);`
  LAGOM_LEAF static constexpr bool reads(need what) noexcept { return intersects(Features::needs, what); }

  /// The state for one token of one sequence. Precondition: n_layers > 0.
  template <scalar T = float>
  [[nodiscard]] LAGOM_LEAF constexpr exit_state<exit_policy, T> state(int n_layers) const noexcept {
    LAGOM_ASSERT(n_layers > 0);
    exit_state<exit_policy, T> s;
    s.n_layers = n_layers;
    return s;
  }

  /// State and policy together, for engines that decode one sequence at a time. Must not outlive the policy.
  template <scalar T = float>
  [[nodiscard]] LAGOM_LEAF exit_run<exit_policy, T> begin(int n_layers) const& noexcept {
    return exit_run<exit_policy, T>(*this, n_layers);
  }
  template <scalar T = float>
  exit_run<exit_policy, T> begin(int) const&& = delete;  // the run would outlive the policy

  /// Shows layer `obs.layer` to the policy. True: stop, the state holds the answer.
  /// Layers come in order, each at most once; after true nothing changes any more. `from` is an `answer_source`.
  template <scalar T, class Answer>
  [[nodiscard]] LAGOM_HD bool observe(exit_state<exit_policy, T>& s, basic_layer_obs<T> obs,
                                      const Answer& from) const noexcept {
    static_assert(answer_source<Answer, T>,
                  "observe: the answer comes from a lagom::head, logits, softmax statistics of the states' "
                  "accumulator type, or a noexcept function that makes these from the hidden state");
    LAGOM_ASSERT(0 <= obs.layer.value && obs.layer.value < s.n_layers);
    if (s.stopped) return true;
    const bool last = obs.layer.value + 1 == s.n_layers;
    const bool probed = !last && schedule(obs.layer, s.n_layers);
    bool stop = last;
    if (last || (probed && reads_stats)) {
      obs.last_stats = s.stats;
      s.stats = detail::answer<Features::needs>(backend, obs.hidden, from);
      ++s.probes;
    }
    if (probed) {
      obs.n_layers = s.n_layers;
      if constexpr (reads_stats) obs.stats = s.stats;
      stop = decide(s, obs);
      if constexpr (!reads_stats) {
        if (stop) {
          s.stats = detail::answer<Features::needs>(backend, obs.hidden, from);
          ++s.probes;
        }
      }
      if constexpr (confirming_rule<Rule>) stop = stop && rule.confirms(s.rule, s.stats);
    }
    if (stop) {
      s.stopped = true;
      s.stop = obs.layer;
    }
    return stop;
  }

  /// The two halves of `observe` at a probed layer that is not the last, for engines that pass the head for several sequences
  /// at once: does the rule want to stop, without having seen the answer?
  template <scalar T>
    requires(!reads_stats)
  [[nodiscard]] LAGOM_HD bool wants(exit_state<exit_policy, T>& s, basic_layer_obs<T> obs) const noexcept {
    obs.n_layers = s.n_layers;
    return decide(s, obs);
  }
  /// The second half: the answer of the layer at which it wanted to. True: it is borne out, the sequence has stopped.
  template <scalar T>
    requires(!reads_stats)
  [[nodiscard]] LAGOM_HD bool accept(exit_state<exit_policy, T>& s, layer_index layer,
                                     const softmax_stats<accumulator_t<T>>& answer) const noexcept {
    s.stats = answer;
    ++s.probes;
    bool stop = true;
    if constexpr (confirming_rule<Rule>) stop = rule.confirms(s.rule, s.stats);
    if (stop) {
      s.stopped = true;
      s.stop = layer;
    }
    return stop;
  }

 private:
  template <scalar T>
  LAGOM_HD bool decide(exit_state<exit_policy, T>& s, const basic_layer_obs<T>& obs) const noexcept {
    float x[Features::width];
    features(obs, backend, x);
    // Of signals that look at the head again: at the last probed layer, if there is one.
    if constexpr (detail::head_passes_of<Features> > 0) {
      if (!reads(need::last_hidden) || obs.last_stats.valid()) s.probes += detail::head_passes_of<Features>;
    }
    return detail::wants_to_stop(rule, s.rule, vec_view<const float>(x, Features::width),
                                 !reads_stats || obs.stats.valid(), s.score);
  }
};

template <class F, class R>
exit_policy(F, R) -> exit_policy<F, R>;
template <class F, class R, class S>
exit_policy(F, R, S) -> exit_policy<F, R, S>;
template <class F, class R, class S, class B>
exit_policy(F, R, S, B) -> exit_policy<F, R, S, B>;

/// One token of one sequence under a policy.
template <class Policy, scalar T = float>
class exit_run {
 public:
  LAGOM_LEAF exit_run(const Policy& policy, int n_layers) noexcept
      : policy_(&policy), state_(policy.template state<T>(n_layers)) {}

  /// Shows a layer: `run.observe({.layer = l, .hidden = {x, dim}}, head)`. True: stop.
  template <class Answer>
  [[nodiscard]] LAGOM_LEAF bool observe(const basic_layer_obs<T>& obs, const Answer& from) noexcept {
    return policy_->observe(state_, obs, from);
  }

  /// The answer: best token of the layer that stopped, `no_token` before that or without a valid logit.
  [[nodiscard]] LAGOM_LEAF token_id token() const noexcept {
    return state_.stopped ? state_.stats.top : no_token;
  }
  /// The layer that stopped (the last one when none did).
  [[nodiscard]] LAGOM_LEAF layer_index stopped_at() const noexcept { return state_.stop; }
  [[nodiscard]] LAGOM_LEAF layers_used used() const noexcept { return used_when_stopped_at(state_.stop); }
  /// Passes over the head, the answer's own included: what the honest ledger charges.
  [[nodiscard]] LAGOM_LEAF int probes() const noexcept { return state_.probes; }
  [[nodiscard]] LAGOM_LEAF const exit_state<Policy, T>& state() const noexcept { return state_; }

 private:
  const Policy* policy_;
  exit_state<Policy, T> state_;
};

}  // namespace v0
}  // namespace lagom
