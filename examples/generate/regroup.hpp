// SPDX-License-Identifier: MIT
// Decoding several sequences, each at its own pace, in full batches behind every exit.
#pragma once

#include "batch_pass.hpp"

namespace generate {

// A sequence whose token left begins its next one at once; one that stays at an exit waits there until as many stay as a
// pass takes. What each says is what it says alone. `leave` may keep a batch together (`rebatch`).
template <class Kv, lagom::batch_rule Leave = lagom::each_row>
class regrouping_decoder {
 public:
  regrouping_decoder(const model& network, std::vector<sequence>& sequences, const Kv& kv, int rows_a_pass,
                     const Leave& leave = {}, const token_choice& choose = {})
      : pass_(network, sequences), kv_(kv), rows_a_pass_(rows_a_pass), leave_(leave), choose_(choose) {}

  // Decodes from the last tokens of the prompts, which the sequences do not hold yet.
  template <class PolicyAt>
  std::vector<decoded> run(const tokens& last, const limits& until, const PolicyAt& policy_at) {
    std::vector<decoded> out(last.size());
    const auto exits = exits_of(policy_at, static_cast<int>(until.most));
    auto groups = support::must(lagom::rebatch<Leave>::make({.batch = rows_a_pass_, .enough = rows_a_pass_},
                                                            exits, pass_.layers(), pass_.size(), leave_));
    std::vector<token_under_way<decltype(policy_at(0))>> all;
    const auto begin = [&](lagom::index_t row, lagom::token_id token) {
      sequence& s = pass_.at(row);
      const auto policy = policy_at(static_cast<int>(out[static_cast<std::size_t>(row)].text.size()));
      const auto deferred = s.length() - s.held(lagom::layer_index(pass_.layers() - 1));
      all[static_cast<std::size_t>(row)] = {policy, policy.state(pass_.layers()), kv_.may_leave(deferred)};
      support::must(s.feed(token));
      groups.add(row);
    };
    for (std::size_t i = 0; i < last.size(); ++i) {
      const auto policy = policy_at(0);
      all.push_back({policy, policy.state(pass_.layers()), true});
      begin(static_cast<lagom::index_t>(i), last[i]);
    }
    while (groups.next()) {
      const auto part = groups.run();
      for (int l = part.first.value; l <= part.last.value; ++l) pass_.block(l, groups.rows());
      ask(part.last, groups.rows(), all);
      groups.settle(scores_);
      const batch_pass::rows left = groups.left();
      answer(part.last, left, all);
      for (const lagom::index_t row : left) {
        auto& got = out[static_cast<std::size_t>(row)];
        got.text.push_back(pass_.choose(choose_, row, all[static_cast<std::size_t>(row)].state.stats.top));
        got.layers.push_back(part.last.value + 1);
      }
      if (!part.to_the_end) pass_.leave(kv_, part.last.value, left);
      for (const lagom::index_t row : left) {
        const auto& got = out[static_cast<std::size_t>(row)];
        if (!until.reached(got.text)) begin(row, got.text.back());
      }
    }
    return out;
  }

  [[nodiscard]] batch_pass& pass() { return pass_; }

 private:
  template <class Policy>
  struct token_under_way {
    Policy policy;
    lagom::exit_state<Policy, float> state;
    bool may_leave = true;
  };

  // Layers before the last at which any token is asked.
  template <class PolicyAt>
  [[nodiscard]] std::vector<lagom::layer_index> exits_of(const PolicyAt& policy_at, int n_tokens) const {
    std::vector<lagom::layer_index> exits;
    for (lagom::layer_index l(0); l.value + 1 < pass_.layers(); ++l.value) {
      for (int i = 0; i < n_tokens; ++i) {
        if (policy_at(i).schedule(l, pass_.layers())) {
          exits.push_back(l);
          break;
        }
      }
    }
    return exits;
  }

  // Scores of the rows that ran up to a layer: who wants to leave there.
  template <class Policy>
  void ask(lagom::layer_index l, const batch_pass::rows& rows, std::vector<token_under_way<Policy>>& all) {
    scores_.assign(rows.size(), -1.0f);
    if (l.value + 1 == pass_.layers()) return;  // nobody is asked there
    asked_.clear();
    for (const lagom::index_t row : rows) {
      const auto& t = all[static_cast<std::size_t>(row)];
      if (t.may_leave && t.policy.schedule(l, pass_.layers())) asked_.push_back(row);
    }
    if (asked_.empty()) return;
    const auto states = pass_.newest(asked_);
    const batch_pass::stats* said = nullptr;
    if constexpr (Policy::reads_stats) said = pass_.probe(states).data();
    for (std::size_t i = 0, k = 0; i < rows.size() && k < asked_.size(); ++i) {
      if (rows[i] != asked_[k]) continue;
      auto& t = all[static_cast<std::size_t>(rows[i])];
      t.state.stopped = false;  // one that was kept is asked again
      const lagom::layer_obs seen{.layer = l, .hidden = states.row(static_cast<lagom::index_t>(k))};
      const bool leaves = t.policy.observe(t.state, seen, said != nullptr ? said[k] : batch_pass::stats{});
      scores_[i] = leaves ? 0.0f : -1.0f;
      ++k;
    }
  }

  // Answers of those that leave, where the decision did not need them or was not theirs.
  template <class Policy>
  void answer(lagom::layer_index l, const batch_pass::rows& left, std::vector<token_under_way<Policy>>& all) {
    if (left.empty() || (Policy::reads_stats && l.value + 1 < pass_.layers())) return;
    const auto& said = pass_.probe(pass_.newest(left));
    for (std::size_t i = 0; i < left.size(); ++i)
      all[static_cast<std::size_t>(left[i])].state.stats = said[i];
  }

  batch_pass pass_;
  Kv kv_;
  int rows_a_pass_;
  Leave leave_;
  token_choice choose_;
  batch_pass::rows asked_;
  std::vector<float> scores_;
};

}  // namespace generate
