// SPDX-License-Identifier: MIT
/// @file exit/batch_run.hpp
/// A batch of sequences under a policy: every row decides, a batch rule says who leaves, the gaps close.
#pragma once

#include <vector>

#include "../kernel/unembed_batch.hpp"
#include "batch_obs.hpp"
#include "each_row.hpp"
#include "exit_policy.hpp"

namespace lagom {
inline namespace v0 {

/// The tokens of a batch of sequences, one each, on their way through the layers.
///
/// ```cpp
/// lagom::batch_run run{policy, lagom::each_row{}};
/// run.begin(sequences, n_layers);                               // per token
/// for (int l = 0; l < n_layers; ++l) {
///   engine_layer(l, x, run.live());                             // row i of x is sequence run.live()[i]
///   if (run.observe({.layer = l, .hidden = {x, rows, dim}}, head)) {
///     if (run.live().empty()) break;
///     engine_keep_rows(x, run.kept());                          // row i of what stays was row kept()[i]
///   }
/// }
/// token = run.token(sequence);
/// ```
/// The rows under way are probed together, by `unembed_batch`: the head is read once for all of them. A row's statistics do
/// not depend on the others, so under `each_row` it stops where it would stop in any other batch. A row that wants to stop
/// and is kept by the batch rule is asked again; one that leaves without wanting to answers as it stands.
///
/// Owns its memory: it grows at the first layers shown and is used again from then on. Must not outlive the policy.
template <class Policy, batch_rule Leave = each_row, scalar T = float>
class batch_run {
  using Acc = accumulator_t<T>;
  static_assert(
      !confirming_rule<typename Policy::rule_type>,
      "batch_run: a rule that confirms its answer (specee) needs the head row by row: use exit_policy");

 public:
  using state_type = exit_state<Policy, T>;

  explicit batch_run(const Policy& policy, Leave leave = {}) noexcept : policy_(&policy), leave_(leave) {}
  explicit batch_run(const Policy&& policy, Leave leave = {}) = delete;  // the run would outlive the policy

  /// Fresh states; all sequences are under way. Precondition: n_layers > 0.
  void begin(index_t sequences, int n_layers) {
    const auto n = static_cast<std::size_t>(sequences);
    states_.assign(n, policy_->template state<T>(n_layers));
    live_.resize(n);
    for (std::size_t i = 0; i < n; ++i) live_[i] = static_cast<index_t>(i);
    kept_ = live_;
    left_.clear();
    left_.reserve(n);
    n_layers_ = n_layers;
  }

  /// Shows a layer: row i of every matrix is sequence live()[i]. True: somebody left, `live`, `kept` and `left` are new.
  /// Layers come in order, each at most once; those that the schedule skips cost nothing.
  template <scalar W, final_norm Norm, executor Run = seq>
  bool observe(const batch_obs<T>& obs, const head<W, Norm>& to, Run&& run = Run{}) {
    LAGOM_ASSERT(0 <= obs.layer.value && obs.layer.value < n_layers_);
    LAGOM_ASSERT(obs.hidden.rows() == static_cast<index_t>(live_.size()));
    left_.clear();
    const bool last = obs.layer.value + 1 == n_layers_;
    const bool before = last || Policy::reads_stats;  // statistics come before the decision
    if (live_.empty() || (!last && !policy_->schedule(obs.layer, n_layers_))) {
      kept_.resize(live_.size());
      for (std::size_t i = 0; i < kept_.size(); ++i) kept_[i] = static_cast<index_t>(i);
      return false;
    }
    if (before) probe(obs.hidden, to, run);
    scores_.resize(live_.size());
    for (std::size_t i = 0; i < live_.size(); ++i) {
      state_type& s = states_[static_cast<std::size_t>(live_[i])];
      const bool wants =
          policy_->observe(s, obs.of_row(static_cast<index_t>(i)), before ? stats_[i] : softmax_stats<Acc>{});
      scores_[i] = wants ? 0.0f : -1.0f;
      if (wants && !last) scores_[i] = s.score;
    }
    const leaving who = last ? leaving::all : leave_(batch_moment{scores_, n_layers_ - 1 - obs.layer.value});
    part(obs.layer, who);
    if (!before && !left_.empty()) answer(obs.hidden, who, to, run);
    return !left_.empty();
  }

  /// Sequences under way, ascending.
  [[nodiscard]] const std::vector<index_t>& live() const noexcept { return live_; }
  /// Where the sequences that are under way stood among those that the last layer was shown for, ascending.
  [[nodiscard]] const std::vector<index_t>& kept() const noexcept { return kept_; }
  /// Sequences that left at the layer shown last, ascending.
  [[nodiscard]] const std::vector<index_t>& left() const noexcept { return left_; }

  [[nodiscard]] index_t sequences() const noexcept { return static_cast<index_t>(states_.size()); }
  [[nodiscard]] const state_type& state(index_t sequence) const noexcept {
    return states_[static_cast<std::size_t>(sequence)];
  }
  /// The answer of a sequence that left, else `no_token`.
  [[nodiscard]] token_id token(index_t sequence) const noexcept {
    return state(sequence).stopped ? state(sequence).stats.top : no_token;
  }
  [[nodiscard]] layers_used used(index_t sequence) const noexcept {
    return used_when_stopped_at(state(sequence).stop);
  }

 private:
  template <class Head, class Run>
  void probe(mat_view<const T> hidden, const Head& to, Run&& run) {
    grow(space_states_, batch_space<Acc>::states_for(hidden.rows(), hidden.cols()));
    grow(space_parts_, batch_space<Acc>::parts_for(hidden.rows(), to.rows.rows()));
    stats_.resize(static_cast<std::size_t>(hidden.rows()));
    unembed_batch(policy_->backend, hidden, to, batch_space<Acc>{space_states_, space_parts_},
                  vec_view<softmax_stats<Acc>>(stats_), run);
  }

  /// Splits the rows under way into those that go on and those that leave, and sets their states right.
  void part(layer_index layer, leaving who) noexcept {
    std::size_t n = 0;
    kept_.resize(live_.size());
    for (std::size_t i = 0; i < live_.size(); ++i) {
      state_type& s = states_[static_cast<std::size_t>(live_[i])];
      if (who == leaving::all || (who == leaving::wanting && s.stopped)) {
        if (!s.stopped && !Policy::reads_stats) ++s.probes;
        s.stopped = true;
        s.stop = layer;
        left_.push_back(live_[i]);
      } else {
        if (s.stopped && !Policy::reads_stats) --s.probes;
        s.stopped = false;
        s.stop = layer_index{-1};
        kept_[n] = static_cast<index_t>(i);
        live_[n++] = live_[i];
      }
    }
    kept_.resize(n);
    live_.resize(n);
  }

  /// Answers of those that left, for policies that decide without statistics.
  template <class Head, class Run>
  void answer(mat_view<const T> hidden, leaving who, const Head& to, Run&& run) {
    const index_t width = hidden.cols(), n = static_cast<index_t>(left_.size());
    if (who == leaving::all) {
      probe(hidden, to, run);
    } else {
      grow(leavers_, static_cast<std::size_t>(n * width));
      index_t next_kept = 0, to_row = 0;
      for (index_t row = 0; row < hidden.rows(); ++row) {
        if (next_kept < static_cast<index_t>(kept_.size()) &&
            kept_[static_cast<std::size_t>(next_kept)] == row) {
          ++next_kept;
          continue;
        }
        for (index_t j = 0; j < width; ++j)
          leavers_[static_cast<std::size_t>(to_row * width + j)] = hidden(row, j);
        ++to_row;
      }
      probe(mat_view<const T>(leavers_.data(), n, width), to, run);
    }
    for (std::size_t i = 0; i < left_.size(); ++i)
      states_[static_cast<std::size_t>(left_[i])].stats = stats_[i];
  }

  template <class V>
  static void grow(V& v, std::size_t n) {
    if (v.size() < n) v.resize(n);
  }

  const Policy* policy_;
  Leave leave_;
  int n_layers_ = 0;
  std::vector<state_type> states_;
  std::vector<index_t> live_, kept_, left_;
  std::vector<float> scores_;
  std::vector<softmax_stats<Acc>> stats_, space_parts_;
  std::vector<Acc> space_states_;
  std::vector<T> leavers_;
};

}  // namespace v0
}  // namespace lagom
