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
/// and is kept by the batch rule is asked again; one that leaves without wanting to answers as it stands. Rules that confirm
/// (`specee`) are shown the answers of the rows that want to stop, and of no others; a row that is not borne out goes on.
///
/// Owns its memory: it grows at the first probe of a batch larger than those before, and is used again from then on. Must not
/// outlive the policy.
template <class Policy, batch_rule Leave = each_row, scalar T = float>
class batch_run {
  using Acc = accumulator_t<T>;

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
    for (auto* const rows : {&left_, &asked_, &owing_}) {
      rows->clear();
      rows->reserve(n);
    }
    scores_.reserve(n);
    n_layers_ = n_layers;
  }

  /// Shows a layer: row i of every matrix is sequence live()[i]. True: somebody left, `live`, `kept` and `left` are new.
  /// Layers come in order, each at most once; those that the schedule skips cost nothing.
  template <scalar W, final_norm Norm, executor Run = seq>
  bool observe(const batch_obs<T>& obs, const head<W, Norm>& to, Run&& run = Run{}) {
    LAGOM_ASSERT(0 <= obs.layer.value && obs.layer.value < n_layers_);
    LAGOM_ASSERT(obs.hidden.rows() == static_cast<index_t>(live_.size()));
    left_.clear();
    asked_.clear();
    owing_.clear();
    const bool last = obs.layer.value + 1 == n_layers_;
    const auto n = static_cast<index_t>(live_.size());
    if (live_.empty() || (!last && !policy_->schedule(obs.layer, n_layers_))) {
      kept_.resize(live_.size());
      for (std::size_t i = 0; i < kept_.size(); ++i) kept_[i] = static_cast<index_t>(i);
      return false;
    }
    make_room(obs.hidden.cols(), to.rows.rows());
    scores_.assign(live_.size(), -1.0f);
    const bool seen = last || Policy::reads_stats;  // every row's answer comes before its decision
    if (seen) {
      probe(obs.hidden, to, run);
      for (index_t row = 0; row < n; ++row) {
        state_type& s = state_of(row);
        if (policy_->observe(s, shown(obs, row), stats_[static_cast<std::size_t>(row)]))
          scores_[static_cast<std::size_t>(row)] = last ? 0.0f : s.score;
      }
    } else if constexpr (!Policy::reads_stats) {
      for (index_t row = 0; row < n; ++row) {
        state_type& s = state_of(row);
        if (!policy_->wants(s, shown(obs, row))) continue;
        scores_[static_cast<std::size_t>(row)] = s.score;
        if (confirming_rule<typename Policy::rule_type>) asked_.push_back(row);
      }
      confirm(obs, to, run);
    }
    const leaving who = last ? leaving::all : leave_(batch_moment{scores_, n_layers_ - 1 - obs.layer.value});
    if (!seen) find_owing(who);
    if (!owing_.empty()) answer(obs.hidden, to, run);
    part(obs.layer, who);
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
  [[nodiscard]] state_type& state_of(index_t row) noexcept {
    return states_[static_cast<std::size_t>(live_[static_cast<std::size_t>(row)])];
  }
  [[nodiscard]] bool leaves(leaving who, index_t row) const noexcept {
    return who == leaving::all || (who == leaving::wanting && scores_[static_cast<std::size_t>(row)] >= 0);
  }

  [[nodiscard]] basic_layer_obs<T> shown(const batch_obs<T>& obs, index_t row) const noexcept {
    basic_layer_obs<T> one = obs.of_row(row);
    one.sequence = live_[static_cast<std::size_t>(row)];
    return one;
  }

  /// For all sequences, of which fewer may be under way when the first probe comes.
  void make_room(index_t width, index_t vocabulary) {
    const index_t n = sequences();
    grow(space_states_, batch_space<Acc>::states_for(n, width));
    grow(space_parts_, batch_space<Acc>::parts_for(n, vocabulary));
    grow(stats_, static_cast<std::size_t>(n));
    if constexpr (!Policy::reads_stats) grow(copied_, static_cast<std::size_t>(n * width));
  }

  /// Answers of rows: stats_[0 ... hidden.rows() - 1].
  template <class Head, class Run>
  void probe(mat_view<const T> hidden, const Head& to, Run&& run) {
    unembed_batch(policy_->backend, hidden, to, batch_space<Acc>{space_states_, space_parts_},
                  vec_view<softmax_stats<Acc>>(stats_.data(), hidden.rows()), run);
  }
  /// Of some rows.
  template <class Head, class Run>
  void probe(mat_view<const T> hidden, const std::vector<index_t>& rows, const Head& to, Run&& run) {
    const index_t width = hidden.cols(), n = static_cast<index_t>(rows.size());
    if (n == hidden.rows()) return probe(hidden, to, run);
    T* next = copied_.data();
    for (const index_t row : rows) {
      for (index_t j = 0; j < width; ++j) *next++ = hidden(row, j);
    }
    probe(mat_view<const T>(copied_.data(), n, width), to, run);
  }

  /// Shows the rows that want to stop what they would answer; those that are not borne out no longer want to.
  template <class Head, class Run>
  void confirm(const batch_obs<T>& obs, const Head& to, Run&& run) {
    if (asked_.empty()) return;
    probe(obs.hidden, asked_, to, run);
    for (std::size_t k = 0; k < asked_.size(); ++k) {
      if (!policy_->accept(state_of(asked_[k]), obs.layer, stats_[k]))
        scores_[static_cast<std::size_t>(asked_[k])] = -1;
    }
  }

  /// The rows that leave and have not answered at this layer.
  void find_owing(leaving who) noexcept {
    std::size_t next = 0;
    for (index_t row = 0; row < static_cast<index_t>(live_.size()); ++row) {
      const bool asked = next < asked_.size() && asked_[next] == row;
      next += asked ? 1 : 0;
      if (!asked && leaves(who, row)) owing_.push_back(row);
    }
  }
  template <class Head, class Run>
  void answer(mat_view<const T> hidden, const Head& to, Run&& run) {
    probe(hidden, owing_, to, run);
    for (std::size_t k = 0; k < owing_.size(); ++k) {
      state_type& s = state_of(owing_[k]);
      s.stats = stats_[k];
      ++s.probes;
    }
  }

  /// Splits the rows under way into those that go on and those that leave, and sets their states right.
  void part(layer_index layer, leaving who) noexcept {
    std::size_t n = 0;
    kept_.resize(live_.size());
    for (std::size_t i = 0; i < live_.size(); ++i) {
      const bool gone = leaves(who, static_cast<index_t>(i));
      state_type& s = states_[static_cast<std::size_t>(live_[i])];
      s.stopped = gone;
      s.stop = gone ? layer : layer_index{-1};
      if (gone) {
        left_.push_back(live_[i]);
      } else {
        kept_[n] = static_cast<index_t>(i);
        live_[n++] = live_[i];
      }
    }
    kept_.resize(n);
    live_.resize(n);
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
  std::vector<index_t> asked_, owing_;  ///< rows of the layer shown
  std::vector<float> scores_;
  std::vector<softmax_stats<Acc>> stats_, space_parts_;
  std::vector<Acc> space_states_;
  std::vector<T> copied_;
};

}  // namespace v0
}  // namespace lagom
