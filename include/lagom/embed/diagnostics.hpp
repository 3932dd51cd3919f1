// SPDX-License-Identifier: MIT
/// @file embed/diagnostics.hpp
/// A report on new rows: what is wrong with them, and how they lie beside the source rows.
#pragma once

#include "../kernel/cosine.hpp"
#include "apply.hpp"
#include "padding.hpp"
#include "row_facts.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// What is seen of new rows beside the source rows they were made from. Rows are named by number.
struct row_report {
  std::vector<index_t> not_finite;  ///< NaN or infinity inside
  std::vector<index_t> zero;
  std::vector<duplicate> doubles;    ///< equal to an earlier new row, bit for bit
  std::vector<index_t> outliers;     ///< far outside the quartiles of the source rows' norms
  std::vector<double> norms;         ///< of finite new rows, rising
  std::vector<double> source_norms;  ///< of finite source rows, rising
  std::vector<float>
      cosine_to_mean;      ///< by new row: with the mean source row; 0 where either is zero or not finite
  double variability = 0;  ///< TEV of the new rows
  double source_variability = 0;  ///< TEV of the source rows
};

/// The mean of a matrix's rows, in double, each rounded to float. NaN where a row is.
template <tensor<2> Rows, executor Run = seq>
[[nodiscard]] std::vector<float> mean_of_rows(const Rows& matrix, const Run& run = {}) {
  const auto rows = as_mat(matrix);
  std::vector<float> out(static_cast<std::size_t>(rows.cols()));
  apply(padding_plan(rows.rows(), 0, 1), rows, mat_view(out.data(), 1, rows.cols()), run);
  return out;
}

/// Looks at new rows. All rows of `source` count, so slice off its padding, or name the plan.
/// Cost: a few passes over both matrices. Precondition: the same number of columns.
template <tensor<2> Source, tensor<2> Rows, executor Run = seq>
[[nodiscard]] row_report inspect(const Source& source, const Rows& rows, const Run& run = {},
                                 index_t ddof = 0, double fence = 3) {
  const auto from = as_mat(source);
  const auto made = as_mat(rows);
  LAGOM_ASSERT(from.cols() == made.cols());
  const auto facts = facts_of(made, run);
  const auto source_facts = facts_of(from, run);
  row_report out;
  out.norms = sorted_norms(facts);
  out.source_norms = sorted_norms(source_facts);
  out.outliers = norm_outliers(facts, out.source_norms, fence);
  out.doubles = duplicates(made, facts);
  out.variability = embedding_variability(facts, made.cols(), ddof);
  out.source_variability = embedding_variability(source_facts, from.cols(), ddof);
  const auto mean = mean_of_rows(from, run);
  for (std::size_t r = 0; r < facts.size(); ++r) {
    const auto row = static_cast<index_t>(r);
    if (!facts[r].finite) out.not_finite.push_back(row);
    if (facts[r].zero) out.zero.push_back(row);
    const auto c = cosine(portable{}, made.row(row), mean);
    out.cosine_to_mean.push_back(c.valid() ? static_cast<float>(c.value()) : 0.0f);
  }
  return out;
}

/// Looks at the rows that a plan made: of `source` the plan's source rows count, its padding does not.
/// Precondition: `applicable(p, source, rows)`.
template <tensor<2> Source, tensor<2> Rows, executor Run = seq>
[[nodiscard]] row_report inspect(const plan& p, const Source& source, const Rows& rows, const Run& run = {},
                                 index_t ddof = 0, double fence = 3) {
  return inspect(as_mat(source).slice_rows(0, p.source_size()), rows, run, ddof, fence);
}

}  // namespace embed
}  // namespace v0
}  // namespace lagom
