// SPDX-License-Identifier: MIT
// Measured time against what the cost model says when it is given the time of one layer and one head.
#pragma once

#include <fmt/core.h>

#include <array>
#include <chrono>

#include "batch.hpp"
#include "one.hpp"
#include "regroup.hpp"

namespace generate {

template <class Work>
double seconds(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}
// The fastest of some runs.
template <class Work>
double fastest(int runs, const Work& work) {
  double best = 1e300;
  for (int i = 0; i < runs; ++i) best = std::min(best, seconds(work));
  return best;
}

// The time of a piece by the number of tokens, ascending; between the numbers that were measured, and beyond the last, on
// a line.
struct time_by_tokens {
  std::vector<std::pair<int, double>> at;
  [[nodiscard]] double operator()(double n) const {
    std::size_t i = 1;
    while (i + 1 < at.size() && at[i].first < n) ++i;
    const auto [n0, t0] = at[i - 1];
    const auto [n1, t1] = at[i];
    return t0 + (t1 - t0) * (n - n0) / (n1 - n0);
  }
};

// Times of the decoder's pieces: a block, the head, keys and values of a skipped layer on one token.
struct piece_times {
  time_by_tokens block, head;
  double projection = 0;
  [[nodiscard]] double of(const tally& t) const {
    double sum = 0;
    for (const auto& [n, times] : t.blocks) sum += times * block(static_cast<double>(n));
    for (const auto& [n, times] : t.heads) sum += times * head(static_cast<double>(n));
    for (const auto& [n, times] : t.projections) sum += times * projection;
    return sum;
  }
};

// All layers in turn, so that no weight is still in the cache when it is read again.
[[nodiscard]] inline piece_times time_pieces(const model& network, int context, int runs) {
  piece_times out;
  const int layers = network.config().layers;
  const lagom::philox random{3};
  const auto vocab = static_cast<std::uint64_t>(network.config().vocab);
  sequence s(network, static_cast<std::size_t>(context) + 64);
  tokens text;
  for (int i = 0; i < context; ++i)
    text.push_back(static_cast<lagom::token_id>(random.below(vocab, 0, static_cast<std::uint64_t>(i))));
  support::must(s.prefill(text));
  for (const int n : {1, 2, 4, 8, 16}) {
    const double t = fastest(runs, [&] {
      s.crop(context);
      for (int i = 0; i < n; ++i) support::must(s.feed(1 + i));
      for (int l = 0; l < layers; ++l) s.block(l, context, n);
    });
    out.block.at.push_back({n, t / layers});
    std::vector<lagom::softmax_stats<float>> said(static_cast<std::size_t>(n));
    out.head.at.push_back({n, fastest(runs, [&] { s.answers(context, n, said); })});
  }
  s.crop(context);
  support::must(s.feed(1));
  s.block(0, context, 1);
  out.projection = fastest(runs,
                           [&] {
                             s.crop(context);
                             support::must(s.feed(1));
                             for (int l = 0; l < layers; ++l) s.project_kv(l, context);
                           }) /
                   layers;
  out.head.at.front().second = fastest(runs, [&] { (void)s.probe(s.hidden(context)); });
  return out;
}

// Adds up times: what lagom::metered is told.
struct clock_meter {
  const piece_times* pieces;
  double predicted = 0;
  void block(lagom::layer_index, lagom::index_t, lagom::index_t n) {
    predicted += pieces->block(static_cast<double>(n));
  }
  void head(lagom::index_t n) { predicted += pieces->head(static_cast<double>(n)); }
  void projection() { predicted += pieces->projection; }
};

// One line of the comparison: time of the pattern over time at full depth.
struct pattern_time {
  std::string name, kv;
  int batch = 1;
  double layers = 0;  // used, a token, on average
  double measured = 0, predicted = 0, macs = 0, bytes = 0;
  [[nodiscard]] double gap() const { return measured / predicted - 1; }
};

class pattern_timer {
 public:
  pattern_timer(const model& network, int context, int n_tokens, int runs)
      : network_(network),
        n_layers_(network.config().layers),
        context_(context),
        n_tokens_(n_tokens),
        runs_(runs),
        pieces_(time_pieces(network, context + n_tokens / 2, runs)),
        start_(network, static_cast<std::size_t>(context + n_tokens + 1)) {
    const lagom::philox random{5};
    const auto vocab = static_cast<std::uint64_t>(network.config().vocab);
    for (int i = 0; i < context; ++i)
      prompt_.push_back(static_cast<lagom::token_id>(random.below(vocab, 1, static_cast<std::uint64_t>(i))));
    support::must(start_.prefill(std::span(prompt_).first(prompt_.size() - 1)));
    full_ = count({n_layers_}, lagom::fill_kv{});
    full_.measured = fastest(runs, [&] { (void)decode({n_layers_}, lagom::fill_kv{}, start_); });
  }

  [[nodiscard]] const piece_times& pieces() const { return pieces_; }
  [[nodiscard]] double full_seconds_a_token() const { return full_.measured / n_tokens_; }

  // Every token leaves after `exits` layers, in turn.
  template <class Kv>
  pattern_time one(const std::vector<int>& exits, const Kv& kv) {
    auto out = count(exits, kv);
    out.measured = against_full([&] { (void)decode(exits, kv, start_); });
    out.predicted /= full_.predicted;
    out.macs /= full_.macs;
    out.bytes /= full_.bytes;
    return out;
  }

  // The same for several sequences in step; ratios a token.
  template <class Kv>
  pattern_time together(int batch, const std::vector<int>& exits, const Kv& kv) {
    std::vector<sequence> all(static_cast<std::size_t>(batch), start_);
    batch_decoder<Kv> decoder(network_, all, kv);
    return several(decoder, all, {.name = name_of(exits), .kv = std::string(Kv::name), .batch = batch},
                   [&](int i) { return leave_after(exits[static_cast<std::size_t>(i) % exits.size()] - 1); });
  }
  // Half of the tokens leave after so many layers, the others run all: in step, or regrouped to passes of `batch` out of
  // twice as many.
  pattern_time mixed(int batch, int exit, bool regrouped) {
    const lagom::propagate_kv kv;
    std::vector<sequence> all(static_cast<std::size_t>(regrouped ? 2 * batch : batch), start_);
    for (std::size_t i = 0; i < all.size(); ++i) {  // texts of their own
      all[i].crop(context_ - 2);
      support::must(all[i].prefill(std::array{static_cast<lagom::token_id>(7 + i)}));
    }
    pattern_time out{.name = fmt::format("{} or {}{}", exit, n_layers_, regrouped ? ", waiting" : ""),
                     .kv = std::string(kv.name),
                     .batch = batch};
    const auto policy_at = [exit](int i) { return leave_by_chance(exit - 1, i); };
    if (regrouped) {
      regrouping_decoder decoder(network_, all, kv, batch);
      return several(decoder, all, out, policy_at);
    }
    batch_decoder decoder(network_, all, kv);
    return several(decoder, all, out, policy_at);
  }

 private:
  // The text of a pattern, from the prompt on.
  template <class Kv, class Engine>
  decoded decode(const std::vector<int>& exits, const Kv& kv, Engine& engine) {
    start_.crop(context_ - 1);
    const auto policy_at = [&](int i) {
      return leave_after(exits[static_cast<std::size_t>(i) % exits.size()] - 1);
    };
    return early(engine, prompt_.back(), {.most = static_cast<std::size_t>(n_tokens_)}, policy_at, kv);
  }

  // What a pattern is predicted to take, in seconds, and its work.
  template <class Kv>
  pattern_time count(const std::vector<int>& exits, const Kv& kv) {
    pattern_time out{.name = name_of(exits), .kv = std::string(Kv::name)};
    lagom::metered clocked{start_, clock_meter{&pieces_}};
    out.layers = mean(decode(exits, kv, clocked).layers);
    out.predicted = clocked.meter().predicted;
    lagom::metered counted{start_,
                           lagom::decode_ledger{.shape = network_.config().shape(), .widths = widths()}};
    (void)decode(exits, kv, counted);
    out.macs = counted.meter().spent.macs;
    out.bytes = counted.meter().spent.bytes;
    return out;
  }

  // Several sequences under a decoder of theirs; all numbers a token.
  template <class Decoder, class PolicyAt>
  pattern_time several(Decoder& decoder, std::vector<sequence>& all, pattern_time out,
                       const PolicyAt& policy_at) {
    tally& spent = decoder.pass().spent();
    const auto times = static_cast<double>(all.size());
    const double times_full = against_full([&] {
      for (sequence& s : all) s.crop(context_ - 1);
      spent = {.ledger = {.shape = network_.config().shape(), .widths = widths()}};
      const auto got = decoder.run(tokens(all.size(), prompt_.back()),
                                   {.most = static_cast<std::size_t>(n_tokens_)}, policy_at);
      out.layers = 0;
      for (const decoded& d : got) out.layers += mean(d.layers) / times;
    });
    out.measured = times_full / times;
    out.predicted = pieces_.of(spent) / (times * full_.predicted);
    out.macs = spent.ledger.spent.macs / (times * full_.macs);
    out.bytes = spent.ledger.spent.bytes / (times * full_.bytes);
    return out;
  }

  // The fastest of some runs over the fastest at full depth, in turn.
  template <class Work>
  double against_full(const Work& work) {
    double best = 1e300, best_full = 1e300;
    for (int r = 0; r < runs_; ++r) {
      best = std::min(best, seconds(work));
      best_full = std::min(best_full, seconds([&] { (void)decode({n_layers_}, lagom::fill_kv{}, start_); }));
    }
    return best / best_full;
  }

  static lagom::cost::widths widths() { return {.weight = 4, .kv = 4}; }
  static double mean(const std::vector<int>& x) {
    double sum = 0;
    for (const int v : x) sum += v;
    return sum / static_cast<double>(std::max<std::size_t>(1, x.size()));
  }
  static std::string name_of(const std::vector<int>& exits) {
    std::string out;
    for (std::size_t i = 0; i < exits.size();) {
      std::size_t n = 1;
      while (i + n < exits.size() && exits[i + n] == exits[i]) ++n;
      out += (out.empty() ? "" : " ") + (n > 1 ? std::to_string(n) + "x" : "") + std::to_string(exits[i]);
      i += n;
    }
    return out;
  }

  const model& network_;
  int n_layers_, context_, n_tokens_, runs_;
  piece_times pieces_;
  sequence start_;
  tokens prompt_;
  pattern_time full_;
};

// The patterns that are compared.
[[nodiscard]] inline std::vector<pattern_time> time_patterns(pattern_timer& timer, int layers, int batch) {
  const int quarter = std::max(1, layers / 4), half = std::max(1, layers / 2);
  std::vector<pattern_time> out;
  for (const int exit : {quarter, half, 3 * quarter}) out.push_back(timer.one({exit}, lagom::propagate_kv{}));
  out.push_back(timer.one({half}, lagom::drop_kv{}));
  out.push_back(timer.one({half, layers}, lagom::defer_batch{.most = 16}));
  out.push_back(timer.one({quarter, quarter, quarter, layers}, lagom::defer_batch{.most = 16}));
  std::vector<int> seven(7, quarter);
  seven.push_back(layers);
  out.push_back(timer.one(seven, lagom::defer_batch{.most = 16}));
  out.push_back(timer.one({quarter, quarter, quarter, layers}, lagom::recompute_kv{.most = 16}));
  out.push_back(timer.one({half}, lagom::fill_kv{}));
  if (batch > 1) {
    out.push_back(timer.together(batch, {layers}, lagom::propagate_kv{}));
    out.push_back(timer.together(batch, {half}, lagom::propagate_kv{}));
    for (const bool regrouped : {false, true}) out.push_back(timer.mixed(batch, half, regrouped));
  }
  return out;
}

}  // namespace generate
