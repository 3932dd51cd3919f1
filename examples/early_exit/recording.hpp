// SPDX-License-Identifier: MIT
// From prompts to a trace: every layer of the decoder, watched at the last position.
#pragma once

#include <lagom/lagom.hpp>
#include <mutex>
#include <optional>

#include "decoder/decoder.hpp"
#include "prompts.hpp"
#include "support/parallel.hpp"
#include "support/progress.hpp"

namespace early_exit {

// Recorded once, replayed by every rule.
using recorded_signals = lagom::features<lagom::gap, lagom::top_prob, lagom::entropy, lagom::hidden_cosine,
                                         lagom::attention_cosine, lagom::mlp_cosine>;

// Rows of a trace carry task and split in their group.
inline int group_of(int task, bool test) { return 2 * task + (test ? 1 : 0); }
inline bool is_test(int group) { return group % 2 == 1; }
inline int task_of(int group) { return group / 2; }

// Runs every prompt to full depth. Prompts that share their beginning with the one before (demonstrations) reuse
// its keys and values: the states are the same bits. Deterministic for any number of threads. `behind`: the hidden
// states, too, row by row.
[[nodiscard]] inline lagom::result<lagom::trace<>> record(const decoder::model<float>& model,
                                                          const std::vector<prompt>& prompts,
                                                          unsigned threads, const std::string& what,
                                                          lagom::hidden_states<float>* behind = nullptr) {
  constexpr std::size_t share = 64;
  const std::size_t shares = (prompts.size() + share - 1) / share;
  const recorded_signals signals;
  std::vector<std::optional<lagom::trace<>>> parts(shares);
  std::vector<lagom::hidden_states<float>> states(
      shares, lagom::hidden_states<float>(model.config().layers, model.config().hidden));
  std::optional<lagom::failure> failed;
  std::mutex mutex;
  support::progress bar(what, prompts.size());
  support::parallel(shares, threads, [&](std::size_t s) {
    lagom::trace<>& part = parts[s].emplace(model.config().layers, signals);
    std::size_t longest = 0;
    const auto mine = std::span(prompts).subspan(s * share, std::min(share, prompts.size() - s * share));
    for (const prompt& p : mine) longest = std::max(longest, p.tokens.size());
    auto cache = model.make_cache(longest);
    std::span<const lagom::token_id> previous;
    for (const prompt& p : mine) {
      const std::span<const lagom::token_id> tokens(p.tokens);
      const auto differs =
          std::mismatch(tokens.begin(), tokens.end() - 1, previous.begin(), previous.end()).first;
      const auto kept = static_cast<std::size_t>(differs - tokens.begin());
      cache.truncate(kept);
      previous = tokens;
      part.begin_row(p.answer, group_of(p.task, p.test), static_cast<int>(tokens.size()));
      if (behind != nullptr) states[s].begin_row();
      const decoder::feed<float> feed{&cache, tokens.subspan(kept)};
      auto ran = model.forward(std::span(&feed, 1), [&](const decoder::block_states<float>& block) {
        auto seen = block.observation(block.hidden.rows() - 1);
        seen.n_layers = model.config().layers;
        seen.stats = model.with_head(
            [&](const auto& head) { return lagom::unembed(lagom::portable{}, seen.hidden, head); });
        part.record(lagom::portable{}, seen, signals);
        if (behind != nullptr) states[s].record(seen);
        return false;
      });
      if (!ran) {
        const std::lock_guard lock(mutex);
        failed = ran.error();
        return;
      }
      bar.advance();
    }
  });
  if (failed) return *failed;
  lagom::trace<> whole(model.config().layers, signals);
  for (const auto& part : parts) whole.append(*part);
  if (behind != nullptr) {
    behind->reserve(behind->rows() + static_cast<lagom::index_t>(prompts.size()));
    for (auto& part : states) {
      behind->append(part);
      part = lagom::hidden_states<float>(model.config().layers,
                                         model.config().hidden);  // twice would be too much
    }
  }
  return whole;
}

}  // namespace early_exit
