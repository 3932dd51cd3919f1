// SPDX-License-Identifier: MIT
/// @file stop/calibrate/consistency.hpp
/// What an early text loses against the full model's: CALM's two losses.
#pragma once

#include <concepts>
#include <vector>

#include "../../core/backend.hpp"
#include "../../core/vec_view.hpp"

namespace lagom {
inline namespace v0 {

/// A distance of two token sequences, in [0, 1]: 0 for equal ones, 1 where they share nothing. All here give 0 for two
/// empty sequences, 1 for an empty and another one.
template <class D>
concept token_distance = requires(const D d, vec_view<const token_id> a, vec_view<const token_id> b) {
  { d(a, b) } -> std::same_as<double>;
};

namespace detail {
/// 1 - 2 common / all, exactly 0 where all are common.
LAGOM_LEAF constexpr double share_apart(index_t common, index_t all) noexcept {
  return static_cast<double>(all - 2 * common) / static_cast<double>(all);
}
}  // namespace detail

/// 1 unless the sequences are equal.
struct exact_match_distance {
  template <backend B = portable>
  [[nodiscard]] double operator()(vec_view<const token_id> a, vec_view<const token_id> b) const noexcept {
    if (a.size() != b.size()) return 1;
    for (index_t i = 0; i < a.size(); ++i) {
      if (a[i] != b[i]) return 1;
    }
    return 0;
  }
};

/// 1 - F1 of the tokens in common, as multisets: 1 - 2 common / (|a| + |b|), their order left aside. Cost: |a| |b|
/// comparisons, memory for |b| flags.
struct token_f1_distance {
  template <backend B = portable>
  [[nodiscard]] double operator()(vec_view<const token_id> a, vec_view<const token_id> b) const {
    if (a.size() + b.size() == 0) return 0;
    std::vector<signed char> taken(static_cast<std::size_t>(b.size()), 0);
    index_t common = 0;
    for (index_t i = 0; i < a.size(); ++i) {
      for (index_t j = 0; j < b.size(); ++j) {
        if (a[i] != b[j] || taken[static_cast<std::size_t>(j)] != 0) continue;
        taken[static_cast<std::size_t>(j)] = 1;
        ++common;
        break;
      }
    }
    return detail::share_apart(common, a.size() + b.size());
  }
};

/// 1 - ROUGE-L (Lin 2004; F with equal weights): 1 - 2 c / (|a| + |b|), c the length of the longest common subsequence.
/// Cost: |a| |b| steps, memory for |b| counts.
struct rouge_l_distance {
  template <backend B = portable>
  [[nodiscard]] double operator()(vec_view<const token_id> a, vec_view<const token_id> b) const {
    if (a.size() + b.size() == 0) return 0;
    std::vector<index_t> best(static_cast<std::size_t>(b.size()) + 1, 0);  // with the first j tokens of b
    for (index_t i = 0; i < a.size(); ++i) {
      index_t diagonal = 0;
      for (std::size_t j = 1; j < best.size(); ++j) {
        const index_t above = best[j];
        const index_t longer = above > best[j - 1] ? above : best[j - 1];
        best[j] = a[i] == b[static_cast<index_t>(j) - 1] ? diagonal + 1 : longer;
        diagonal = above;
      }
    }
    return detail::share_apart(best.back(), a.size() + b.size());
  }
};

/// Textual consistency: how far the text of the early exits is from the full model's. Needs no reference.
///
/// Source: Schuster et al. 2022, arXiv 2207.07061. One calibration row is one prompt. `distance` is any function into
/// [0, 1].
template <token_distance Distance = rouge_l_distance>
[[nodiscard]] LAGOM_INLINE double textual_consistency_loss(vec_view<const token_id> early,
                                                           vec_view<const token_id> full,
                                                           const Distance& distance = {}) {
  return distance(early, full);
}

/// Risk consistency: how much worse the early text does than the full model's, both against a reference. Early texts
/// that do better lose nothing.
///
/// Source: Schuster et al. 2022, arXiv 2207.07061.
[[nodiscard]] LAGOM_INLINE double risk_consistency_loss(double early_risk, double full_risk) noexcept {
  return early_risk > full_risk ? early_risk - full_risk : 0;
}
/// @overload The risk being a distance from the reference.
template <token_distance Distance = rouge_l_distance>
[[nodiscard]] LAGOM_INLINE double risk_consistency_loss(vec_view<const token_id> early,
                                                        vec_view<const token_id> full,
                                                        vec_view<const token_id> reference,
                                                        const Distance& distance = {}) {
  return risk_consistency_loss(distance(early, reference), distance(full, reference));
}

}  // namespace v0
}  // namespace lagom
