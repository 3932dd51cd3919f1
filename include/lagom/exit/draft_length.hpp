// SPDX-License-Identifier: MIT
/// @file exit/draft_length.hpp
/// How many tokens to draft before the next verification.
#pragma once

#include "../cost/speculation.hpp"

namespace lagom {
inline namespace v0 {

/// A rule for draft lengths: `drafts(state)` says how many come next, `learn(state, drafted, kept)` what became of them.
/// Config and state are apart, one state a sequence.
template <class R>
concept draft_rule = std::copy_constructible<R> && std::is_trivially_copyable_v<typename R::state> &&
                     requires(const R rule, const typename R::state& now, typename R::state& s, int n) {
                       { rule.drafts(now) } noexcept -> std::same_as<int>;
                       { rule.learn(s, n, n) } noexcept;
                     };

/// Always the same number.
struct fixed_drafts {
  int count = 4;

  struct state {};
  LAGOM_LEAF int drafts(const state&) const noexcept { return count; }
  LAGOM_LEAF void learn(state&, int, int) const noexcept {}
};

/// Two more after a round that was kept whole, one fewer after another, at least one: the heuristic of Hugging Face's
/// assisted generation.
struct stepwise_drafts {
  int first = 5;
  int most = 32;

  struct state {
    int change = 0;  ///< against `first`
  };
  LAGOM_LEAF int drafts(const state& s) const noexcept { return first + s.change; }
  LAGOM_LEAF void learn(state& s, int drafted, int kept) const noexcept {
    const int now = drafts(s), next = kept == drafted ? now + 2 : now - 1;
    s.change = (next < 1 ? 1 : next > most ? most : next) - first;
  }
};

/// The number that is expected to be fastest at the acceptance seen so far (`cost::best_drafts`), which may be none: then a
/// single draft every `retry` rounds finds out whether that has changed.
///
/// Acceptance is kept / tried over a window that forgets: with every round that drafts, what came before counts `memory`
/// times as much. It begins as if three of four drafts had been kept. A draft after a refused one says nothing and is not
/// counted as tried.
struct fastest_drafts {
  double draft_cost = 0.25;  ///< of a draft, in tokens of the full model: E / l
  int most = 16;
  double memory = 0.95;  ///< in (0, 1]
  int retry = 8;

  struct state {
    double kept = 3, tried = 4;
    int idle = 0;  ///< rounds without a draft
  };
  [[nodiscard]] LAGOM_LEAF double acceptance(const state& s) const noexcept { return s.kept / s.tried; }
  LAGOM_LEAF int drafts(const state& s) const noexcept {
    const int best = cost::best_drafts(acceptance(s), draft_cost, most);
    return best == 0 && s.idle + 1 >= retry ? 1 : best;
  }
  LAGOM_LEAF void learn(state& s, int drafted, int kept) const noexcept {
    if (drafted == 0) {
      ++s.idle;
      return;
    }
    s.idle = 0;
    s.kept = memory * s.kept + kept;
    s.tried = memory * s.tried + kept + (kept < drafted ? 1 : 0);
  }
};

}  // namespace v0
}  // namespace lagom
