// SPDX-License-Identifier: MIT
// Decoding several sequences in step: each leaves at its own layer, the others close up.
#pragma once

#include "batch_pass.hpp"

namespace generate {

// All sequences get their next token in the same round. `leave` says who leaves of those that want to.
template <class Kv, lagom::batch_rule Leave = lagom::each_row>
class batch_decoder {
 public:
  batch_decoder(const model& network, std::vector<sequence>& sequences, const Kv& kv, const Leave& leave = {},
                const token_choice& choose = {})
      : pass_(network, sequences), kv_(kv), leave_(leave), choose_(choose) {}

  // Decodes from the last tokens of the prompts, which the sequences do not hold yet.
  template <class PolicyAt>
  std::vector<decoded> run(const tokens& last, const limits& until, const PolicyAt& policy_at) {
    std::vector<decoded> out(last.size());
    said_ = last;
    batch_pass::rows active;
    for (int i = 0;; ++i) {
      active.clear();
      for (std::size_t s = 0; s < out.size(); ++s) {
        if (!until.reached(out[s].text)) active.push_back(static_cast<lagom::index_t>(s));
      }
      if (active.empty()) return out;
      const auto policy = policy_at(i);
      lagom::batch_run decisions{policy, leave_};
      step(active, policy, decisions);
      for (std::size_t a = 0; a < active.size(); ++a) {
        const auto row = static_cast<lagom::index_t>(a);
        const auto s = static_cast<std::size_t>(active[a]);
        out[s].text.push_back(said_[s]);
        out[s].layers.push_back(decisions.used(row).value);
      }
    }
  }

  [[nodiscard]] batch_pass& pass() { return pass_; }

 private:
  template <class Policy, class Run>
  void step(const batch_pass::rows& active, const Policy& policy, Run& decisions) {
    const int n_layers = pass_.layers();
    bool may_leave = true;  // where one may not, all run to the end: they catch up together
    for (const lagom::index_t s : active) {
      sequence& x = pass_.at(s);
      may_leave = may_leave && kv_.may_leave(x.length() - x.held(lagom::layer_index(n_layers - 1)));
      support::must(x.feed(said_[static_cast<std::size_t>(s)]));
    }
    decisions.begin(static_cast<lagom::index_t>(active.size()), n_layers);
    for (int l = 0; l < n_layers && !decisions.live().empty(); ++l) {
      const auto live = of(active, decisions.live());
      pass_.block(l, live);
      const bool final_one = l + 1 == n_layers;
      if (!may_leave && !final_one) continue;
      const auto states = pass_.newest(live);
      const bool left = pass_.with_head(
          [&](const auto& head) { return decisions.observe({.layer = l, .hidden = states}, head); });
      if (final_one || (Policy::reads_stats && policy.schedule(lagom::layer_index(l), n_layers))) {
        pass_.spent().head(states.rows());
      } else if (left) {
        pass_.spent().head(static_cast<lagom::index_t>(decisions.left().size()));
      }
      for (const lagom::index_t row : decisions.left()) {
        const lagom::index_t s = active[static_cast<std::size_t>(row)];
        said_[static_cast<std::size_t>(s)] = pass_.choose(choose_, s, decisions.token(row));
      }
      if (left && !final_one) pass_.leave(kv_, l, of(active, decisions.left()));
    }
  }

  // From rows among those that are active to sequences.
  static batch_pass::rows of(const batch_pass::rows& active, const batch_pass::rows& rows) {
    batch_pass::rows out;
    for (const lagom::index_t row : rows) out.push_back(active[static_cast<std::size_t>(row)]);
    return out;
  }

  batch_pass pass_;
  Kv kv_;
  Leave leave_;
  token_choice choose_;
  tokens said_;  // last, by each sequence
};

}  // namespace generate
