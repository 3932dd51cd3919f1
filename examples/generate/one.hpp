// SPDX-License-Identifier: MIT
// Decoding one sequence, in every way.
#pragma once

#include "drafters.hpp"
#include "support/must.hpp"
#include "token_choice.hpp"

namespace generate {

// All ways take a sequence that holds the prompt but its last token, and that token: `Engine` is a `sequence`, plain or
// metered.

// Early exit: `policy_at(i)` decides for token i.
template <class Engine, class PolicyAt, class Kv>
decoded early(Engine& engine, lagom::token_id last, const limits& until, const PolicyAt& policy_at,
              const Kv& kv, const token_choice& choose = {}, std::size_t text = 0) {
  decoded out;
  while (!until.reached(out.text)) {
    const auto policy = policy_at(static_cast<int>(out.text.size()));
    // The state that answers is there until the keys and values are settled.
    const auto choose_next = [&](lagom::token_id best) {
      const lagom::index_t at = engine.length() - 1;
      last = choose(engine.hidden(at), best, text, at);
    };
    const auto next = support::must(lagom::early_token(engine, last, policy, kv, choose_next));
    out.text.push_back(last);
    out.layers.push_back(next.used.value);
  }
  return out;
}

// FREE: shallow where the gap is above a threshold that learns, deep for all that wait otherwise.
template <class Engine>
decoded free_early_exit(Engine& engine, lagom::token_id last, const limits& until,
                        const lagom::shallow_deep_config& config, float first_threshold) {
  lagom::shallow_deep<float> free{config};
  lagom::adaptive_threshold adaptive{{.first = first_threshold}};
  constexpr std::size_t between = 16;  // tokens between two fits: one text takes the place of many
  decoded out;
  for (std::size_t steps = 1; !until.reached(out.text); ++steps) {
    const auto next = support::must(
        free.decode(engine, last, adaptive.current().value,
                    [&](double confidence, bool agreed) { adaptive.push(confidence, agreed); }));
    const std::size_t left = out.text.size() - static_cast<std::size_t>(next.withdrawn);
    out.text.resize(left);
    out.layers.resize(left);
    out.withdrawn += static_cast<int>(next.withdrawn);
    out.text.push_back(last = next.token);
    out.layers.push_back(next.used.value);
    if (steps % between == 0) (void)adaptive.refit();
  }
  return out;
}

// Self-speculation: depth and length of the drafts by what was kept so far, or fixed. What was kept is remembered by
// the caller, for each kind of text apart.
using draft_memory = lagom::adaptive_drafts<4>::state;
constexpr int most_drafts = 16;  // of a round
struct speculation {
  int draft_layers = 0;  // 0: chosen
  int drafts = 0;        // 0: chosen
  double stop_below = 0;
  double head_layers = 0;    // a pass over the head, in layers
  double module_layers = 0;  // a trained drafter's module, in layers
  lagom::index_t vocab = 0;
  std::array<int, 4> candidates{1, 1, 1, 1};  // numbers of layers to choose from
};
template <class Engine, class Drafter>
decoded self_speculation(Engine& engine, lagom::token_id last, const limits& until, const speculation& how,
                         draft_memory& memory, Drafter drafter) {
  const int n = engine.layers();
  lagom::adaptive_drafts<4> rule{
      .n_layers = n, .head_layers = how.head_layers, .module_layers = how.module_layers, .most = most_drafts};
  std::copy(how.candidates.begin(), how.candidates.end(), std::begin(rule.layers));
  if (how.draft_layers > 0) std::fill(std::begin(rule.layers), std::end(rule.layers), how.draft_layers);
  tokens round(most_drafts + 1);
  decoded out;
  while (!until.reached(out.text)) {
    auto plan = rule.next(memory);
    if (how.drafts > 0) plan.drafts = std::min(how.drafts, most_drafts);
    const auto left = static_cast<int>(until.most - out.text.size());
    const auto got = support::must(lagom::self_speculate(
        engine, last,
        {.draft_layers = plan.draft_layers, .drafts = std::min(plan.drafts, left - 1), .end = until.end},
        drafter, round));
    rule.learn(memory, plan, got.drafted, got.kept);
    out.drafted += got.drafted;
    out.kept += got.kept;
    for (lagom::index_t i = 0; i < got.tokens; ++i) {
      const bool draft = i < got.kept;
      out.text.push_back(last = round[static_cast<std::size_t>(i)]);
      out.layers.push_back(draft ? plan.draft_layers.value : n);
      out.from_draft.push_back(draft);
    }
  }
  return out;
}

// The text of full depth, or a draw of full depth's distribution. Drafts come from the model's own head or through `trained`.
template <class Engine>
decoded self_speculation(Engine& engine, lagom::token_id last, const limits& until, speculation how,
                         draft_memory& memory, const token_choice& choose = {}, std::size_t text = 0,
                         const lagom::exit_modules* trained = nullptr) {
  how.candidates = draft_candidates(engine.layers(), trained);
  const auto from = [&](const auto& source) {
    using Source = std::remove_cvref_t<decltype(source)>;
    if (!choose.draws()) {
      return self_speculation(engine, last, until, how, memory,
                              lagom::greedy_drafts<float, Source>(most_drafts, how.stop_below, source));
    }
    return self_speculation(engine, last, until, how, memory,
                            lagom::sampled_drafts<float, Source, lagom::native>(
                                most_drafts, how.vocab, choose.sampler(), text, source));
  };
  if (trained == nullptr) return from(lagom::own_head{});
  return from(lagom::module_head<float, lagom::native>(*trained));
}

}  // namespace generate
