// SPDX-License-Identifier: MIT
/// @file stop/calibrate/exact_binomial.hpp
#pragma once

#include "binomial.hpp"
#include "loss_test.hpp"

namespace lagom {
inline namespace v0 {

/// The exact test for losses that are 0 or 1: p = P(Bin(n, tolerance) <= number of losses). The sharpest there is for
/// them.
///
/// Source: Angelopoulos et al. 2021, arXiv 2110.01052. Fails also with `bad_value` where a loss is neither 0 nor 1
/// (`found` counts them). Cost: a binomial tail.
struct exact_binomial : detail::on_sums<exact_binomial> {
  static constexpr std::string_view name = "exact_binomial";
  static constexpr bool counts_only = true;

  template <backend B>
  [[nodiscard]] static double p(const loss_sum& losses, double limit) noexcept {
    return binomial_cdf(static_cast<std::int64_t>(losses.sum), losses.rows, limit);
  }
};

}  // namespace v0
}  // namespace lagom
