// SPDX-License-Identifier: MIT
/// @file embed/undertrained.hpp
/// Source rows that training hardly touched.
#pragma once

#include <algorithm>
#include <vector>

#include "../core/mat_view.hpp"
#include "../kernel/cosine.hpp"
#include "../kernel/squared_norm.hpp"
#include "../vocab/ids.hpp"
#include "quantile.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// Lists rows to keep out of neighbour searches (`focus{.excluded = ...}` and its like); nothing does so by
/// itself. The idea is of Land and Bartolo (arXiv 2405.05417), the rules those of a widely used transplanting
/// tool:
/// - `by_norm`: rows whose norm is under the 1 % quantile of all norms. Only for matrices that are not tied.
/// - `by_unused`: rows whose cosine with the mean of the rows of known unused tokens is above the 99 % quantile
///   of those cosines, and above 0.5.
/// Rows with a NaN or an infinity are listed by both. Cost: one and two passes over the rows.
struct undertrained {
  double norm_quantile = 0.01;
  double cosine_quantile = 0.99;
  double least_cosine = 0.5;

  template <backend B, tensor<2> Rows>
  [[nodiscard]] std::vector<vocab::source_id> by_norm(const B& b, const Rows& matrix) const {
    const auto rows = as_mat(matrix);
    std::vector<double> norms(static_cast<std::size_t>(rows.rows()));
    for (index_t r = 0; r < rows.rows(); ++r) {
      norms[static_cast<std::size_t>(r)] =
          lagom::detail::sqrt(static_cast<double>(squared_norm(b, rows.row(r))));
    }
    const double limit = quantile_of(norms, norm_quantile, false);
    return listed(norms, [&](double norm) { return norm < limit; });
  }

  template <backend B, tensor<2> Rows>
  [[nodiscard]] std::vector<vocab::source_id> by_unused(const B& b, const Rows& matrix,
                                                        std::span<const vocab::source_id> unused) const {
    const auto rows = as_mat(matrix);
    std::vector<double> mean(static_cast<std::size_t>(rows.cols()));
    for (const vocab::source_id id : unused) {
      const auto row = rows.row(static_cast<index_t>(row_of(id)));
      for (index_t j = 0; j < row.size(); ++j)
        mean[static_cast<std::size_t>(j)] += static_cast<double>(row[j]);
    }
    std::vector<double> cosines(static_cast<std::size_t>(rows.rows()));
    for (index_t r = 0; r < rows.rows(); ++r) {
      const auto c = cosine(b, rows.row(r), mean);
      cosines[static_cast<std::size_t>(r)] = c.valid() ? static_cast<double>(c.value()) : broken;
    }
    const double high = quantile_of(cosines, cosine_quantile, true);
    const double limit = high > least_cosine ? high : least_cosine;
    return listed(cosines, [&](double c) { return c > limit; });
  }

 private:
  static constexpr double broken = 2;  // the cosine of a row with a NaN or an infinity: above all others

  static double quantile_of(const std::vector<double>& all, double q, bool cosines) {
    std::vector<double> sorted;
    for (const double& x : all) {
      if (is_finite(&x) && !(cosines && x == broken)) sorted.push_back(x);
    }
    std::sort(sorted.begin(), sorted.end());
    return quantile(sorted, q);
  }
  template <class Test>
  static std::vector<vocab::source_id> listed(const std::vector<double>& values, Test test) {
    std::vector<vocab::source_id> out;
    for (std::size_t r = 0; r < values.size(); ++r) {
      if (!is_finite(&values[r]) || test(values[r])) {
        out.push_back(static_cast<vocab::source_id>(static_cast<token_id>(r)));
      }
    }
    return out;
  }
};

}  // namespace embed
}  // namespace v0
}  // namespace lagom
