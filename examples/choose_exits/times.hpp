// SPDX-License-Identifier: MIT
// What layers and probes take on the decoder, one thread, one token.
#pragma once

#include <chrono>

#include "decoder/sequence.hpp"
#include "placing.hpp"
#include "support/must.hpp"

namespace choose_exits {

class exit_timer {
  using clock = std::chrono::steady_clock;

 public:
  // Behind the states of the study: a text of the mean length of its prompts.
  exit_timer(const decoder::model<float>& network, const study& s)
      : s_(s), text_(network, static_cast<std::size_t>(mean_length(s)) + 1) {
    std::vector<lagom::token_id> tokens;
    const lagom::philox random{s.seed};
    const auto vocab = static_cast<std::uint64_t>(network.config().vocab);
    for (int i = 0; i < mean_length(s); ++i)
      tokens.push_back(static_cast<lagom::token_id>(random.below(vocab, 0, static_cast<std::uint64_t>(i))));
    support::must(text_.prefill(tokens));
    context_ = static_cast<int>(tokens.size());
  }

  // `candidates`: the rows of a probe over a few; `gap`: what certified probes decide by.
  [[nodiscard]] exit_times measure(const std::vector<lagom::token_id>& candidates, float gap) {
    const lagom::portable b;
    const int layers = s_.shape.layers;
    exit_times out{.costs = {}, .certified = {}, .context = context_};
    const double pass = fastest(5, [&] { run_layers(); });
    out.costs.block = pass / layers;
    out.costs.skipped = fastest(5,
                                [&] {
                                  begin_token();
                                  for (int l = 0; l < layers; ++l) text_.project_kv(l, context_);
                                }) /
                        layers;
    choose_rows(pass);
    return s_.with_head([&](const auto& head) {
      const auto prepared = support::must(lagom::prepare_head(b, head.rows, {.code = lagom::row_code::int8}));
      lagom::certified_workspace memory{b, prepared.view()};
      const lagom::monotone_decision decide{lagom::features<lagom::gap>{}, lagom::threshold{gap}};
      out.costs.head =
          probe(layers - 1, [&](const auto& state) { keep(lagom::unembed(b, state, head).max); });
      for (int l = 0; l < layers; ++l) {
        out.certified.push_back(probe(l, [&](const auto& state) {
          keep(lagom::certified_probe(b, state, head, prepared.view(), memory, decide).low.max);
        }));
        out.costs.certified += out.certified.back() / layers;
      }
      if (candidates.size() > 1) {
        out.costs.rows = probe(layers - 1, [&](const auto& state) {
          keep(lagom::unembed_rows(b, state, head, candidates).max);
        });
      }
      time_decision(lagom::unembed(b, s_.states.at(rows_.front(), 0), head), gap, out.costs);
      return out;
    });
  }

 private:
  static int mean_length(const study& s) {
    double sum = 0;
    for (lagom::index_t row = 0; row < s.trace.rows(); ++row) sum += s.trace.length(row);
    return std::max(1, static_cast<int>(sum / static_cast<double>(s.trace.rows())));
  }

  template <class Work>
  static double nanoseconds(const Work& work) {
    const auto start = clock::now();
    work();
    return std::chrono::duration<double, std::nano>(clock::now() - start).count();
  }
  template <class Work>
  static double fastest(int times, const Work& work) {
    double best = 1e300;
    for (int i = 0; i < times; ++i) best = std::min(best, nanoseconds(work));
    return best;
  }
  static void keep(float value) {
    static volatile float last;
    last = value;
    (void)last;
  }

  void begin_token() {
    text_.crop(context_);
    support::must(text_.feed(1));
  }
  void run_layers() {
    begin_token();
    for (int l = 0; l < s_.shape.layers; ++l) text_.block(l, context_, 1);
  }

  // Rows to fit on, evenly spread; as many as take a few seconds for all probes.
  void choose_rows(double pass) {
    std::vector<lagom::index_t> all;
    for (lagom::index_t row = 0; row < s_.trace.rows(); ++row) {
      if (s_.rows(part::fit)(row)) all.push_back(row);
    }
    const double most = 5e9 / (2 * runs * pass * (s_.shape.layers + 2));
    const auto n = std::min(all.size(), static_cast<std::size_t>(std::clamp(most, 2.0, 32.0)));
    for (std::size_t k = 0; k < n; ++k) rows_.push_back(all[k * all.size() / n]);
  }

  // The mean over rows of the fastest of some runs, each after a pass through the layers: caches hold what they would.
  template <class Probe>
  double probe(int layer, const Probe& one) {
    double sum = 0;
    for (const lagom::index_t row : rows_) {
      const auto state = s_.states.at(row, layer);
      double best = 1e300;
      for (int k = 0; k < runs; ++k) {
        run_layers();
        best = std::min(best, nanoseconds([&] { one(state); }));
      }
      sum += best;
    }
    return sum / static_cast<double>(rows_.size());
  }

  // The cosine of two states that have just been made, and a decision: too short for the clock, so many times over.
  void time_decision(const lagom::softmax_stats<float>& stats, float gap, lagom::exit_costs& to) const {
    constexpr int times = 2000;
    const lagom::portable b;
    lagom::layer_obs seen{.hidden = s_.states.at(rows_.front(), 1),
                          .prev_hidden = s_.states.at(rows_.front(), 0),
                          .stats = stats};
    const auto loop = [&](const auto& signal) {
      return fastest(5,
                     [&] {
                       for (int i = 0; i < times; ++i) {
                         float x = 0;
                         seen.layer = i;
                         signal(seen, b, &x);
                         keep(x);
                       }
                     }) /
             times;
    };
    to.cheap = loop(lagom::hidden_cosine{});
    const lagom::threshold rule{gap};
    lagom::no_state none;
    to.decision = loop([&](const lagom::layer_obs& o, const lagom::portable& p, float* x) {
      lagom::gap{}(o, p, x);
      *x = rule.step(none, lagom::vec_view<const float>(x, 1));
    });
  }

  static constexpr int runs = 3;
  const study& s_;
  decoder::sequence<float> text_;
  std::vector<lagom::index_t> rows_;
  int context_ = 0;
};

}  // namespace choose_exits
