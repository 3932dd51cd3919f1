// SPDX-License-Identifier: MIT
// The decoder really stopping early, against the decoder at full depth.
#pragma once

#include <chrono>

#include "experiment.hpp"

namespace early_exit {

// Times a few held-out prompts of a task, from the first token of the prompt to the answer, probes and decisions
// included, on one thread. Every prompt runs at full depth and under every rule in turn, and the ratio is of
// sums of the faster of two runs. Fails with `bad_value` should a live run ever differ from its replay.
class stopwatch {
 public:
  stopwatch(const decoder::model<float>& model, const std::vector<prompt>& prompts)
      : model_(model), prompts_(prompts) {}

  lagom::result<lagom::done> measure(std::span<outcome*> rules, int task, std::size_t items) const {
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; i < prompts_.size(); ++i) {
      if (prompts_[i].task == task && prompts_[i].test) rows.push_back(i);
    }
    if (rows.empty() || items == 0) return lagom::done{};
    items = std::min(items, rows.size());
    double full = 0;
    std::vector<double> early(rules.size(), 0.0);
    for (std::size_t k = 0; k < items; ++k) {
      const std::size_t row = rows[k * rows.size() / items];
      auto cache = model_.make_cache(prompts_[row].tokens.size());
      double best_full = 1e300;
      std::vector<double> best(rules.size(), 1e300);
      for (int repeat = 0; repeat < 2; ++repeat) {
        best_full = std::min(best_full, run_full(row, cache));
        for (std::size_t r = 0; r < rules.size(); ++r) {
          const exit_run live = run_early(row, cache, rules[r]->rule);
          const auto& replayed = rules[r]->replay.outcomes[row];
          if (live.stop != replayed.stop || live.token != replayed.token) {
            return lagom::failure{.code = lagom::errc::bad_value,
                                  .key = "layer or token of a live run, unlike its replay's,",
                                  .expected = static_cast<std::uint64_t>(replayed.stop.value),
                                  .found = static_cast<std::uint64_t>(live.stop.value)};
          }
          best[r] = std::min(best[r], live.seconds);
        }
      }
      full += best_full;
      for (std::size_t r = 0; r < rules.size(); ++r) early[r] += best[r];
    }
    for (std::size_t r = 0; r < rules.size(); ++r) rules[r]->wall = early[r] / full;
    return lagom::done{};
  }

 private:
  struct exit_run {
    lagom::layer_index stop;
    lagom::token_id token;
    double seconds;
  };
  using clock = std::chrono::steady_clock;

  // Full depth, one pass over the head at the end.
  double run_full(std::size_t row, decoder::kv_cache<float>& cache) const {
    const auto start = clock::now();
    const int last = model_.config().layers - 1;
    lagom::token_id token = lagom::no_token;
    forward(row, cache, [&](const decoder::block_states<float>& s) {
      if (s.layer.value == last) {
        const auto x = s.hidden.row(s.hidden.rows() - 1);
        token = model_.with_head(
            [&](const auto& head) { return lagom::unembed(lagom::portable{}, x, head).top; });
      }
      return false;
    });
    return std::chrono::duration<double>(clock::now() - start).count();
  }

  exit_run run_early(std::size_t row, decoder::kv_cache<float>& cache, const any_rule& rule) const {
    return std::visit(
        [&](const auto& r) {
          const lagom::exit_policy policy{signals{}, r};
          const auto start = clock::now();
          auto run = policy.begin(model_.config().layers);
          model_.with_head([&](const auto& head) {
            forward(row, cache, [&](const decoder::block_states<float>& s) {
              return run.observe(s.observation(s.hidden.rows() - 1), head);
            });
          });
          return exit_run{run.stopped_at(), run.token(),
                          std::chrono::duration<double>(clock::now() - start).count()};
        },
        rule);
  }

  template <class Watch>
  void forward(std::size_t row, decoder::kv_cache<float>& cache, Watch&& watch) const {
    cache.truncate(0);
    const decoder::feed<float> feed{&cache, prompts_[row].tokens};
    (void)model_.forward(std::span(&feed, 1), watch)
        .has_value();  // every prompt ran once already, to full depth
  }

  const decoder::model<float>& model_;
  const std::vector<prompt>& prompts_;
};

}  // namespace early_exit
