// SPDX-License-Identifier: MIT
/// @file prompt/replace_k.hpp
/// A pinch of other languages: a few rows of a data set replaced by their translations.
#pragma once

#include <optional>

#include "quad_sets.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Which rows are replaced, and by which language: `k` of them (arXiv 2401.01854: 40 suffice, in 2 to 4 languages), in a
/// random order that (seed, rows) alone give, the languages in turn, so that their counts differ by one at most. What a
/// smaller k replaces, a larger one replaces by the same language. Constant memory; any order of access.
class replace_k {
 public:
  /// A `k` above the number of rows means all of them. Precondition: languages > 0.
  replace_k(std::size_t rows, std::size_t k, std::size_t languages, std::uint64_t seed,
            std::uint64_t stream = 0)
      : order_(rows, seed, stream), k_((std::min)(k, rows)), languages_(languages) {
    LAGOM_ASSERT(languages > 0);
  }

  /// The language that a row is replaced by; none: it stays. Precondition: row < rows.
  [[nodiscard]] std::optional<std::size_t> operator()(std::size_t row) const noexcept {
    const std::uint64_t place = order_.inverse(row);
    if (place >= k_) return std::nullopt;
    return static_cast<std::size_t>(place % languages_);
  }
  [[nodiscard]] std::size_t size() const noexcept { return k_; }
  /// The i-th row to be replaced. Precondition: i < size().
  [[nodiscard]] std::size_t row(std::size_t i) const noexcept {
    LAGOM_ASSERT(i < k_);
    return static_cast<std::size_t>(order_(i));
  }

 private:
  permutation order_;
  std::size_t k_, languages_;
};

/// Calls `sink(pair, language)` for all rows in their order: as they are (`language` none), or the translation that has
/// their id. A row that is to be replaced and has no translation, or one without texts, stays as it is and is counted:
/// `missing_target`, `empty_field`; of translations with the same id the first counts. `in` and `out` count the rows
/// that are to be replaced and those that are. Preconditions: `chosen` is of as many rows, and `translations` has all its
/// languages. O(t log t + k log t) for t translations.
template <class Sink>
losses<join_loss> replaced_rows(std::span<const pair> rows, std::span<const language_rows<pair>> translations,
                                const replace_k& chosen, Sink&& sink) {
  std::vector<std::vector<std::size_t>> by_id;
  for (const auto& t : translations) by_id.push_back(detail::rows_by_id(t.rows));
  losses<join_loss> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::optional<std::size_t> language = chosen(i);
    if (!language) {
      sink(rows[i], language);
      continue;
    }
    const std::span<const pair> in = translations[*language].rows;
    const auto& order = by_id[*language];
    const auto at = std::lower_bound(order.begin(), order.end(), rows[i].id,
                                     [in](std::size_t row, std::string_view id) { return in[row].id < id; });
    const bool found = at != order.end() && !rows[i].id.empty() && in[*at].id == rows[i].id;
    if (found && !in[*at].x.empty() && !in[*at].y.empty()) {
      out.keep();
      sink(in[*at], language);
    } else {
      out.drop(found ? join_loss::empty_field : join_loss::missing_target);
      sink(rows[i], std::optional<std::size_t>{});
    }
  }
  return out;
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
