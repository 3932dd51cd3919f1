// SPDX-License-Identifier: MIT
/// @file exit/batch_rule.hpp
/// Who leaves a batch: the concept.
#pragma once

#include <concepts>
#include <type_traits>

#include "../core/vec_view.hpp"

namespace lagom {
inline namespace v0 {

/// What a batch rule is asked at a probe.
struct batch_moment {
  vec_view<const float> scores{};  ///< one a row under way; a row with a score >= 0 wants to stop
  int layers_left = 0;             ///< layers after this one, > 0

  [[nodiscard]] LAGOM_LEAF bool wants(index_t row) const noexcept { return scores[row] >= 0; }
  /// Rows that want to stop. O(rows).
  [[nodiscard]] LAGOM_LEAF index_t wanting() const noexcept {
    index_t n = 0;
    for (index_t i = 0; i < scores.size(); ++i) n += wants(i) ? 1 : 0;
    return n;
  }
};

/// Which rows leave, of a batch whose rows decide for themselves.
enum class leaving { none, wanting, all };

/// A batch rule turns what the rows want into what the batch does: nobody leaves, those leave that want to, or all do.
/// ```cpp
/// struct first_wins {                                     // a whole rule
///   lagom::leaving operator()(const lagom::batch_moment& m) const noexcept {
///     return m.wanting() > 0 ? lagom::leaving::all : lagom::leaving::none;
///   }
/// };
/// ```
template <class R>
concept batch_rule = std::copy_constructible<R> && requires(const R rule, const batch_moment& m) {
  { rule(m) } noexcept -> std::same_as<leaving>;
};

/// The same as `batch_rule`, one sentence a requirement: instantiate it to learn what is missing.
template <class R>
struct check_batch_rule {
  static_assert(std::copy_constructible<R>, "batch rule: must be copyable, it is a plain value");
  static_assert(batch_rule<R>,
                "batch rule: needs `lagom::leaving operator()(const lagom::batch_moment&) const noexcept`");
  static constexpr bool value = batch_rule<R>;
};

}  // namespace v0
}  // namespace lagom
