// SPDX-License-Identifier: MIT
// The deployed exits on the decoder itself: the same layers and tokens as in the replay, and the time they take.
#pragma once

#include <chrono>

#include "decoder/decoder.hpp"
#include "early_exit/prompts.hpp"
#include "placing.hpp"

namespace choose_exits {

// Seconds of one decoding step, the last token of a prompt after all others: over that of full depth. Keys and values
// that skipped layers owe are not made up here.
struct live_run {
  double wall = 1;
  lagom::index_t prompts = 0;
};

class live_exits {
  using clock = std::chrono::steady_clock;

  template <class Watch>
  lagom::result<lagom::layers_used> step(decoder::kv_cache<float>& cache,
                                         std::span<const lagom::token_id> tokens, const Watch& watch) const {
    const decoder::feed<float> feed{&cache, tokens};
    return model_.forward(std::span(&feed, 1), watch);
  }

  // The answer at an exit, or none.
  template <class Head>
  lagom::token_id probe(const placed_exit& e, const lagom::layer_obs& seen, const Head& head,
                        const lagom::prepared_rows& rows, lagom::certified_workspace& memory) const {
    using lagom::probe_kind;
    const lagom::portable b;
    const lagom::features<lagom::gap> gap;
    if (e.kind == probe_kind::cheap || e.kind == probe_kind::cheap_first) {
      float cosine = 0;
      lagom::hidden_cosine{}(seen, b, &cosine);
      if (!(cosine >= e.cosine)) return lagom::no_token;
      if (e.kind == probe_kind::cheap) return lagom::unembed(b, seen.hidden, head).top;
    }
    if (e.kind == probe_kind::head || e.kind == probe_kind::rows) {
      const auto stats = e.kind == probe_kind::head
                             ? lagom::unembed(b, seen.hidden, head)
                             : lagom::unembed_rows(b, seen.hidden, head, placed_.candidates);
      return stats.gap() >= e.gap ? stats.top : lagom::no_token;
    }
    const lagom::monotone_decision decide{gap, lagom::threshold{e.gap}};
    const auto said = lagom::certified_probe(b, seen.hidden, head, rows, memory, decide);
    return said.decision == lagom::certified_verdict::stop ? said.low.top : lagom::no_token;
  }

 public:
  live_exits(const decoder::model<float>& model, const placing& placed)
      : model_(model), placed_(placed), exits_(placed.tested[*placed.deployed].exits) {}

  // Decodes under the exits and at full depth, in turn, the faster of three runs each; `rows` of the trace, of which
  // prompts[row] is the text and all[row] the replay. Fails with `bad_value` should the two ever differ.
  [[nodiscard]] lagom::result<live_run> measure(const std::vector<early_exit::prompt>& prompts,
                                                const std::vector<lagom::index_t>& rows,
                                                const outcomes& all) const {
    return model_.with_head([&](const auto& head) -> lagom::result<live_run> {
      const auto prepared =
          lagom::prepare_head(lagom::portable{}, head.rows, {.code = lagom::row_code::int8});
      if (!prepared) return prepared.error();
      lagom::certified_workspace memory{lagom::portable{}, prepared->view()};
      live_run sum;
      double early = 0, full = 0;
      for (const lagom::index_t row : rows) {
        const std::span<const lagom::token_id> tokens(prompts[static_cast<std::size_t>(row)].tokens);
        if (tokens.size() < 2) continue;
        auto cache = model_.make_cache(tokens.size());
        if (auto ok = step(cache, tokens.first(tokens.size() - 1), [](const auto&) { return false; }); !ok)
          return ok.error();
        const auto& replayed = all[static_cast<std::size_t>(row)];
        double best[2] = {1e300, 1e300};
        for (int k = 0; k < 6; ++k) {
          lagom::layer_index stop{-1};
          lagom::token_id token = lagom::no_token;
          std::size_t next = 0;
          const auto start = clock::now();
          auto ran = step(cache, tokens.last(1), [&](const decoder::block_states<float>& s) {
            const auto seen = s.observation(0);
            const bool last = seen.layer.value + 1 == model_.config().layers;
            if (last) {
              token = lagom::unembed(lagom::portable{}, seen.hidden, head).top;
            } else if (k % 2 == 0 && next < exits_.size() && exits_[next].layer == seen.layer) {
              token = probe(exits_[next++], seen, head, prepared->view(), memory);
            }
            if (token != lagom::no_token) stop = seen.layer;
            return token != lagom::no_token;
          });
          const double seconds = std::chrono::duration<double>(clock::now() - start).count();
          if (!ran) return ran.error();
          cache.truncate(tokens.size() - 1);
          best[k % 2] = std::min(best[k % 2], seconds);
          if (k % 2 == 0 && (stop != replayed.stop || token != replayed.token)) {
            return lagom::failure{.code = lagom::errc::bad_value,
                                  .key = "layer or token of a live step, unlike its replay's,",
                                  .expected = static_cast<std::uint64_t>(replayed.stop.value),
                                  .found = static_cast<std::uint64_t>(stop.value)};
          }
        }
        early += best[0], full += best[1];
        ++sum.prompts;
      }
      if (full > 0) sum.wall = early / full;
      return sum;
    });
  }

 private:
  const decoder::model<float>& model_;
  const placing& placed_;
  const std::vector<placed_exit>& exits_;
};

}  // namespace choose_exits
