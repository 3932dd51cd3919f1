// SPDX-License-Identifier: MIT
/// @file stop/calibrate/bentkus.hpp
#pragma once

#include "binomial.hpp"
#include "loss_test.hpp"

namespace lagom {
inline namespace v0 {

/// Bentkus' test: p = min(1, e P(Bin(n, tolerance) <= ceil(sum of the losses))).
///
/// Source: Bentkus 2004; Bates et al. 2021, arXiv 2101.02703. Takes the sum, never n times the mean, which a
/// rounding may lift above an integer. A sum of fractions that is lifted so gives a larger p-value, and stays valid.
/// Cost: a binomial tail.
struct bentkus : detail::on_sums<bentkus> {
  static constexpr std::string_view name = "bentkus";

  template <backend B>
  [[nodiscard]] static double p(const loss_sum& losses, double limit) noexcept {
    auto up = static_cast<std::int64_t>(losses.sum);
    up += static_cast<double>(up) < losses.sum;
    return 2.71828182845904523536 * binomial_cdf(up, losses.rows, limit);
  }
};

}  // namespace v0
}  // namespace lagom
