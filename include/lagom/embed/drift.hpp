// SPDX-License-Identifier: MIT
/// @file embed/drift.hpp
/// How much probability new head rows take from the old ones: bounds from the plan alone, and measured.
#pragma once

#include "plan.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// New mass over old mass, and the divergence KL(old || new) = log(1 + ratio) that it causes.
struct drift {
  double mass_ratio = 0;
  double kl = 0;
  bool holds = true;  ///< of a bound: every row is convex. Else the numbers are no bound.

  /// The share of the new softmax that falls to new tokens.
  [[nodiscard]] double share() const noexcept { return mass_ratio / (1 + mass_ratio); }
};

/// Column sums of the plan: c_i says how often source row i is used by new rows. A mean over a group adds its
/// share to each of the group's rows.
[[nodiscard]] inline std::vector<double> column_sums(const plan& p) {
  std::vector<double> out(static_cast<std::size_t>(p.source_size()), 0);
  double everywhere = 0;
  for (std::size_t r = 0; r < p.rows(); ++r) {
    for (const auto& [id, weight] : p.row(r)) out[row_of(id)] += static_cast<double>(weight);
    for (const gaussian& g : p.gaussians(r)) {
      const auto mean = static_cast<double>(g.mean);
      if (g.group == gaussian::standard) continue;
      if (g.group == gaussian::every_row) {
        everywhere += mean / static_cast<double>(out.size());
      } else {
        const auto members = p.group(g.group);
        for (const source_id id : members) out[row_of(id)] += mean / static_cast<double>(members.size());
      }
    }
  }
  for (double& c : out) c += everywhere;
  return out;
}

namespace detail {
[[nodiscard]] inline bool all_convex(const plan& p) noexcept {
  for (std::size_t r = 0; r < p.rows(); ++r) {
    if (!p.convex(r)) return false;
  }
  return true;
}
}  // namespace detail

/// The bound for any text: mass ratio <= max_i c_i. For k means of all n rows it is k/n (Hewitt 2021).
///
/// By Jensen's inequality exp(h . sum w_i e_i) <= sum w_i exp(h . e_i) for convex rows, whatever the state h; a
/// bias made by the same plan keeps it. Rows that are copies of source tokens count as new.
[[nodiscard]] inline drift drift_bound(const plan& p) {
  double most = 0;
  for (const double c : column_sums(p)) most = c > most ? c : most;
  return {most, std::log1p(most), detail::all_convex(p)};
}

/// The bound where the old softmax is `p_old`: mass ratio <= sum_i c_i p_i.
/// Precondition: as many probabilities as the plan has source rows.
[[nodiscard]] inline drift drift_bound(const plan& p, std::span<const double> p_old) {
  const auto c = column_sums(p);
  LAGOM_ASSERT(c.size() == p_old.size());
  double ratio = 0;
  for (std::size_t i = 0; i < c.size(); ++i) ratio += c[i] * p_old[i];
  return {ratio, std::log1p(ratio), detail::all_convex(p)};
}

/// log sum exp of finite numbers, without overflow. Precondition: there is one.
[[nodiscard]] inline double log_sum_exp(std::span<const double> x) noexcept {
  LAGOM_ASSERT(!x.empty());
  const double top = *std::max_element(x.begin(), x.end());
  double sum = 0;
  for (const double v : x) sum += exp_nonpositive(v - top);
  return top + std::log(sum);
}

/// What really happened to one state: from its logits over old and over new tokens.
[[nodiscard]] inline drift measured_drift(std::span<const double> old_logits,
                                          std::span<const double> new_logits) {
  if (new_logits.empty()) return {};
  const double ratio = std::exp(log_sum_exp(new_logits) - log_sum_exp(old_logits));
  return {ratio, std::log1p(ratio), true};
}

/// logit(t) less the log-sum-exp of its pieces' logits. For a mean of n pieces it is at most -log n (Jensen);
/// above 0 the token has more mass than all that it is made of. Precondition: there are pieces.
[[nodiscard]] inline double above_pieces(double logit, std::span<const double> piece_logits) noexcept {
  return logit - log_sum_exp(piece_logits);
}

}  // namespace embed
}  // namespace v0
}  // namespace lagom
