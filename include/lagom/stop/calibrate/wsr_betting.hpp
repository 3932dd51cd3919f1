// SPDX-License-Identifier: MIT
/// @file stop/calibrate/wsr_betting.hpp
#pragma once

#include <cmath>

#include "loss_test.hpp"

namespace lagom {
inline namespace v0 {

/// The bet of Waudby-Smith and Ramdas on the next of `n` losses, from what was seen before it: nu = min(1, sqrt(2
/// log(1/error) / (n v))), v the running variance (1/4 + sum (x_i - m_i)^2) / (1 + t) about the running means m_t =
/// (1/2 + sum x_i) / (1 + t).
struct wsr_bet {
  double rows = 0, sum = 0.5, squares = 0.25;

  /// Share of the capital to bet. `twice_log` = 2 log(1/error), over n.
  [[nodiscard]] LAGOM_LEAF double share(double twice_log) const noexcept {
    const double nu = detail::sqrt(twice_log * (1 + rows) / squares);
    return nu < 1 ? nu : 1;
  }
  LAGOM_LEAF void push(double x) noexcept {
    rows += 1;
    sum += x;
    const double off = x - sum / (1 + rows);
    squares += off * off;
  }
};

/// Testing by betting: p = min(1, min_t 1 / M_t), M_t = prod_{i <= t} (1 - nu_i (x_i - tolerance)), a martingale's
/// capital that grows while losses stay below the tolerance (`wsr_bet` is nu).
///
/// Source: Waudby-Smith & Ramdas 2020, arXiv 2010.09686; the recipe of Bates et al. 2021, arXiv 2101.02703.
/// Sharp where losses vary little. Reads the losses in order, so the order must not depend on their values. The
/// bets aim at `aim`: best when it is the error rate of the decision, valid for every other.
/// Fails also with `out_of_range` when `aim` is not between 0 and 1. Cost: a logarithm and a root a row.
struct wsr_betting {
  static constexpr std::string_view name = "wsr_betting";
  error_rate aim{0.05};

  [[nodiscard]] LAGOM_INLINE result<double> operator()(vec_view<const double> losses,
                                                       tolerance limit) const noexcept {
    return tested<portable>(losses, limit);
  }

 private:
  template <backend B>
  [[nodiscard]] result<double> tested(vec_view<const double> losses, tolerance limit) const noexcept {
    if (auto ok = detail::check_error_rate<B>(aim); !ok) return ok.error();
    return detail::p_value<B>(summed(losses), limit, [&] {
      const double twice_log = -2 * detail::log(aim.value) / static_cast<double>(losses.size());
      wsr_bet bet;
      double capital = 0, most = 0;  // logarithms; the capital before the first loss is 1
      for (index_t i = 0; i < losses.size(); ++i) {
        capital += std::log1p(-bet.share(twice_log) * (losses[i] - limit.value));  // never all: tolerance > 0
        most = capital > most ? capital : most;
        bet.push(losses[i]);
      }
      return exp_nonpositive(-most);
    });
  }
};

}  // namespace v0
}  // namespace lagom
