// SPDX-License-Identifier: MIT
/// @file stop/calibrate/certify.hpp
/// From a table of losses to a candidate with a guarantee.
#pragma once

#include "../../core/fixed_text.hpp"
#include "../../core/mat_view.hpp"
#include "fixed_sequence.hpp"
#include "hoeffding_bentkus.hpp"
#include "sample_size.hpp"

namespace lagom {
inline namespace v0 {

/// What was shown of one candidate: P(E[loss] > tolerance) <= error_rate over calibration sets of `rows` independent
/// rows.
struct certificate {
  index_t candidate = -1;
  std::int64_t rows = 0;
  double mean_loss = 0;  ///< over the calibration rows
  double p_value = 1;
  lagom::tolerance tolerance{};
  lagom::error_rate error_rate{};
  fixed_text<31> test{};       ///< name of the loss test
  fixed_text<31> procedure{};  ///< name of the multiple test
};

/// The p-values of all candidates. `losses` holds a row for every candidate and a column for every calibration row.
/// Fails as the test does; `row` says which candidate.
template <loss_test Test, backend B = portable>
[[nodiscard]] result<std::vector<double>> p_values(mat_view<const double> losses, tolerance limit,
                                                   const Test& test) {
  std::vector<double> p;
  p.reserve(static_cast<std::size_t>(losses.rows()));
  for (index_t c = 0; c < losses.rows(); ++c) {
    const auto one = test(losses.row(c), limit);
    if (!one) {
      failure why = one.error();
      why.row = static_cast<std::uint64_t>(c);
      return why;
    }
    p.push_back(*one);
  }
  return p;
}

/// Learn then test (Angelopoulos et al. 2021, arXiv 2110.01052): the boldest candidate whose expected loss is at most
/// `limit`, but with probability `error`.
///
/// `losses` holds a row for every candidate, from the safest to the boldest, and a column for every calibration row.
/// Columns must be independent and come from what the policy will see: tokens of one prompt are one column (their mean
/// loss), not many. Losses need not rise along the candidates. The candidates and their order must not be chosen on
/// these rows.
/// ```cpp
/// auto kept = lagom::certify(losses, lagom::tolerance{0.05}, lagom::error_rate{0.1});
/// if (kept) deploy(thresholds[kept->candidate]);
/// ```
/// Fails with `not_certified` when nothing is (`found`: the calibration rows there are; `expected`: with how many a
/// candidate without any loss would be, where the test is on sums), `empty`, and as the test and the procedure do.
template <loss_test Test = hoeffding_bentkus, multiple_test Procedure = fixed_sequence, backend B = portable>
[[nodiscard]] result<certificate> certify(mat_view<const double> losses, tolerance limit, error_rate error,
                                          const Test& test = {}, const Procedure& procedure = {}) {
  if (losses.rows() == 0 || losses.cols() == 0) return failure{.code = errc::empty, .key = "losses"};
  const auto p = p_values<Test, B>(losses, limit, test);
  if (!p) return p.error();
  const auto rejected = procedure(*p, error);
  if (!rejected) return rejected.error();
  const index_t best = rejected->last();
  if (best < 0) {
    failure none{
        .code = errc::not_certified, .key = "candidates", .found = static_cast<std::uint64_t>(losses.cols())};
    if constexpr (sum_test<Test>) {
      if (const auto fewest = sample_size<Test, B>(test, limit, error); fewest)
        none.expected = static_cast<std::uint64_t>(*fewest);
    }
    return none;
  }
  return certificate{.candidate = best,
                     .rows = losses.cols(),
                     .mean_loss = summed(losses.row(best)).mean(),
                     .p_value = (*p)[static_cast<std::size_t>(best)],
                     .tolerance = limit,
                     .error_rate = error,
                     .test = Test::name,
                     .procedure = Procedure::name};
}

}  // namespace v0
}  // namespace lagom
