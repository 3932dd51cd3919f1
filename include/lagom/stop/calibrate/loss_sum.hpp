// SPDX-License-Identifier: MIT
/// @file stop/calibrate/loss_sum.hpp
/// What most tests need to know of a calibration set.
#pragma once

#include "../../core/backend.hpp"
#include "../../core/math.hpp"
#include "../../core/result.hpp"
#include "../../core/risk.hpp"
#include "../../core/vec_view.hpp"

namespace lagom {
inline namespace v0 {

/// The sum of losses in [0, 1], one a calibration row; mergeable. The sum of losses that are 0 or 1 is an exact count,
/// and a mean times n is not: 100 * 0.07 is 7.000000000000001.
struct loss_sum {
  std::int64_t rows = 0;
  std::int64_t fractions = 0;  ///< rows whose loss is neither 0 nor 1
  std::int64_t refused = 0;    ///< losses that are NaN, infinite or outside [0, 1]; not among the rows
  double sum = 0;

  LAGOM_LEAF void push(double loss) noexcept {
    if (!is_finite(&loss) || loss < 0 || loss > 1) {
      ++refused;
      return;
    }
    ++rows;
    fractions += loss > 0 && loss < 1;
    sum += loss;
  }
  LAGOM_LEAF constexpr void merge(const loss_sum& other) noexcept {
    rows += other.rows;
    fractions += other.fractions;
    refused += other.refused;
    sum += other.sum;
  }
  /// Mean loss; 0 without rows.
  [[nodiscard]] LAGOM_LEAF constexpr double mean() const noexcept {
    return rows > 0 ? sum / static_cast<double>(rows) : 0;
  }
};

/// `losses` rows of loss 1 among `rows`, the others of loss 0.
[[nodiscard]] LAGOM_LEAF constexpr loss_sum counted_losses(std::int64_t losses, std::int64_t rows) noexcept {
  return {.rows = rows, .sum = static_cast<double>(losses)};
}

/// The sum of a list of losses.
[[nodiscard]] LAGOM_INLINE loss_sum summed(vec_view<const double> losses) noexcept {
  loss_sum s;
  for (index_t i = 0; i < losses.size(); ++i) s.push(losses[i]);
  return s;
}

namespace detail {

/// Refuses a tolerance outside [0, 1].
template <backend B = portable>
result<done> check_tolerance(tolerance limit) noexcept {
  const bool sound = is_finite(&limit.value) && limit.value >= 0 && limit.value <= 1;
  if (!sound) return failure{.code = errc::out_of_range, .key = "tolerance"};
  return done{};
}

/// Refuses an error rate that is not between 0 and 1.
template <backend B = portable>
result<done> check_error_rate(error_rate error) noexcept {
  const bool sound = is_finite(&error.value) && error.value > 0 && error.value < 1;
  if (!sound) return failure{.code = errc::out_of_range, .key = "error rate"};
  return done{};
}

/// Refuses losses outside [0, 1], and sums that no losses have.
template <backend B = portable>
result<done> check_losses(const loss_sum& losses) noexcept {
  const bool sound = losses.refused == 0 && is_finite(&losses.sum) && losses.rows >= 0 && losses.sum >= 0 &&
                     losses.sum <= static_cast<double>(losses.rows);
  if (sound) return done{};
  return failure{
      .code = errc::out_of_range, .key = "loss", .found = static_cast<std::uint64_t>(losses.refused)};
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
