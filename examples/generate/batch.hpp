// SPDX-License-Identifier: MIT
// Decoding several sequences in step: each leaves at its own layer, the others close up.
#pragma once

#include "decoded.hpp"
#include "support/must.hpp"

namespace generate {

// One pass over a block's weights serves all sequences that are still under way, and the tokens of theirs that wait.
// `leave` says who leaves of those that want to.
template <class Kv, lagom::batch_rule Leave = lagom::each_row>
class batch_decoder {
 public:
  batch_decoder(const model& network, std::vector<sequence>& sequences, const Kv& kv, const Leave& leave = {})
      : network_(network), sequences_(sequences), kv_(kv), leave_(leave) {}

  // Decodes from the last tokens of the prompts, which the sequences do not hold yet.
  template <class PolicyAt>
  std::vector<decoded> run(tokens last, const limits& until, const PolicyAt& policy_at) {
    std::vector<decoded> out(sequences_.size());
    std::vector<std::size_t> active;
    for (int i = 0;; ++i) {
      active.clear();
      for (std::size_t s = 0; s < sequences_.size(); ++s) {
        if (!until.reached(out[s].text)) active.push_back(s);
      }
      if (active.empty()) return out;
      const auto policy = policy_at(i);
      lagom::batch_run decisions{policy, leave_};
      step(active, last, policy, decisions);
      for (std::size_t a = 0; a < active.size(); ++a) {
        const auto row = static_cast<lagom::index_t>(a);
        const std::size_t s = active[a];
        out[s].text.push_back(last[s] = decisions.token(row));
        out[s].layers.push_back(decisions.used(row).value);
      }
    }
  }

  [[nodiscard]] const lagom::decode_ledger& ledger() const { return ledger_; }
  [[nodiscard]] lagom::decode_ledger& ledger() { return ledger_; }

 private:
  template <class Policy, class Run>
  void step(const std::vector<std::size_t>& active, const tokens& last, const Policy& policy,
            Run& decisions) {
    const int n_layers = network_.config().layers;
    bool may_leave = true;  // where one may not, all run to the end: they catch up together
    for (const std::size_t s : active) {
      sequence& x = sequences_[s];
      may_leave = may_leave && kv_.may_leave(x.length() - x.held(lagom::layer_index(n_layers - 1)));
      support::must(x.feed(last[s]));
    }
    decisions.begin(static_cast<lagom::index_t>(active.size()), n_layers);
    for (int l = 0; l < n_layers && !decisions.live().empty(); ++l) {
      block(l, active, decisions.live());
      const bool final_one = l + 1 == n_layers;
      if (!may_leave && !final_one) continue;
      const auto states = newest(active, decisions.live());
      const bool left = network_.with_head(
          [&](const auto& head) { return decisions.observe({.layer = l, .hidden = states}, head); });
      if (final_one || (Policy::reads_stats && policy.schedule(lagom::layer_index(l), n_layers))) {
        ledger_.head(states.rows());
      } else if (left) {
        ledger_.head(static_cast<lagom::index_t>(decisions.left().size()));
      }
      if (left && !final_one) settle(l, active, decisions.left());
    }
  }

  // Runs block l over what each sequence under way owes it.
  void block(int l, const std::vector<std::size_t>& active, const std::vector<lagom::index_t>& live) {
    places_.clear();
    double context = 0;
    for (const lagom::index_t row : live) {
      sequence& s = sequences_[active[static_cast<std::size_t>(row)]];
      for (lagom::index_t p = s.held(lagom::layer_index(l)); p < s.length(); ++p) {
        places_.push_back({&s.cache(), static_cast<std::size_t>(p)});
        from_.push_back(s.state(p));
        context += static_cast<double>(p) + 1;
      }
      s.changed();
    }
    pass([&] { support::must(network_.block(l, places_, work_)); });
    const auto rows = static_cast<double>(places_.size());
    ledger_.spent += lagom::cost::block(ledger_.shape, {1, context / rows, rows}, ledger_.widths);
    ledger_.token_layers += rows;
    ++ledger_.layer_reads;
  }

  // Gathers states, runs, and puts them back.
  template <class Work>
  void pass(const Work& work) {
    const lagom::index_t h = network_.config().hidden;
    work_.begin(network_.config(), places_.size());
    for (std::size_t i = 0; i < from_.size(); ++i)
      std::copy_n(from_[i], h, &work_.x()(static_cast<lagom::index_t>(i), 0));
    network_.turn(places_, work_);
    work();
    for (std::size_t i = 0; i < from_.size(); ++i)
      std::copy_n(&work_.x()(static_cast<lagom::index_t>(i), 0), h, from_[i]);
    from_.clear();
  }

  // Those that left: keys and values of the layers they skipped, projected together where the policy projects.
  void settle(int after, const std::vector<std::size_t>& active, const std::vector<lagom::index_t>& left) {
    if constexpr (std::is_same_v<Kv, lagom::propagate_kv>) {
      for (int l = after + 1; l < network_.config().layers; ++l) {
        places_.clear();
        for (const lagom::index_t row : left) {
          sequence& s = sequences_[active[static_cast<std::size_t>(row)]];
          places_.push_back({&s.cache(), static_cast<std::size_t>(s.length() - 1)});
          from_.push_back(s.state(s.length() - 1));
        }
        pass([&] { support::must(network_.project(l, places_, work_)); });
        ledger_.spent += lagom::cost::kv_projection(
            ledger_.shape, {1, 0, static_cast<double>(places_.size())}, ledger_.widths);
        ledger_.projections += static_cast<double>(places_.size());
      }
    } else {
      for (const lagom::index_t row : left) {
        sequence& s = sequences_[active[static_cast<std::size_t>(row)]];
        lagom::metered counted{s, ledger_};
        kv_.leave(counted, lagom::layer_index(after), s.length() - 1);
        ledger_ = counted.meter();
      }
    }
  }

  // States of the newest positions, a row a sequence under way.
  lagom::mat_view<const float> newest(const std::vector<std::size_t>& active,
                                      const std::vector<lagom::index_t>& live) {
    const lagom::index_t h = network_.config().hidden;
    newest_.resize(live.size() * static_cast<std::size_t>(h));
    for (std::size_t i = 0; i < live.size(); ++i) {
      sequence& s = sequences_[active[static_cast<std::size_t>(live[i])]];
      std::copy_n(s.state(s.length() - 1), h, newest_.data() + static_cast<lagom::index_t>(i) * h);
    }
    return {newest_.data(), static_cast<lagom::index_t>(live.size()), h};
  }

  const model& network_;
  std::vector<sequence>& sequences_;
  Kv kv_;
  Leave leave_;
  lagom::decode_ledger ledger_;
  decoder::workspace<float> work_;
  std::vector<decoder::place<float>> places_;
  std::vector<float*> from_;
  std::vector<float> newest_;
};

}  // namespace generate
