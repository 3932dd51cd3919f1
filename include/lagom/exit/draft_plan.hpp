// SPDX-License-Identifier: MIT
/// @file exit/draft_plan.hpp
/// How deep to draft, and how far: chosen from what was kept so far, one memory a kind of text.
#pragma once

#include "../core/layer.hpp"
#include "draft_length.hpp"

namespace lagom {
inline namespace v0 {

/// Chooses E, the layers that draft, among N candidates, and the number of drafts with it: the pair that is expected to be
/// fastest (`cost::speculative_speedup`) at the acceptance seen at each E. A deeper drafter is kept more often and costs more.
///
/// What verification says of the E in use says nothing certain of the others, so every `explore` rounds the candidate that
/// was tried longest ago drafts. Acceptance is remembered as in `fastest_drafts`. No candidate is fast enough: no drafts,
/// but for the exploring rounds.
///
/// ```cpp
/// const lagom::adaptive_drafts<3> rule{.layers = {2, 4, 8}, .n_layers = 32};
/// auto round = rule.next(state);
/// ... self_speculate(sequence, t, {.draft_layers = round.layers, .drafts = round.drafts}, drafter, out) ...
/// rule.learn(state, round, r.drafted, r.kept);
/// ```
template <std::size_t N>
struct adaptive_drafts {
  static_assert(N > 0);
  int layers[N] = {};        ///< E, each in 1 ... n_layers
  int n_layers = 1;          ///< l
  double head_layers = 0;    ///< a pass over the head, in layers: drafts pay for one each
  double module_layers = 0;  ///< an exit module before the head of a draft (`module_head`), in layers
  int most = 16;
  double memory = 0.95;  ///< in (0, 1]
  int explore = 16;      ///< > 0; 1 tries the candidates in turn

  struct plan {
    layers_used draft_layers{};
    int drafts = 0;
    int candidate = 0;
  };
  struct state {
    fastest_drafts::state seen[N]{};
    int last_tried[N]{};  ///< round
    int rounds = 0;
  };

  /// A draft of this candidate in tokens of the full model: (E + module + head) / (l + head).
  [[nodiscard]] LAGOM_LEAF double draft_cost(int candidate) const noexcept {
    return (layers[candidate] + module_layers + head_layers) / (n_layers + head_layers);
  }
  [[nodiscard]] LAGOM_LEAF plan next(const state& s) const noexcept {
    if (N > 1 && s.rounds % explore == explore - 1) {
      int oldest = 0;
      for (int c = 1; c < static_cast<int>(N); ++c) {
        if (s.last_tried[c] < s.last_tried[oldest]) oldest = c;
      }
      const int drafts = best(s, oldest);
      return {layers_used(layers[oldest]), drafts > 0 ? drafts : 1, oldest};
    }
    plan fastest{layers_used(layers[0]), 0, 0};
    double speed = 1;
    for (int c = 0; c < static_cast<int>(N); ++c) {
      const int drafts = best(s, c);
      const double v = cost::speculative_speedup(acceptance(s, c), drafts, draft_cost(c));
      if (drafts == 0 || !(v > speed)) continue;
      speed = v;
      fastest = {layers_used(layers[c]), drafts, c};
    }
    if (fastest.drafts == 0 && N == 1 && s.rounds % explore == explore - 1) fastest.drafts = 1;
    return fastest;
  }
  /// What became of a round that followed `p`.
  LAGOM_LEAF void learn(state& s, const plan& p, int drafted, int kept) const noexcept {
    s.rounds = s.rounds == 1 << 30 ? explore : s.rounds + 1;
    if (drafted == 0) return;
    s.last_tried[p.candidate] = s.rounds;
    fastest_drafts{.memory = memory}.learn(s.seen[p.candidate], drafted, kept);
  }
  [[nodiscard]] LAGOM_LEAF double acceptance(const state& s, int candidate) const noexcept {
    return s.seen[candidate].kept / s.seen[candidate].tried;
  }

 private:
  [[nodiscard]] LAGOM_LEAF int best(const state& s, int candidate) const noexcept {
    return cost::best_drafts(acceptance(s, candidate), draft_cost(candidate), most);
  }
};

/// A memory for every kind of text: what is drafted well in one language is drafted badly in another, so each keeps its own
/// counts, and with several trained drafters its own drafter (`module_head`). `of(kind)` is the state of a kind; kinds beyond the last
/// share the last one.
/// ```cpp
/// lagom::routed<lagom::adaptive_drafts<3>::state, 5> memory;        // one a language, and one for the rest
/// auto& state = memory.of(language_index(prompt));
/// ```
template <class State, std::size_t Kinds>
struct routed {
  static_assert(Kinds > 0);
  State states[Kinds]{};

  [[nodiscard]] LAGOM_LEAF State& of(int kind) noexcept {
    return states[kind < 0 || kind >= static_cast<int>(Kinds) ? Kinds - 1 : static_cast<std::size_t>(kind)];
  }
};

}  // namespace v0
}  // namespace lagom
