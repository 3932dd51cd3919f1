// SPDX-License-Identifier: MIT
/// @file stop/calibrate/sample_size.hpp
/// How many calibration rows are needed.
#pragma once

#include "loss_test.hpp"

namespace lagom {
inline namespace v0 {

namespace detail {

/// The smallest number of rows from `rows` on that certifies with a sum of `losses`; -1 if it is above 2^50. The
/// p-values of a fixed sum fall as rows are added.
template <backend B, class Test>
result<std::int64_t> fewest_rows(const Test& test, std::int64_t losses, std::int64_t rows, tolerance limit,
                                 error_rate error) noexcept {
  constexpr std::int64_t most = std::int64_t{1} << 50;
  std::int64_t low = rows - 1, step = 1;  // low does not certify, or is below what was asked for
  for (;; low = rows, rows += step, step *= 2) {
    const auto p = test(counted_losses(losses, rows), limit);
    if (!p) return p.error();
    if (*p <= error.value) break;
    if (rows > most) return std::int64_t{-1};
  }
  while (rows - low > 1) {
    const std::int64_t middle = low + (rows - low) / 2;
    const auto p = test(counted_losses(losses, middle), limit);
    if (!p) return p.error();
    (*p <= error.value ? rows : low) = middle;
  }
  return rows;
}

}  // namespace detail

/// The smallest calibration set that certifies a candidate of mean loss `assumed`: the first n at which ceil(n assumed)
/// losses of 1 give a p-value of at most `error`. Without losses: Hoeffding n >= log(1/error) / (2 tolerance^2), the
/// tight form and the exact test n >= log(1/error) / -log(1 - tolerance).
///
/// ```cpp
/// auto n = lagom::sample_size(lagom::hoeffding_bentkus{}, lagom::tolerance{0.05}, lagom::error_rate{0.1});  // 45
/// ```
/// A plan, not a promise: half of all sets of that size lose more than they should on average; a few rows more may fail
/// where this number passes, for losses come whole. For `multi_start` and `holm` ask with the level of one candidate.
/// Fails with `out_of_range`, and with `not_certified` when `assumed` is not below the tolerance or more than 2^50 rows
/// are needed.
template <sum_test Test, backend B = portable>
[[nodiscard]] result<std::int64_t> sample_size(const Test& test, tolerance limit, error_rate error,
                                               double assumed = 0) noexcept {
  if (auto ok = detail::check_tolerance<B>(limit); !ok) return ok.error();
  if (auto ok = detail::check_error_rate<B>(error); !ok) return ok.error();
  if (!is_finite(&assumed) || assumed < 0 || assumed > 1)
    return failure{.code = errc::out_of_range, .key = "assumed loss"};
  const failure none{.code = errc::not_certified, .key = "assumed loss"};
  if (!(assumed < limit.value)) return none;
  std::int64_t losses = 0, rows = 1;
  for (;;) {
    auto fewest = detail::fewest_rows<B>(test, losses, rows > losses ? rows : losses + 1, limit, error);
    if (!fewest) return fewest;
    rows = *fewest;
    if (rows < 0) return none;
    const double expected = assumed * static_cast<double>(rows);
    if (expected <= static_cast<double>(losses)) return rows;
    losses =
        static_cast<std::int64_t>(expected);  // fewer losses need fewer rows, and expect more than they are
    losses += static_cast<double>(losses) < expected;
  }
}

}  // namespace v0
}  // namespace lagom
