// SPDX-License-Identifier: MIT
/// @file stop/calibrate/hoeffding_bentkus.hpp
#pragma once

#include "bentkus.hpp"
#include "hoeffding.hpp"

namespace lagom {
inline namespace v0 {

/// The smaller p-value of `tight_hoeffding` and `bentkus`: both bound the same tail, so the smaller one does. The test
/// to take for losses that are not just 0 or 1.
///
/// Source: Bates et al. 2021, arXiv 2101.02703; Angelopoulos et al. 2021, arXiv 2110.01052.
struct hoeffding_bentkus : detail::on_sums<hoeffding_bentkus> {
  static constexpr std::string_view name = "hoeffding_bentkus";

  template <backend B>
  [[nodiscard]] static double p(const loss_sum& losses, double limit) noexcept {
    const double one = tight_hoeffding::p<B>(losses, limit), other = bentkus::p<B>(losses, limit);
    return one < other ? one : other;
  }
};

}  // namespace v0
}  // namespace lagom
