// SPDX-License-Identifier: MIT
// EE-Tuning's largest exit modules: a block of its own after some layers, with keys and values of the whole prompt.
#include <algorithm>
#include <mutex>
#include <optional>

#include "decoder/decoder.hpp"
#include "early_exit/prompts.hpp"
#include "last_block.hpp"
#include "rules.hpp"
#include "support/parallel.hpp"

namespace choose_exits {

namespace {

using fitted_block = lagom::fitted_block<model_rotation>;
constexpr lagom::cost::widths module_widths{.weight = 4, .kv = 4};  // trained in float, and kept so

// Prompts that one task runs.
constexpr std::size_t share = 64;
constexpr std::size_t shares(std::size_t rows) { return (rows + share - 1) / share; }

// Runs prompts up to layer `deepest`, each from where it differs from the one before. `watch(k, positions)` makes what sees the
// prompts of share k, none of them longer: its `prompt(known)` opens one of which so many positions were seen, then
// `block(row, states)` follows after every layer.
template <class Watch>
lagom::result<lagom::done> run_again(const study& s, const std::vector<lagom::index_t>& rows, int deepest,
                                     const Watch& watch) {
  std::optional<lagom::failure> failed;
  std::mutex mutex;
  support::parallel(shares(rows.size()), s.threads, [&](std::size_t k) {
    const auto mine = std::span(rows).subspan(k * share, std::min(share, rows.size() - k * share));
    std::size_t longest = 0;
    for (const lagom::index_t row : mine)
      longest = std::max(longest, (*s.prompts)[static_cast<std::size_t>(row)].tokens.size());
    auto watcher = watch(k, static_cast<lagom::index_t>(longest));
    auto cache = s.network->make_cache(longest);
    std::span<const lagom::token_id> previous;
    for (const lagom::index_t row : mine) {
      const std::span<const lagom::token_id> tokens((*s.prompts)[static_cast<std::size_t>(row)].tokens);
      const auto differs =
          std::mismatch(tokens.begin(), tokens.end() - 1, previous.begin(), previous.end()).first;
      const auto known = static_cast<std::size_t>(differs - tokens.begin());
      cache.truncate(known);
      previous = tokens;
      watcher.prompt(static_cast<lagom::index_t>(known));
      const decoder::feed<float> feed{&cache, tokens.subspan(known)};
      const auto ran =
          s.network->forward(std::span(&feed, 1), [&](const decoder::block_states<float>& states) {
            watcher.block(row, states);
            return states.layer.value >= deepest;
          });
      if (!ran) {
        const std::lock_guard lock(mutex);
        failed = ran.error();
        return;
      }
    }
  });
  if (failed) return *failed;
  return lagom::done{};
}

using sequences = lagom::hidden_sequences<>;

// Records a share of the prompts after every exit, and what comes out at the end.
struct recorder {
  const std::vector<int>& exits;
  int layers;
  std::vector<sequences>& to;

  void prompt(lagom::index_t known) {
    for (sequences& after : to) after.begin_sequence(known);
  }
  void block(lagom::index_t, const decoder::block_states<float>& states) {
    const int l = states.layer.value;
    for (std::size_t e = 0; e < exits.size(); ++e) {
      for (lagom::index_t r = 0; l == exits[e] && r < states.hidden.rows(); ++r)
        to[e].push(states.hidden.row(r));
      if (l + 1 == layers) to[e].answer(to[e].length() - 1, states.hidden.row(states.hidden.rows() - 1));
    }
  }
};

// States of up to `most` prompts to fit on, drawn evenly, after every exit.
lagom::result<std::vector<sequences>> record_sequences(const study& s, const std::vector<int>& exits,
                                                       std::size_t most) {
  std::vector<lagom::index_t> all, rows;
  for (lagom::index_t row = 0; row < s.trace.rows(); ++row) {
    if (s.rows(part::fit)(row)) all.push_back(row);
  }
  const std::size_t n = std::min(most, all.size());
  for (std::size_t k = 0; k < n; ++k) rows.push_back(all[k * all.size() / n]);
  std::vector<sequences> whole(exits.size(), sequences(s.shape.hidden));
  std::vector<std::vector<sequences>> parts(shares(n), whole);
  const auto watch = [&](std::size_t k, lagom::index_t) { return recorder{exits, s.shape.layers, parts[k]}; };
  if (auto ok = run_again(s, rows, s.shape.layers - 1, watch); !ok) return ok.error();
  for (std::vector<sequences>& part : parts) {
    for (std::size_t e = 0; e < exits.size(); ++e) whole[e].append(part[e]);
    part.clear();
  }
  return whole;
}

// A block after a layer; none where it did not help: then the model's own norm answers.
struct block_exit {
  int layer = 0;
  std::optional<fitted_block> block;
};

// Answers for a share of the prompts at every exit that has a block, into a trace.
template <class Head>
struct prober {
  const std::vector<block_exit>& exits;
  const Head& head;
  lagom::trace<>& to;
  std::vector<lagom::exit_block_memory> memories;  // of the exits that have blocks

  prober(const std::vector<block_exit>& at, const Head& h, lagom::trace<>& t, lagom::index_t positions)
      : exits(at), head(h), to(t) {
    for (const block_exit& e : exits) {
      if (e.block) memories.emplace_back(e.block->shape, positions);
    }
  }
  void prompt(lagom::index_t known) {
    for (auto& memory : memories) memory.crop(known);
  }
  void block(lagom::index_t row, const decoder::block_states<float>& states) {
    std::size_t next = 0;
    for (const block_exit& e : exits) {
      if (!e.block) continue;
      auto& memory = memories[next++];
      if (states.layer.value != e.layer) continue;
      (void)memory.append(e.block->block(), states.hidden, lagom::native{});  // it holds the longest prompt
      const auto x = states.hidden.row(states.hidden.rows() - 1);
      to.set(row, states.layer, lagom::probe_through(e.block->block(), head, memory, lagom::native{})(x));
    }
  }
};

// The trace as it is with these exits.
template <class Head>
lagom::result<lagom::trace<>> trace_with(const study& s, const Head& head,
                                         const std::vector<block_exit>& exits) {
  std::vector<lagom::index_t> rows;
  for (lagom::index_t row = 0; row < s.trace.rows(); ++row) rows.push_back(row);
  lagom::trace<> out = s.trace;
  int deepest = -1;
  for (const block_exit& e : exits) deepest = e.block ? e.layer : deepest;
  if (deepest < 0) return out;
  const auto watch = [&](std::size_t, lagom::index_t positions) {
    return prober<Head>(exits, head, out, positions);
  };
  if (auto ok = run_again(s, rows, deepest, watch); !ok) return ok.error();
  return out;
}

// Confidences that the fitted rows meet at the exits, from high to low.
std::vector<double> confidences(const study& s, const lagom::trace<>& t, const std::vector<block_exit>& exits,
                                std::size_t n) {
  std::vector<float> seen;
  for (lagom::index_t row = 0; row < t.rows(); ++row) {
    if (!s.rows(part::fit)(row)) continue;
    for (const block_exit& e : exits) seen.push_back(t.stats(row, e.layer).top_prob());
  }
  std::sort(seen.rbegin(), seen.rend());
  std::vector<double> out;
  for (std::size_t k = 0; k < n && !seen.empty(); ++k) {
    const auto at = static_cast<double>(seen[k * seen.size() / n]);
    if (out.empty() || at < out.back()) out.push_back(at);
  }
  return out;
}

// What the exits cost beside blocks and heads of the model: a decision and a whole block at every exit passed, keys and values
// at those that were not, and where `prompt`, keys and values of all other tokens at every exit.
lagom::cost::work spent(const study& s, const std::vector<block_exit>& exits, lagom::layer_index stop,
                        double length, bool prompt) {
  using namespace lagom::cost;
  work sum{};
  for (const block_exit& e : exits) {
    const bool passed = e.layer <= stop.value;
    if (passed) sum += linear_decision(1);
    if (!e.block) continue;
    sum += passed ? block(s.shape, decode(length), module_widths)
                  : kv_projection(s.shape, decode(length), module_widths);
    if (prompt && length > 1) sum += kv_projection(s.shape, prefill(length - 1), module_widths);
  }
  return sum;
}

template <class Head>
rule_rows rows_with(study& s, const Head& head, const last_block& start) {
  std::vector<int> layers;  // after a quarter, a half, three quarters
  for (int k = 1; k < 4; ++k) {
    const int l = std::max(1, s.shape.layers * k / 4) - 1;
    if (l + 1 < s.shape.layers && l < lagom::at_layers::capacity && (layers.empty() || l > layers.back()))
      layers.push_back(l);
  }
  auto recorded = record_sequences(s, layers, 1600);
  if (!recorded) return recorded.error();
  const lagom::exit_block_config config{
      .epochs = 4, .optimizer = {.learning_rate = 1e-3}, .max_rows = 0, .seed = s.seed};
  std::vector<std::optional<lagom::result<fitted_block>>> fitted(layers.size());
  support::parallel(layers.size(), s.threads, [&](std::size_t e) {
    fitted[e].emplace(lagom::fit<lagom::native>(config, start.block(), (*recorded)[e], head));
  });
  std::vector<block_exit> exits;
  lagom::at_layers probed;
  for (std::size_t e = 0; e < layers.size(); ++e) {
    if (!*fitted[e]) return fitted[e]->error();
    block_exit& to = exits.emplace_back(block_exit{layers[e], {}});
    if ((*fitted[e])->helps()) to.block = std::move(**fitted[e]);
    probed.add(layers[e]);
  }
  const auto tuned = trace_with(s, head, exits);
  if (!tuned) return tuned.error();
  std::size_t blocks = 0;
  for (const block_exit& e : exits) blocks += e.block.has_value();
  std::vector<rule_row> rows;
  for (const bool prompt : {true, false}) {
    const family f{.name = prompt ? "ee_tuning_block" : "ee_tuning_block_text",
                   .source = "Pan et al. 2024, arXiv 2402.00518",
                   .setting = fmt::format("top prob >= {{:.4f}}, blocks at {} of {} exits{}", blocks,
                                          exits.size(), prompt ? ", prompt charged" : ""),
                   .settings = confidences(s, *tuned, exits, 80)};
    auto row = judge(s, f, [&](double p, part which) -> lagom::result<outcomes> {
      const lagom::exit_policy policy{lagom::features<lagom::top_prob>{},
                                      lagom::threshold{static_cast<float>(p)}, probed};
      auto all = replay_policy(s, which, policy, {}, &*tuned);
      if (!all) return all;
      for (std::size_t r = 0; r < all->size(); ++r) {
        row_outcome& o = (*all)[r];
        if (o.stop.value >= 0)
          o.extra = spent(s, exits, o.stop, s.trace.length(static_cast<lagom::index_t>(r)), prompt);
      }
      return all;
    });
    if (!row) return row.error();
    rows.push_back(std::move(*row));
  }
  return rows;
}

}  // namespace

rule_rows ee_tuning_block(study& s) {
  const auto start = load_last_block(s.directory, s.network->config());
  if (!start && start.error().code == lagom::errc::unsupported) return std::vector<rule_row>{};
  if (!start) return start.error();
  return s.with_head([&](const auto& head) { return rows_with(s, head, *start); });
}

}  // namespace choose_exits
