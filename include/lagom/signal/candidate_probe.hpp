// SPDX-License-Identifier: MIT
/// @file signal/candidate_probe.hpp
#pragma once

#include "../kernel/head_products.hpp"
#include "exit_signal.hpp"

namespace lagom {
inline namespace v0 {

/// SpecEE's row-subset probe: the logits of K candidate tokens, the softmax among them, which of them is best, and the
/// layer. Only K rows of the head are multiplied, through the final norm if the head has one.
///
/// Writes 2 K + 2 numbers: K logits, K probabilities (they add up to 1 over the candidates), the best candidate's token id
/// (exact below 2^24; ties go to the lowest id, as over the whole head), the layer index. The differences to the
/// last probed layer, SpecEE's third group, are made by the rule that reads these (`specee`), which remembers.
///
/// ```cpp
/// std::array<lagom::token_id, 4> drafts;                     // of this sequence: from a draft head, an early layer, a list
/// lagom::exit_policy policy{lagom::features{lagom::candidate_probe<4, decltype(head)>{head, drafts}}, fitted->model};
/// ```
/// For a batch `candidates` holds K tokens a sequence, one sequence after another: each row is asked about its own.
/// Source: Xu et al., ISCA 2025, arXiv 2504.08850. Sees head and candidates; they must outlive it. A logit that is not
/// finite makes the first number NaN, which stops no model. Cost: K h multiply-adds, K rows read.
/// Precondition: K distinct tokens of the head, or K for every sequence.
template <std::size_t K, head_view Head>
struct candidate_probe {
  static_assert(K > 0);
  static constexpr std::string_view name = "candidate_probe";
  static constexpr std::size_t width = 2 * K + 2;
  static constexpr need needs = need::hidden;

  Head to{};
  vec_view<const token_id> candidates{};

  template <backend B, scalar T>
  LAGOM_LEAF void operator()(const basic_layer_obs<T>& o, const B& b, float* out) const noexcept {
    using Acc = accumulator_t<T>;
    constexpr auto count = static_cast<index_t>(K);
    const index_t first = candidates.size() == count ? 0 : o.sequence * count;
    LAGOM_ASSERT(first + count <= candidates.size());
    const auto mine = candidates.slice(first, count);
    Acc logits[K];
    detail::head_products<B, T, Head> products(b, o.hidden, to);
    products([&](index_t r) { return static_cast<index_t>(mine[r] - to.first_token); }, count, logits);
    bool sound = true;
    std::size_t best = 0;
    for (std::size_t k = 0; k < K; ++k) {
      sound = sound && is_finite(&logits[k]);
      const token_id token = mine[static_cast<index_t>(k)];
      const token_id leader = mine[static_cast<index_t>(best)];
      if (logits[k] > logits[best] || (!(logits[best] > logits[k]) && token < leader)) best = k;
    }
    Acc sum = 0, p[K];
    for (std::size_t k = 0; k < K; ++k) sum += p[k] = exp_nonpositive(logits[k] - logits[best]);
    for (std::size_t k = 0; k < K; ++k) {
      out[k] = static_cast<float>(logits[k]);
      out[K + k] = static_cast<float>(p[k] / sum);
    }
    out[2 * K] = static_cast<float>(mine[static_cast<index_t>(best)]);
    out[2 * K + 1] = static_cast<float>(o.layer.value);
    if (!sound) mark_missing(out);
  }
};

}  // namespace v0
}  // namespace lagom
