// SPDX-License-Identifier: MIT
/// @file embed/row_facts.hpp
/// What can be seen of embedding rows without a model: norms, spread, doubles, rows that are no rows.
#pragma once

#include <algorithm>
#include <vector>

#include "../core/executor.hpp"
#include "../core/mat_view.hpp"
#include "../core/math.hpp"
#include "quantile.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// What one pass over a row tells.
struct row_facts {
  double norm = 0;         ///< Euclidean; 0 where the row is not finite
  double squares = 0;      ///< sum of squared deviations from the row's own mean; 0 where it is not finite
  std::uint64_t hash = 0;  ///< of the bits
  bool finite = true;      ///< no NaN, no infinity
  bool zero = false;       ///< zeros only
};

/// The facts of every row, in double whatever the element type. Any executor gives the same bits.
/// Cost: two reads of the matrix, the second from the cache.
template <tensor<2> Rows, executor Run = seq>
[[nodiscard]] std::vector<row_facts> facts_of(const Rows& matrix, const Run& run = {}) {
  const auto rows = as_mat(matrix);
  using S = typename decltype(rows)::value_type;
  std::vector<row_facts> out(static_cast<std::size_t>(rows.rows()));
  constexpr index_t block = 64;
  run((rows.rows() + block - 1) / block, [&](index_t task) {
    for (index_t r = task * block; r < rows.rows() && r < (task + 1) * block; ++r) {
      row_facts& f = out[static_cast<std::size_t>(r)];
      const auto row = rows.row(r);
      double sum = 0, square = 0;
      f.zero = true;
      f.hash = 0x9E3779B97F4A7C15u;
      for (index_t j = 0; j < row.size(); ++j) {
        const auto x = static_cast<double>(row[j]);
        std::uint64_t bits = 0;
        static_assert(sizeof(S) <= sizeof bits);
        __builtin_memcpy(&bits, &row[j], sizeof(S));
        f.hash = (f.hash ^ bits) * 0xD6E8FEB86659FD93u;
        f.hash ^= f.hash >> 32;
        f.finite = f.finite && is_finite(&x);
        f.zero = f.zero && (bits_of(&x) & float_bits<double>::magnitude_mask) == 0;
        sum += x;
        square += x * x;
      }
      if (!f.finite || row.size() == 0) continue;
      f.norm = lagom::detail::sqrt(square);
      const double mean = sum / static_cast<double>(row.size());
      for (index_t j = 0; j < row.size(); ++j) {
        const double d = static_cast<double>(row[j]) - mean;
        f.squares += d * d;
      }
    }
  });
  return out;
}

/// A row and the first row before it that has the same bits.
struct duplicate {
  index_t row = 0, of = 0;
  friend bool operator==(const duplicate&, const duplicate&) = default;
};

/// The rows that an earlier row equals bit for bit, rising. Hashes find them, elements decide.
template <tensor<2> Rows>
[[nodiscard]] std::vector<duplicate> duplicates(const Rows& matrix, const std::vector<row_facts>& facts) {
  const auto rows = as_mat(matrix);
  const auto equal = [&](index_t a, index_t b) {
    for (index_t j = 0; j < rows.cols(); ++j) {
      if (__builtin_memcmp(&rows(a, j), &rows(b, j), sizeof(rows(a, j))) != 0) return false;
    }
    return true;
  };
  std::vector<index_t> order(facts.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<index_t>(i);
  const auto hash = [&](index_t r) { return facts[static_cast<std::size_t>(r)].hash; };
  std::sort(order.begin(), order.end(),
            [&](index_t a, index_t b) { return hash(a) != hash(b) ? hash(a) < hash(b) : a < b; });
  std::vector<duplicate> out;
  std::vector<index_t> distinct;  // among rows of one hash
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || hash(order[i]) != hash(order[i - 1])) distinct.clear();
    const auto of =
        std::find_if(distinct.begin(), distinct.end(), [&](index_t r) { return equal(r, order[i]); });
    if (of != distinct.end()) {
      out.push_back({order[i], *of});
    } else {
      distinct.push_back(order[i]);
    }
  }
  std::sort(out.begin(), out.end(), [](const duplicate& a, const duplicate& b) { return a.row < b.row; });
  return out;
}

/// The norms of the finite rows, rising: for `quantile`.
[[nodiscard]] inline std::vector<double> sorted_norms(const std::vector<row_facts>& facts) {
  std::vector<double> out;
  for (const row_facts& f : facts) {
    if (f.finite) out.push_back(f.norm);
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// The finite rows whose norms lie more than `fence` times the distance between the quartiles of `reference`
/// (rising norms, say the source rows') beyond a quartile (Tukey's fences; 3 is "far out"), rising. None where the
/// reference is empty.
[[nodiscard]] inline std::vector<index_t> norm_outliers(const std::vector<row_facts>& facts,
                                                        std::span<const double> reference, double fence = 3) {
  if (reference.empty()) return {};
  const double low = quantile(reference, 0.25), high = quantile(reference, 0.75),
               width = fence * (high - low);
  std::vector<index_t> out;
  for (std::size_t r = 0; r < facts.size(); ++r) {
    const row_facts& f = facts[r];
    if (f.finite && (f.norm < low - width || f.norm > high + width)) out.push_back(static_cast<index_t>(r));
  }
  return out;
}

/// Token embedding variability (TEV, Chung et al., arXiv 2409.07787): the mean over rows of the standard
/// deviation of a row's elements, with divisor cols - ddof. Rows that are not finite are left out; 0 if that
/// leaves none, or no degree of freedom.
[[nodiscard]] inline double embedding_variability(const std::vector<row_facts>& facts, index_t cols,
                                                  index_t ddof = 0) {
  double sum = 0;
  std::size_t n = 0;
  for (const row_facts& f : facts) {
    if (!f.finite) continue;
    if (cols > ddof) sum += lagom::detail::sqrt(f.squares / static_cast<double>(cols - ddof));
    ++n;
  }
  return n > 0 ? sum / static_cast<double>(n) : 0;
}

}  // namespace embed
}  // namespace v0
}  // namespace lagom
