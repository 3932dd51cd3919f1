// SPDX-License-Identifier: MIT
/// @file embed/sparsemax.hpp
/// Sparsemax: the distribution nearest to a vector of scores.
#pragma once

#include "sparse_distribution.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// p_i = max(z_i - tau, 0) with tau such that the p_i sum to 1 (Martins and Astudillo, arXiv 1602.02068): the
/// Euclidean projection of z onto the simplex.
///
/// With z sorted to fall, k* = max{k : 1 + k z_(k) > sum_{j <= k} z_(j)} and tau = (sum_{j <= k*} z_(j) - 1) / k*.
/// Unchanged when all scores move by the same amount, for sums are taken of z - z_(1). n equal scores get 1/n
/// each; one score gets 1.
/// ```cpp
/// lagom::embed::sparse_distribution<lagom::embed::sparsemax> p;
/// for (std::uint32_t o = 0; o < n; ++o) p.push(o, cosine[o]);
/// for (auto [id, weight] : p.finish()) { ... }
/// ```
struct sparsemax {
  /// Turns falling scores into probabilities; returns how many are above 0, which come first.
  /// Precondition: not empty, finite, falling.
  static std::size_t apply(std::span<scored> z) noexcept {
    const double top = z[0].value;
    const support s = find(z);
    for (std::size_t i = 0; i < s.size; ++i) z[i].value = rounded(z[i].value - top) - s.tau;
    std::size_t n = s.size;
    while (n > 1 && !(z[n - 1].value > 0)) --n;
    return n;
  }

  /// tau. Same precondition.
  [[nodiscard]] static double threshold(std::span<const scored> z) noexcept {
    return z[0].value + find(z).tau;
  }

 private:
  struct support {
    std::size_t size;
    double tau;  // relative to the largest score
  };

  static support find(std::span<const scored> z) noexcept {
    const double top = z[0].value;
    double sum = 0;
    std::size_t k = 0;
    while (k < z.size()) {
      const double below = rounded(z[k].value - top);
      if (!(1 + static_cast<double>(k + 1) * below > sum + below)) break;
      sum += below;
      ++k;
    }
    return {k, (sum - 1) / static_cast<double>(k)};
  }
};

}  // namespace embed
}  // namespace v0
}  // namespace lagom
