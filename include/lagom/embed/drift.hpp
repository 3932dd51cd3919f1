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

  /// The share of the new softmax that falls to new tokens: ratio / (1 + ratio) = 1 - exp(-kl).
  [[nodiscard]] double share() const noexcept { return -std::expm1(-kl); }
};

/// Column sums of the plan: c_i says how often source row i is used by new rows. A mean over a group adds its
/// share to each of the group's rows. Cost: the plan's terms and Gaussians, and the members of its groups once.
[[nodiscard]] inline std::vector<double> column_sums(const plan& p) {
  std::vector<double> out(static_cast<std::size_t>(p.source_size()), 0), means(p.groups(), 0);
  for (std::size_t r = 0; r < p.rows(); ++r) {
    for (const auto& [id, weight] : p.row(r)) out[row_of(id)] += static_cast<double>(weight);
    for (const gaussian& g : p.gaussians(r)) {
      if (g.group != gaussian::standard) means[g.group] += static_cast<double>(g.mean);
    }
  }
  for (std::size_t g = 1; g < p.groups(); ++g) {
    const auto members = p.group(g);
    for (const source_id id : members) out[row_of(id)] += means[g] / static_cast<double>(members.size());
  }
  for (double& c : out) c += means[gaussian::every_row] / static_cast<double>(out.size());
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

/// What really happened to one state: from its logits over old and over new tokens. The divergence and the
/// share are right however far the two lie apart; a mass ratio that no double holds is about the largest one.
/// Precondition: there are old logits, all logits are finite.
[[nodiscard]] inline drift measured_drift(std::span<const double> old_logits,
                                          std::span<const double> new_logits) {
  if (new_logits.empty()) return {};
  constexpr double most = 709.782712893384;  // the log of the largest double, from below
  const double log_ratio = log_sum_exp(new_logits) - log_sum_exp(old_logits);
  const double above = log_ratio > 0 ? log_ratio : 0;  // log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)
  return {std::exp((std::min)(log_ratio, most)), above + std::log1p(std::exp(log_ratio - 2 * above)), true};
}

/// logit(t) less the log-sum-exp of its pieces' logits. For a mean of n pieces it is at most -log n (Jensen);
/// above 0 the token has more mass than all that it is made of. Precondition: there are pieces.
[[nodiscard]] inline double above_pieces(double logit, std::span<const double> piece_logits) noexcept {
  return logit - log_sum_exp(piece_logits);
}

}  // namespace embed
}  // namespace v0
}  // namespace lagom
