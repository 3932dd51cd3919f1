// SPDX-License-Identifier: MIT
/// @file stop/calibrate/conformal.hpp
/// Conformal risk control: the expected loss is kept, without an error rate.
#pragma once

#include "../../core/mat_view.hpp"
#include "loss_sum.hpp"

namespace lagom {
inline namespace v0 {

namespace detail {
/// The sum of losses that `rows` rows may have: (n + 1) tolerance - 1, the product rounded by itself, so that 20 * 0.05
/// is 1.
LAGOM_LEAF constexpr double conformal_sum(std::int64_t rows, tolerance limit) noexcept {
  const double product = rounded((static_cast<double>(rows) + 1) * limit.value);
  return product - 1;
}
}  // namespace detail

/// The mean loss that `rows` calibration rows may have: ((n + 1) tolerance - 1) / n for losses up to 1. Negative: no
/// outcome certifies, more rows are needed. 0 rows: -1.
[[nodiscard]] LAGOM_LEAF constexpr double conformal_limit(std::int64_t rows, tolerance limit) noexcept {
  if (rows <= 0) return -1;
  return detail::conformal_sum(rows, limit) / static_cast<double>(rows);
}

/// The fewest rows with which a candidate without any loss passes: 1/tolerance - 1, rounded up.
/// Precondition: the tolerance is above 0.
[[nodiscard]] LAGOM_LEAF constexpr std::int64_t conformal_rows(tolerance limit) noexcept {
  LAGOM_ASSERT(limit.value > 0);
  const double n = 1 / limit.value - 1;
  if (!(n < 9e18)) return std::int64_t{9'000'000'000'000'000'000};
  auto rows = static_cast<std::int64_t>(n);
  rows -= rows > 0;
  while (rows < 1 || detail::conformal_sum(rows, limit) < 0) ++rows;
  return rows;
}

/// A candidate that conformal risk control chose.
struct conformal_choice {
  index_t candidate = -1;
  loss_sum losses{};     ///< of that candidate
  bool monotone = true;  ///< no row's loss falls from a candidate to the next: what the guarantee supposes
};

/// The last of the leading candidates whose mean loss is within `conformal_limit`.
///
/// `losses` holds a row for every candidate, from the safest to the boldest, and a column for every calibration row. If
/// no column falls along the candidates, the expected loss of a fresh row, taken over calibration sets too, is at most
/// the tolerance (Angelopoulos et al. 2022, arXiv 2208.02814, theorem 1). It says nothing about how far one calibration
/// set may be off: for that take a test and an error rate. `monotone` says whether it was so.
/// Fails with `not_certified` when the first candidate is above the limit already (`expected`: the fewest rows with
/// which a candidate without loss passes), with `out_of_range` for a loss outside [0, 1] (`row`: its candidate),
/// `empty`.
template <backend B = portable>
[[nodiscard]] result<conformal_choice> conformal_risk_control(mat_view<const double> losses,
                                                              tolerance limit) {
  if (auto ok = detail::check_tolerance<B>(limit); !ok) return ok.error();
  if (losses.rows() == 0 || losses.cols() == 0) return failure{.code = errc::empty, .key = "losses"};
  conformal_choice choice;
  bool passing = true;
  for (index_t c = 0; c < losses.rows(); ++c) {
    const loss_sum s = summed(losses.row(c));
    if (auto ok = detail::check_losses<B>(s); !ok) {
      failure why = ok.error();
      why.row = static_cast<std::uint64_t>(c);
      return why;
    }
    passing = passing && s.sum <= detail::conformal_sum(s.rows, limit);
    if (passing) {
      choice.candidate = c;
      choice.losses = s;
    }
    for (index_t i = 0; c > 0 && i < losses.cols(); ++i)
      choice.monotone = choice.monotone && losses(c, i) >= losses(c - 1, i);
  }
  if (choice.candidate >= 0) return choice;
  failure why{
      .code = errc::not_certified, .key = "candidates", .found = static_cast<std::uint64_t>(losses.cols())};
  if (limit.value > 0) why.expected = static_cast<std::uint64_t>(conformal_rows(limit));
  return why;
}

}  // namespace v0
}  // namespace lagom
