// SPDX-License-Identifier: MIT
/// @file exit/accept_drafts.hpp
/// Which drafted tokens the full model keeps, so that its output is what it would have been.
#pragma once

#include "../core/random.hpp"
#include "../kernel/softmax_stats_of.hpp"

namespace lagom {
inline namespace v0 {

/// Greedy decoding: drafts are kept as far as they are what the full model says at their place. verified[i] is the full
/// model's best token after drafts 0 ... i - 1; the round then yields the kept drafts and verified[kept]. Returns how many
/// are kept. O(drafts). Precondition: verified.size() > drafts.size().
LAGOM_LEAF constexpr index_t accept_drafts(vec_view<const token_id> drafts,
                                           vec_view<const token_id> verified) noexcept {
  LAGOM_ASSERT(verified.size() > drafts.size());
  index_t kept = 0;
  while (kept < drafts.size() && drafts[kept] == verified[kept]) ++kept;
  return kept;
}

/// Sampling: keeps a draft x ~ q with probability min(1, p(x) / q(x)), and otherwise draws from max(p - q, 0), normalised:
/// what comes out is distributed as p (Leviathan et al. 2023, arXiv 2211.17192, appendix A.1).
///
/// p and q are softmax distributions of logits; nothing is normalised in memory. Draw `at` of `stream` is named, not taken:
/// the same numbers come for any order of rounds. One position uses draws 2 at and 2 at + 1.
/// ```cpp
/// lagom::draft_sampler sampler{lagom::philox{seed}};
/// token_id x = sampler.draw(q, sequence, at);                              // drafting
/// auto [token, kept] = sampler.verify(p, q, x, sequence, at);              // later, with the full model's logits
/// ```
template <backend B = portable>
struct draft_sampler {
  philox random{};
  [[no_unique_address]] B backend{};

  /// The token of a position, and whether it is the draft.
  struct outcome {
    token_id token = no_token;
    bool kept = false;
  };

  /// A token of the softmax of z; `no_token` where it has no distribution (all masked, NaN, +infinity). Two passes over z.
  template <std::floating_point T>
  [[nodiscard]] LAGOM_HD token_id draw(vec_view<const T> z, std::uint64_t stream,
                                       std::uint64_t at) const noexcept {
    const auto s = softmax_stats_of(backend, z, 0, without_entropy{});
    if (!s.valid()) return no_token;
    return pick(random.uniform(stream, 2 * at), 1.0, s.top, z.size(),
                [&](index_t i) { return static_cast<double>(s.prob(z[i])); });
  }

  /// Keeps the draft, or draws in its place. p, q: logits of the full model and of the drafter at the draft's position. Where
  /// p has no distribution the draft is not kept and the token is `no_token`; where q has none, the token is drawn from p.
  /// Preconditions: equal sizes; `draft` was drawn from q.
  template <std::floating_point T>
  [[nodiscard]] LAGOM_HD outcome verify(vec_view<const T> p, vec_view<const T> q, token_id draft,
                                        std::uint64_t stream, std::uint64_t at) const noexcept {
    LAGOM_ASSERT(p.size() == q.size() && 0 <= draft && draft < p.size());
    const auto ps = softmax_stats_of(backend, p, 0, without_entropy{});
    const auto qs = softmax_stats_of(backend, q, 0, without_entropy{});
    if (!ps.valid()) return {};
    const auto probability = [](const auto& s, T z) {
      return s.valid() ? static_cast<double>(s.prob(z)) : 0.0;
    };
    const double u = random.uniform(stream, 2 * at + 1);
    if (u * probability(qs, q[draft]) < probability(ps, p[draft])) return {draft, true};
    const auto residual = [&](index_t i) {
      const double d = probability(ps, p[i]) - probability(qs, q[i]);
      return d > 0 ? d : 0.0;
    };
    double total = 0;
    for (index_t i = 0; i < p.size(); ++i) total += residual(i);
    // One more draw of this position, apart from the one that drafted: the upper half of the numbers of the stream.
    const double v = random.uniform(~stream, 2 * at + 1);
    return {pick(v, total, ps.top, p.size(), residual), false};
  }

 private:
  /// The first i at which the running sum passes u total; `otherwise` where rounding leaves none, or nothing is to be drawn.
  template <class Weight>
  LAGOM_HD static token_id pick(double u, double total, token_id otherwise, index_t n,
                                const Weight& weight) noexcept {
    double sum = 0;
    for (index_t i = 0; i < n; ++i) {
      sum += weight(i);
      if (sum > u * total) return static_cast<token_id>(i);
    }
    return otherwise;
  }
};

draft_sampler(philox) -> draft_sampler<>;

}  // namespace v0
}  // namespace lagom
