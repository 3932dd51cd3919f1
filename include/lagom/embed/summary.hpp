// SPDX-License-Identifier: MIT
/// @file embed/summary.hpp
/// A plan in a few counts: which methods made its rows, and why not the ones asked for.
#pragma once

#include <array>

#include "plan.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// Counts over the rows of plans; mergeable.
struct plan_summary {
  std::size_t rows = 0;
  std::size_t terms = 0;
  std::size_t noisy = 0;   ///< rows that draw noise
  std::size_t convex = 0;  ///< rows among the source rows, for which the drift bound holds
  std::array<std::size_t, method_count> methods{};
  std::array<std::size_t, reason_bits> reasons{};  ///< rows that have this reason, by bit

  [[nodiscard]] std::size_t made_by(method m) const noexcept { return methods[static_cast<std::size_t>(m)]; }

  /// Rows that have this one reason, perhaps beside others.
  [[nodiscard]] std::size_t because(reason one) const noexcept {
    std::size_t sum = 0;
    for (unsigned bit = 0; bit < reason_bits; ++bit) {
      if (static_cast<unsigned>(one) == 1u << bit) sum = reasons[bit];
    }
    return sum;
  }

  void merge(const plan_summary& other) noexcept {
    rows += other.rows;
    terms += other.terms;
    noisy += other.noisy;
    convex += other.convex;
    for (std::size_t i = 0; i < methods.size(); ++i) methods[i] += other.methods[i];
    for (std::size_t i = 0; i < reasons.size(); ++i) reasons[i] += other.reasons[i];
  }

  friend bool operator==(const plan_summary&, const plan_summary&) = default;
};

/// Counts a plan's rows.
[[nodiscard]] inline plan_summary summary_of(const plan& p) {
  plan_summary out;
  out.rows = p.rows();
  out.terms = p.terms().size();
  for (std::size_t r = 0; r < p.rows(); ++r) {
    bool noisy = false;
    for (const gaussian& g : p.gaussians(r)) noisy = noisy || g.deviation != 0;
    out.noisy += noisy ? 1u : 0u;
    out.convex += p.convex(r) ? 1u : 0u;
    ++out.methods[static_cast<std::size_t>(p.made_by(r))];
    for (std::size_t bit = 0; bit < reason_bits; ++bit) {
      if ((static_cast<unsigned>(p.reason(r)) >> bit & 1u) != 0) ++out.reasons[bit];
    }
  }
  return out;
}

}  // namespace embed
}  // namespace v0
}  // namespace lagom
