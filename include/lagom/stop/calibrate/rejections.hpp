// SPDX-License-Identifier: MIT
/// @file stop/calibrate/rejections.hpp
/// The concept of a multiple test, and its outcome.
#pragma once

#include <vector>

#include "loss_test.hpp"

namespace lagom {
inline namespace v0 {

/// The candidates whose hypothesis was rejected, so which keep the tolerance.
struct rejections {
  std::vector<index_t> candidates;  ///< ascending

  /// The last of them: of candidates in order from the safest to the boldest, the boldest that was certified. -1: none.
  [[nodiscard]] LAGOM_INLINE index_t last() const noexcept {
    return candidates.empty() ? index_t{-1} : candidates.back();
  }
  /// The first of them; -1: none.
  [[nodiscard]] LAGOM_INLINE index_t first() const noexcept {
    return candidates.empty() ? index_t{-1} : candidates.front();
  }
};

/// A multiple test rejects some of the hypotheses whose p-values it sees, so that with probability at least 1 - error
/// it rejects no true one, however the p-values depend on each other (the family-wise error rate is controlled). A
/// p-value at the level is rejected. Lagom's fail with `out_of_range` for an error rate that is not between 0 and 1,
/// and for a p-value that is not in [0, 1] (`row` says which).
template <class M>
concept multiple_test =
    std::copy_constructible<M> && requires(const M m, vec_view<const double> p, error_rate error) {
      { m(p, error) } -> std::same_as<result<rejections>>;
    };

namespace detail {

/// What every multiple test refuses.
template <backend B>
result<done> check_p_values(vec_view<const double> p, error_rate error) noexcept {
  if (auto ok = check_error_rate<B>(error); !ok) return ok;
  for (index_t i = 0; i < p.size(); ++i) {
    if (is_finite(&p[i]) && p[i] >= 0 && p[i] <= 1) continue;
    return failure{.code = errc::out_of_range, .key = "p-value", .row = static_cast<std::uint64_t>(i)};
  }
  return done{};
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
