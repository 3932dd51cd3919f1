// SPDX-License-Identifier: MIT
/// @file embed/entmax15.hpp
/// Entmax with alpha = 1.5: between softmax and sparsemax.
#pragma once

#include "sparse_distribution.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// p_i = max(z_i / 2 - tau, 0)^2 with tau such that the p_i sum to 1 (Peters, Niculae and Martins,
/// arXiv 1905.05702, section 3 and algorithm 2).
///
/// Of the k largest halves x_(j) = z_(j) / 2 with mean M_k and sum of squared deviations S_k,
/// tau_k = M_k - sqrt((1 - S_k) / k), and the support is the k with tau_k <= x_(k).
/// Unchanged when all scores move by the same amount. Used as `sparse_distribution<entmax15>`.
struct entmax15 {
  /// Turns falling scores into probabilities; returns how many are above 0, which come first.
  /// Precondition: not empty, finite, falling.
  static std::size_t apply(std::span<scored> z) noexcept {
    const double top = z[0].value;
    const double tau = find(z);
    std::size_t n = 0;
    for (; n < z.size(); ++n) {
      const double over = rounded(z[n].value - top) / 2 - tau;
      if (!(over > 0)) break;
      z[n].value = over * over;
    }
    return n;
  }

  /// The score under which the probability is 0. Same precondition.
  [[nodiscard]] static double threshold(std::span<const scored> z) noexcept {
    return z[0].value + 2 * find(z);
  }

 private:
  // tau, relative to half the largest score. Mean and deviations are updated as in Welford's recurrence.
  static double find(std::span<const scored> z) noexcept {
    const double top = z[0].value;
    double mean = 0, deviations = 0, tau = -1;
    for (std::size_t k = 0; k < z.size(); ++k) {
      const auto n = static_cast<double>(k + 1);
      const double x = rounded(z[k].value - top) / 2;
      const double step = x - mean;
      mean += step / n;
      deviations += step * (x - mean);
      if (!(deviations < 1)) break;
      const double next = mean - lagom::detail::sqrt((1 - deviations) / n);
      if (!(next <= x)) break;
      tau = next;
    }
    return tau;
  }
};

}  // namespace embed
}  // namespace v0
}  // namespace lagom
