// SPDX-License-Identifier: MIT
/// @file embed/statistics.hpp
/// Mean and standard deviation of groups of source rows, per dimension.
#pragma once

#include "../core/executor.hpp"
#include "../core/mat_view.hpp"
#include "../kernel/squared_norm.hpp"
#include "plan.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// The statistics that a plan asks of a source matrix.
///
/// One pass over the source rows, whatever the number of groups: a task is a block of columns and sees the rows
/// in order, so every executor gives the same bits. Welford's recurrence in double. A NaN or an infinity in a
/// row makes its column of its group's statistics NaN. Norms of rows are read only if a row is to be rescaled
/// by them.
/// Memory: 16 bytes a dimension and group that is used, 8 bytes a row of a group whose norms are.
class group_statistics {
 public:
  /// Precondition: the matrix has the plan's source rows.
  template <backend B, tensor<2> Source, executor Run>
  group_statistics(const B& b, const plan& p, const Source& matrix, const Run& run)
      : cols_(as_mat(matrix).cols()), slot_(p.groups(), unused), norms_(p.groups()), mean_norm_(p.groups()) {
    const auto source = as_mat(matrix);
    std::vector<bool> normed(p.groups());
    for (std::size_t r = 0; r < p.rows(); ++r) {
      for (const gaussian& g : p.gaussians(r)) {
        if (g.group != gaussian::standard && slot_[g.group] == unused) slot_[g.group] = slots_++;
      }
      const rescale s = p.rescaling(r);
      if (s.to == rescale::rule::mean || s.to == rescale::rule::quantile) normed[s.group] = true;
    }
    for (std::size_t g = 0; g < p.groups(); ++g) {
      if (!normed[g]) continue;
      norms_[g] = sorted_norms(b, p, source, g, run);
      double sum = 0;
      for (const double x : norms_[g]) sum += x;
      if (!norms_[g].empty()) mean_norm_[g] = sum / static_cast<double>(norms_[g].size());
    }
    if (slots_ > 0) accumulate<B>(p, source, run);
  }

  [[nodiscard]] index_t cols() const noexcept { return cols_; }

  /// Mean of column `c` over the rows of group `g`, 0 when it has none. Precondition: the plan uses g.
  [[nodiscard]] double mean(std::uint32_t g, index_t c) const noexcept { return mean_[at(g, c)]; }

  /// Standard deviation with divisor n - ddof; 0 where that is not positive.
  [[nodiscard]] double deviation(std::uint32_t g, index_t c, std::uint32_t ddof) const noexcept {
    const auto n = count_[slot_[g]];
    return n > ddof ? lagom::detail::sqrt(squares_[at(g, c)] / static_cast<double>(n - ddof)) : 0;
  }

  /// The norms of a group's rows, rising; empty unless the plan rescales by them.
  [[nodiscard]] std::span<const double> norms(std::uint32_t g) const noexcept { return norms_[g]; }

  /// Their mean; 0 of none.
  [[nodiscard]] double mean_norm(std::uint32_t g) const noexcept { return mean_norm_[g]; }

 private:
  static constexpr std::uint32_t unused = ~std::uint32_t{0};
  static constexpr index_t tile = 256;  // columns of a task

  [[nodiscard]] std::size_t at(std::uint32_t g, index_t c) const noexcept {
    return static_cast<std::size_t>(slot_[g]) * static_cast<std::size_t>(cols_) + static_cast<std::size_t>(c);
  }

  template <class B, class S, class Run>
  static std::vector<double> sorted_norms(const B& b, const plan& p, mat_view<const S> source, std::size_t g,
                                          const Run& run) {
    const index_t n = g == 0 ? p.source_size() : static_cast<index_t>(p.group(g).size());
    std::vector<double> out(static_cast<std::size_t>(n));
    constexpr index_t block = 256;
    run((n + block - 1) / block, [&](index_t task) {
      for (index_t i = task * block; i < n && i < (task + 1) * block; ++i) {
        const auto k = static_cast<std::size_t>(i);
        const auto square = squared_norm(b, source.row(g == 0 ? i : static_cast<index_t>(p.group(g)[k])));
        out[k] = lagom::detail::sqrt(static_cast<double>(square));
      }
    });
    std::sort(out.begin(), out.end(), [](double x, double y) { return bits_of(&x) < bits_of(&y); });
    return out;
  }

  template <class B, class S, class Run>
  void accumulate(const plan& p, mat_view<const S> source, const Run& run) {
    const auto cells = static_cast<std::size_t>(slots_) * static_cast<std::size_t>(cols_);
    mean_.assign(cells, 0);
    squares_.assign(cells, 0);
    count_.assign(slots_, 0);
    // By source row, the groups that see it: groups[starts[r]] ... groups[starts[r + 1] - 1].
    const auto n = static_cast<std::size_t>(p.source_size());
    std::vector<std::size_t> starts(n + 1, 0);
    const auto for_each_member = [&](auto visit) {
      for (std::size_t g = 0; g < p.groups(); ++g) {
        if (slot_[g] == unused) continue;
        const std::size_t size = g == 0 ? n : p.group(g).size();
        for (std::size_t i = 0; i < size; ++i) visit(g == 0 ? i : row_of(p.group(g)[i]), g);
      }
    };
    for_each_member([&](std::size_t r, std::size_t) { ++starts[r + 1]; });
    for (std::size_t r = 0; r < n; ++r) starts[r + 1] += starts[r];
    std::vector<std::uint32_t> groups(starts[n]);
    std::vector<std::size_t> next(starts.begin(), starts.end() - 1);
    for_each_member([&](std::size_t r, std::size_t g) { groups[next[r]++] = static_cast<std::uint32_t>(g); });
    run((cols_ + tile - 1) / tile, [&](index_t task) {
      const index_t first = task * tile, left = cols_ - first, width = left < tile ? left : tile;
      std::vector<std::uint64_t> seen(slots_, 0);
      for (std::size_t r = 0; r < n; ++r) {
        if (starts[r] == starts[r + 1]) continue;
        double x[tile];
        const auto row = source.row(static_cast<index_t>(r)).slice(first, width);
        for (index_t j = 0; j < width; ++j) x[j] = static_cast<double>(row[j]);
        for (std::size_t i = starts[r]; i < starts[r + 1]; ++i) {
          const std::uint32_t g = groups[i];
          const double share = 1 / static_cast<double>(++seen[slot_[g]]);
          welford<B>(x, width, share, &mean_[at(g, first)], &squares_[at(g, first)]);
        }
      }
      if (task == 0) count_ = seen;
    });
  }

  template <class B>
  static void welford(const double* LAGOM_RESTRICT x, index_t n, double share, double* LAGOM_RESTRICT mean,
                      double* LAGOM_RESTRICT squares) noexcept {
    for (index_t j = 0; j < n; ++j) {
      const double d = x[j] - mean[j];
      mean[j] = multiply_add(d, share, mean[j]);
      squares[j] = multiply_add(d, x[j] - mean[j], squares[j]);
    }
  }

  index_t cols_ = 0;
  std::uint32_t slots_ = 0;
  std::vector<std::uint32_t> slot_;
  std::vector<std::vector<double>> norms_;
  std::vector<double> mean_norm_, mean_, squares_;
  std::vector<std::uint64_t> count_;
};

}  // namespace embed
}  // namespace v0
}  // namespace lagom
