// SPDX-License-Identifier: MIT
/// @file stop/calibrate/hoeffding.hpp
#pragma once

#include "log_gamma.hpp"
#include "loss_test.hpp"

namespace lagom {
inline namespace v0 {

/// Hoeffding's test as CALM uses it: p = exp(-2 n max(0, tolerance - mean)^2).
///
/// Source: Hoeffding 1963, theorem 1 (2.3); Schuster et al. 2022, arXiv 2207.07061. Weak: without any loss and
/// at tolerance 0.05 it needs 600 rows for an error rate of 0.05, where `hoeffding_bentkus` needs 59.
struct hoeffding : detail::on_sums<hoeffding> {
  static constexpr std::string_view name = "hoeffding";

  template <backend B>
  [[nodiscard]] static double p(const loss_sum& losses, double limit) noexcept {
    const double mean = losses.mean(), room = limit > mean ? limit - mean : 0;
    return exp_nonpositive(-2 * static_cast<double>(losses.rows) * room * room);
  }
};

/// Hoeffding's test in its relative-entropy form: p = exp(-n h(min(mean, tolerance), tolerance)),
/// h(a, b) = a log(a/b) + (1 - a) log((1 - a)/(1 - b)), 0 log 0 = 0. Never above `hoeffding`'s.
///
/// Source: Hoeffding 1963, theorem 1 (2.1); Bates et al. 2021, arXiv 2101.02703.
struct tight_hoeffding : detail::on_sums<tight_hoeffding> {
  static constexpr std::string_view name = "tight_hoeffding";

  template <backend B>
  [[nodiscard]] static double p(const loss_sum& losses, double limit) noexcept {
    const double mean = losses.mean(), a = mean < limit ? mean : limit;
    // The deviances of a from b and of 1 - a from 1 - b: their linear terms cancel, what is left is h.
    const double h = detail::deviance<B>(a, limit) + detail::deviance<B>(1 - a, 1 - limit);
    return exp_nonpositive(h > 0 ? -static_cast<double>(losses.rows) * h : 0.0);
  }
};

}  // namespace v0
}  // namespace lagom
