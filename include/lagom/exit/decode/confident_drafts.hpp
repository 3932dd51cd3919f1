// SPDX-License-Identifier: MIT
/// @file exit/decode/confident_drafts.hpp
/// Greedy drafts that go on as long as they are sure enough, by a threshold that learns.
#pragma once

#include "../roc_threshold.hpp"
#include "greedy_drafts.hpp"

namespace lagom {
inline namespace v0 {

/// Kangaroo's setting (Liu et al. 2024, arXiv 2404.18911): two layers draft, at most 6 tokens, and stop after one less probable
/// than 0.6, which is still verified: `lagom::greedy_drafts<float> drafter(6, lagom::kangaroo_stop_below)`. (Its drafter also
/// has a trained adapter between those layers and the head: `module_head` puts an exit module there.)
inline constexpr speculation_round kangaroo_round{.draft_layers = layers_used(2), .drafts = 6};
inline constexpr double kangaroo_stop_below = 0.6;

/// `greedy_drafts` whose second exit moves: drafting stops after a draft less probable than the threshold of a
/// `roc_threshold`, which learns from every verification. As lossless as those. The length of drafts stays a matter of
/// `speculation_round::drafts`, that is of a `draft_rule`: the two compose.
template <scalar T, class Source = own_head, backend B = portable, int N = 256>
class confident_drafts {
 public:
  /// Rounds of at most `most` drafts.
  explicit confident_drafts(index_t most, roc_threshold<N> rule = {}, Source source = {})
      : verifier_(most, 0, std::move(source)),
        rule_(rule),
        state_(rule.begin()),
        confidence_(static_cast<std::size_t>(most)) {}

  /// What drafts are read from.
  [[nodiscard]] Source& source() noexcept { return verifier_.source(); }

  template <layered_sequence E>
    requires draft_source<Source, E>
  [[nodiscard]] drafted_token draft(E& engine, index_t position) {
    const auto s = source().stats(engine, position);
    if (!s.valid()) return {};
    LAGOM_ASSERT(drafted_ < confidence_.size());
    const auto p = static_cast<float>(s.top_prob());
    confidence_[drafted_++] = p;
    return {s.top, !(static_cast<double>(p) < state_.value)};
  }

  template <layered_sequence E>
  [[nodiscard]] verdict verify(E& engine, index_t first, vec_view<const token_id> drafts) {
    const verdict judged = verifier_.verify(engine, first, drafts);
    rule_.learn(state_, vec_view<const float>(confidence_.data(), drafts.size()), judged.kept);
    drafted_ = 0;
    return judged;
  }

  /// The threshold in force.
  [[nodiscard]] double stop_below() const noexcept { return state_.value; }

 private:
  greedy_drafts<T, Source, B> verifier_;
  roc_threshold<N> rule_;
  typename roc_threshold<N>::state state_;
  std::vector<float> confidence_;
  std::size_t drafted_ = 0;
};

}  // namespace v0
}  // namespace lagom
