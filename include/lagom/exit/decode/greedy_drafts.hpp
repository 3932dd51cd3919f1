// SPDX-License-Identifier: MIT
/// @file exit/decode/greedy_drafts.hpp
/// Drafts of greedy decoding.
#pragma once

#include <utility>
#include <vector>

#include "../accept_drafts.hpp"
#include "draft_source.hpp"
#include "self_speculate.hpp"

namespace lagom {
inline namespace v0 {

/// Drafts the best token of the drafting layers, keeps drafts that are the best of the full model. Lossless: the output is
/// that of greedy decoding, whatever the drafts, and so whatever `Source` they are read from. Owns room for the
/// statistics of a round.
template <scalar T, class Source = own_head, backend B = portable>
class greedy_drafts {
 public:
  /// Rounds of at most `most` drafts. Drafting stops after a draft less probable than `stop_below` (Kangaroo: 0.6; that draft
  /// is still verified).
  explicit greedy_drafts(index_t most, double stop_below = 0, Source source = {})
      : stats_(static_cast<std::size_t>(most) + 1),
        verified_(stats_.size()),
        stop_below_(stop_below),
        source_(std::move(source)) {}

  /// What drafts are read from.
  [[nodiscard]] Source& source() noexcept { return source_; }

  template <layered_sequence E>
    requires draft_source<Source, E>
  [[nodiscard]] drafted_token draft(E& engine, index_t position) {
    const auto s = source_.stats(engine, position);
    if (!s.valid()) return {};
    return {s.top, !(static_cast<double>(s.top_prob()) < stop_below_)};
  }

  template <layered_sequence E>
  [[nodiscard]] verdict verify(E& engine, index_t first, vec_view<const token_id> drafts) {
    const index_t n = drafts.size() + 1;
    LAGOM_ASSERT(n <= static_cast<index_t>(stats_.size()));
    engine.answers(first, n, vec_view<softmax_stats<accumulator_t<T>>>(stats_.data(), n));
    for (index_t i = 0; i < n; ++i) {
      const auto& s = stats_[static_cast<std::size_t>(i)];
      verified_[static_cast<std::size_t>(i)] = s.valid() ? s.top : no_token;
    }
    const index_t kept = accept_drafts(drafts, vec_view<const token_id>(verified_.data(), n));
    return {kept, verified_[static_cast<std::size_t>(kept)]};
  }

 private:
  std::vector<softmax_stats<accumulator_t<T>>> stats_;
  std::vector<token_id> verified_;
  double stop_below_;
  [[no_unique_address]] Source source_;
};

}  // namespace v0
}  // namespace lagom
