// SPDX-License-Identifier: MIT
/// @file cost/speculation.hpp
/// What speculative decoding is expected to give and to cost.
#pragma once

#include "ledger.hpp"

namespace lagom {
inline namespace v0 {
namespace cost {

/// Tokens that verifying g drafts yields on average, the verifier's own one included: 1 + a + ... + a^g, which is
/// (1 - a^(g + 1)) / (1 - a). Leviathan et al. 2023, arXiv 2211.17192, equation 1.
///
/// Assumes that every draft is accepted with the same probability a, whatever came before: real acceptance falls along the
/// draft, so measure it at the length in use. O(g). Preconditions: 0 <= a <= 1, g >= 0.
LAGOM_LEAF constexpr double tokens_per_verification(double acceptance, int drafts) noexcept {
  LAGOM_ASSERT(0 <= acceptance && acceptance <= 1 && drafts >= 0);
  double sum = 1;
  for (int i = 0; i < drafts; ++i) sum = sum * acceptance + 1;
  return sum;
}

/// Speed against decoding without drafts: tokens_per_verification / (g c + 1), where a draft takes c times as long as a
/// token of the full model (Leviathan et al., theorem 3.8). Verifying g + 1 positions is taken to cost as much as one: true
/// while reading the weights is the bound. c = E / l for the first E of l layers, heads left out. Precondition: c >= 0.
LAGOM_LEAF constexpr double speculative_speedup(double acceptance, int drafts, double draft_cost) noexcept {
  LAGOM_ASSERT(draft_cost >= 0);
  return tokens_per_verification(acceptance, drafts) / (drafts * draft_cost + 1);
}

/// Operations against decoding without drafts: (g c_op + g + 1) / tokens_per_verification (Leviathan et al., theorem 3.11),
/// where a draft takes c_op times the operations of a token. At least 1: speculation buys time with operations.
LAGOM_LEAF constexpr double speculative_operations(double acceptance, int drafts,
                                                   double draft_operations) noexcept {
  return (drafts * draft_operations + drafts + 1) / tokens_per_verification(acceptance, drafts);
}

/// The number of drafts, of 0 ... most, with the largest `speculative_speedup`; the smallest of equals. 0: do not
/// speculate. O(most^2).
LAGOM_LEAF constexpr int best_drafts(double acceptance, double draft_cost, int most) noexcept {
  int best = 0;
  double fastest = 1;
  for (int g = 1; g <= most; ++g) {
    const double speed = speculative_speedup(acceptance, g, draft_cost);
    if (speed > fastest) {
      fastest = speed;
      best = g;
    }
  }
  return best;
}

/// One round of self-speculation (LayerSkip, arXiv 2404.16710): the first E layers draft, the others verify.
struct self_speculation {
  int drafts = 4;
  int draft_layers = 1;  ///< E: layers that drafting runs, and verifying does not run again
};

/// The work of a round after `context` positions: E layers for each of g + 1 tokens one at a time, the other l - E once
/// for all of them; the head for each draft, and once for the g + 1 positions. Layers run on tokens: (g + 1) l, so that no
/// operation is saved; layers read: l + g E.
LAGOM_LEAF constexpr work round_of(const decoder_shape& s, const self_speculation& r, double context,
                                   widths w = {}) noexcept {
  LAGOM_ASSERT(r.drafts >= 0 && 0 <= r.draft_layers && r.draft_layers <= s.layers);
  work sum;
  for (int i = 0; i <= r.drafts; ++i) {
    sum += static_cast<double>(r.draft_layers) * block(s, decode(context + i), w);
    if (i < r.drafts) sum += full_head(s, w);
  }
  const double tokens = r.drafts + 1;
  const pass verify{tokens, context + static_cast<double>(r.drafts) / 2};
  return sum + static_cast<double>(s.layers - r.draft_layers) * block(s, verify, w) + full_head(s, w, tokens);
}

/// Bytes that a token takes under self-speculation, as a share of what it takes without: below 1, it is faster where memory
/// is the bound.
LAGOM_LEAF constexpr cost_ratio self_speculation_bytes(const decoder_shape& s, const self_speculation& r,
                                                       double acceptance, double context,
                                                       widths w = {}) noexcept {
  return cost_ratio(round_of(s, r, context, w).bytes / tokens_per_verification(acceptance, r.drafts) /
                    full_model(s, decode(context), w).bytes);
}

}  // namespace cost
}  // namespace v0
}  // namespace lagom
