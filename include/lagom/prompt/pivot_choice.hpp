// SPDX-License-Identifier: MIT
/// @file prompt/pivot_choice.hpp
/// Which language to think in: from measured gains, or from what a model has read.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "../core/math.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// What a pivot gained for a target: win % - loss % against answering in the target language directly.
struct pivot_gain {
  std::string_view pivot, target;
  double gain = 0;

  friend constexpr bool operator==(const pivot_gain&, const pivot_gain&) = default;
};

/// PolyLM-13B on X-AlpacaEval against mono (arXiv 2311.08711, Table 4), one model on one set of 805 questions: an
/// example of a table, not a law. A pivot that the model knows badly loses much.
inline constexpr pivot_gain polylm_pivot_gains[] = {
    {"en", "zh", 21.6},  {"en", "ko", 54.4},  {"en", "it", 35.9}, {"en", "es", 30.3},
    {"zh", "ko", 36.6},  {"zh", "it", 3.1},   {"zh", "es", -8.7}, {"ko", "zh", -42.2},
    {"ko", "it", -39.4}, {"ko", "es", -42.1}, {"it", "zh", -5.7}, {"it", "ko", 36.5},
    {"it", "es", 2.9},   {"es", "zh", 4.1},   {"es", "ko", 41.9}, {"es", "it", 17.5},
};

/// The pivot with the largest gain for a target, among rows whose pivot is another language; the first of equals.
/// Nothing where no row has that target, or where no gain is above `worth`: answer directly then. Gains that are NaN
/// or infinite are passed over. O(rows).
[[nodiscard]] inline std::optional<pivot_gain> best_pivot(std::span<const pivot_gain> table,
                                                          std::string_view target,
                                                          double worth = 0) noexcept {
  const pivot_gain* best = nullptr;
  for (const pivot_gain& row : table) {
    if (row.target != target || row.pivot == target || !is_finite(&row.gain)) continue;
    if (best == nullptr || row.gain > best->gain) best = &row;
  }
  if (best == nullptr || !(best->gain > worth)) return std::nullopt;
  return *best;
}

/// The mean gain of a pivot over the targets that the table has for it; nothing where it has none.
[[nodiscard]] inline std::optional<double> mean_gain(std::span<const pivot_gain> table,
                                                     std::string_view pivot) noexcept {
  double sum = 0;
  std::size_t count = 0;
  for (const pivot_gain& row : table) {
    if (row.pivot != pivot || row.target == pivot || !is_finite(&row.gain)) continue;
    sum += row.gain;
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / static_cast<double>(count);
}

/// How much of what a model has read was in a language: tokens, bytes or percent, one unit for all.
struct language_share {
  std::string_view language;
  double share = 0;
};

/// Without measurements: the language that the model has read most of, if that is at least `times` what it has read of
/// the target; the first of equals. Nothing where no other language has: the target is its own best pivot. A target
/// that is not listed has a share of 0. Shares that are not positive, NaN or infinite are passed over. O(rows).
[[nodiscard]] inline std::optional<std::string_view> pivot_by_share(std::span<const language_share> shares,
                                                                    std::string_view target,
                                                                    double times = 1) noexcept {
  const language_share* best = nullptr;
  double own = 0;
  for (const language_share& row : shares) {
    if (!is_finite(&row.share) || !(row.share > 0)) continue;
    if (row.language == target) {
      own = row.share;
    } else if (best == nullptr || row.share > best->share) {
      best = &row;
    }
  }
  if (best == nullptr || best->share < times * own) return std::nullopt;
  return best->language;
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
