// SPDX-License-Identifier: MIT
/// @file exit/decode/sampled_drafts.hpp
/// Drafts of sampling.
#pragma once

#include <utility>
#include <vector>

#include "../accept_drafts.hpp"
#include "draft_source.hpp"
#include "self_speculate.hpp"

namespace lagom {
inline namespace v0 {

/// Drafts by sampling from what `Source` reads off the drafting layers, keeps a draft with probability min(1, p / q) and draws
/// from what is left otherwise (`draft_sampler`): the output is distributed as the full model's. The engine gives logits by
/// `logits(hidden, to)`, which may apply a temperature. Draws are named by `stream`, one a sequence, and position, so a round more
/// or less changes nothing before it. Owns (most + 1) V logits.
template <std::floating_point T, class Source = own_head, backend B = portable>
class sampled_drafts {
 public:
  sampled_drafts(index_t most, index_t vocab, const draft_sampler<B>& sampler, std::uint64_t stream,
                 Source source = {})
      : vocab_(vocab),
        sampler_(sampler),
        stream_(stream),
        source_(std::move(source)),
        drafted_(static_cast<std::size_t>(most * vocab)),
        full_(static_cast<std::size_t>(vocab)) {}

  /// What drafts are read from.
  [[nodiscard]] Source& source() noexcept { return source_; }

  template <layered_sequence E>
  [[nodiscard]] drafted_token draft(E& engine, index_t position) {
    const index_t i = position - first_of(engine);
    const vec_view<T> q(drafted_.data() + i * vocab_, vocab_);
    source_.logits(engine, position, q);
    return {sampler_.draw(vec_view<const T>(q), stream_, static_cast<std::uint64_t>(position)), true};
  }

  template <layered_sequence E>
  [[nodiscard]] verdict verify(E& engine, index_t first, vec_view<const token_id> drafts) {
    const vec_view<T> p(full_.data(), vocab_);
    for (index_t i = 0; i <= drafts.size(); ++i) {
      engine.logits(engine.hidden(first + i), p);
      const auto at = static_cast<std::uint64_t>(first + i);
      if (i == drafts.size()) return {i, sampler_.draw(vec_view<const T>(p), stream_, at)};
      const vec_view<const T> q(drafted_.data() + i * vocab_, vocab_);
      const auto judged = sampler_.verify(vec_view<const T>(p), q, drafts[i], stream_, at);
      if (!judged.kept) return {i, judged.token};
    }
    return {};
  }

 private:
  /// The first position of the round: what the last layer does not hold.
  template <layered_sequence E>
  static index_t first_of(const E& engine) {
    return engine.held(layer_index(engine.layers() - 1));
  }

  index_t vocab_;
  draft_sampler<B> sampler_;
  std::uint64_t stream_;
  [[no_unique_address]] Source source_;
  std::vector<T> drafted_, full_;
};

}  // namespace v0
}  // namespace lagom
