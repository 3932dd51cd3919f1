// SPDX-License-Identifier: MIT
/// @file embed/plan.hpp
/// New embedding rows as sparse combinations of source rows.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "../core/math.hpp"
#include "../vocab/ids.hpp"
#include "../vocab/ragged.hpp"
#include "tag.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

using vocab::source_id;
using vocab::target_id;

/// A source row and its weight.
struct term {
  source_id id = source_id::none;
  float weight = 0;
  friend bool operator==(const term&, const term&) = default;
};

/// What statistics of many source rows add to a row: mean * mu_g + deviation * sigma_g * z per dimension, with
/// mu_g and sigma_g the mean and the standard deviation (divisor n - ddof; 0 where that is not positive) of the
/// rows of group g, and z standard normal. z is a function of (seed, stream, column) alone: rows do not depend
/// on each other, on order or on threads.
struct gaussian {
  static constexpr std::uint32_t every_row = 0;                 ///< the group of all source rows
  static constexpr std::uint32_t standard = ~std::uint32_t{0};  ///< no group: mu = 0, sigma = 1

  std::uint32_t group = every_row;
  std::uint32_t ddof = 0;
  float mean = 1;
  float deviation = 1;
  std::uint64_t seed = 42;
  target_id stream =
      target_id::none;  ///< the token whose noise it is; a builder puts the row's own for `none`
  friend bool operator==(const gaussian&, const gaussian&) = default;
};

/// What becomes of a finished row. A row of norm 0 keeps it.
struct rescale {
  enum class rule : std::uint8_t {
    none,
    norm,      ///< to norm `value`
    mean,      ///< to `value` times the mean norm of the group's rows
    quantile,  ///< to the `value` quantile, 0 ... 1, of the norms of the group's rows, interpolated linearly
    nan,       ///< to NaN in every column: what a reference that averages nothing leaves
  };
  rule to = rule::none;
  float value = 1;
  std::uint32_t group = gaussian::every_row;
  friend bool operator==(const rescale&, const rescale&) = default;
};

/// A sparse matrix W with a row for every wanted token and a column for every source token, in CSR: new rows
/// are W times the source rows, plus what statistics and noise add. One plan serves the input embedding, the
/// head, a bias, an optimizer moment; each may have its own.
///
/// Canonical form: targets rise; the ids of a row rise and no id is there twice. `plan_builder` makes it.
/// ```cpp
/// for (std::size_t r = 0; r < plan.rows(); ++r)
///   for (const auto& [id, weight] : plan.row(r)) std::printf("%d <- %d * %g\n", plan.target(r), id, weight);
/// ```
/// Memory: 8 bytes a term, 32 a Gaussian, some 24 a row. Plans are values; equal plans give equal bits.
class plan {
 public:
  plan() = default;

  /// How many new rows there are.
  [[nodiscard]] std::size_t rows() const noexcept { return targets_.size(); }
  [[nodiscard]] bool empty() const noexcept { return targets_.empty(); }

  /// How many rows of the source matrix are tokens; the group of all rows is these.
  [[nodiscard]] index_t source_size() const noexcept { return source_size_; }

  /// The token of row `r`.
  [[nodiscard]] target_id target(std::size_t r) const noexcept { return targets_[r]; }
  [[nodiscard]] std::span<const target_id> targets() const noexcept { return targets_; }

  /// The row of a token; rows() when it has none. O(log rows).
  [[nodiscard]] std::size_t find(target_id token) const noexcept {
    const auto at = std::lower_bound(targets_.begin(), targets_.end(), token);
    return at != targets_.end() && *at == token ? static_cast<std::size_t>(at - targets_.begin()) : rows();
  }

  /// The source rows of row `r` and their weights, by rising id.
  [[nodiscard]] std::span<const term> row(std::size_t r) const noexcept { return terms_[r]; }

  /// What row `r` takes of statistics and noise.
  [[nodiscard]] std::span<const gaussian> gaussians(std::size_t r) const noexcept { return gaussians_[r]; }

  /// What becomes of row `r` at the end.
  [[nodiscard]] rescale rescaling(std::size_t r) const noexcept { return rescales_[r]; }

  /// What made row `r`, and why the methods asked for first did not.
  [[nodiscard]] tag tag_of(std::size_t r) const noexcept { return tags_[r]; }
  [[nodiscard]] method made_by(std::size_t r) const noexcept { return tags_[r].made_by; }
  [[nodiscard]] embed::reason reason(std::size_t r) const noexcept { return tags_[r].why; }

  /// How many groups of source rows the plan names: ids 0 ... groups() - 1, where 0 is all rows.
  [[nodiscard]] std::size_t groups() const noexcept { return groups_.size() + 1; }

  /// The rows of group `g`, rising. Precondition: 0 < g < groups().
  [[nodiscard]] std::span<const source_id> group(std::size_t g) const noexcept { return groups_[g - 1]; }

  /// Sum of the weights of row `r`, those of means included: 1 for every affine method.
  [[nodiscard]] double sum(std::size_t r) const noexcept {
    double total = 0;
    for (const term& t : row(r)) total += static_cast<double>(t.weight);
    for (const gaussian& g : gaussians(r)) {
      if (g.group != gaussian::standard) total += static_cast<double>(g.mean);
    }
    return total;
  }

  /// Do the weights of row `r` add up to 1 within `tolerance`? Such a row moves with its sources when all of
  /// them are shifted.
  [[nodiscard]] bool affine(std::size_t r, double tolerance = 1e-5) const noexcept {
    const double off = sum(r) - 1;
    return off <= tolerance && -off <= tolerance;
  }

  /// Are the weights of row `r` not negative, add up to 1 within `tolerance`, and is there neither noise nor a
  /// rescaling? Such a row lies among the source rows, and the drift bound holds for it.
  [[nodiscard]] bool convex(std::size_t r, double tolerance = 1e-5) const noexcept {
    for (const term& t : row(r)) {
      if (t.weight < 0) return false;
    }
    for (const gaussian& g : gaussians(r)) {
      if (g.mean < 0 || g.deviation != 0 || g.group == gaussian::standard) return false;
    }
    return affine(r, tolerance) && rescaling(r).to == rescale::rule::none;
  }

  /// All terms, row after row.
  [[nodiscard]] std::span<const term> terms() const noexcept { return terms_.elements(); }

  friend bool operator==(const plan&, const plan&) = default;

 private:
  friend class plan_builder;
  index_t source_size_ = 0;
  std::vector<target_id> targets_;
  vocab::ragged<term> terms_;
  vocab::ragged<gaussian> gaussians_;
  vocab::ragged<source_id> groups_;
  std::vector<rescale> rescales_;
  std::vector<tag> tags_;
};

}  // namespace embed
}  // namespace v0
}  // namespace lagom
