// SPDX-License-Identifier: MIT
/// @file stop/calibrate/loss_test.hpp
/// The concept of a test of "the mean loss is above the tolerance".
#pragma once

#include <concepts>

#include "loss_sum.hpp"

namespace lagom {
inline namespace v0 {

/// A loss test gives a p-value for H: E[loss] > tolerance, from independent rows with losses in [0, 1]: if H holds, the
/// p-value is at most u with probability at most u. Small p-values reject H: the tolerance is kept.
///
/// ```cpp
/// auto p = lagom::hoeffding_bentkus{}(losses, lagom::tolerance{0.05});   // losses: any vector of double
/// if (p && *p <= 0.1) deploy();
/// ```
/// All of lagom's give 1 without rows (nothing is known), where every loss is 1 and at tolerance 0 (no finite set shows
/// it), and else 0 at tolerance 1 (H cannot hold). They fail with `out_of_range` when a loss is outside [0, 1] or no
/// number (`found` counts them), or the tolerance is.
template <class Test>
concept loss_test =
    std::copy_constructible<Test> && requires(const Test t, vec_view<const double> losses, tolerance limit) {
      { t(losses, limit) } -> std::same_as<result<double>>;
    };

/// A loss test that needs the sum of the losses only.
template <class Test>
concept sum_test = loss_test<Test> && requires(const Test t, const loss_sum& losses, tolerance limit) {
  { t(losses, limit) } -> std::same_as<result<double>>;
};

namespace detail {

/// What every test refuses, and the answers that are known beforehand; `p()` elsewhere, where 0 < tolerance < 1 and the
/// mean loss is below 1.
template <backend B, class P>
result<double> p_value(const loss_sum& losses, tolerance limit, const P& p) noexcept {
  if (auto ok = check_losses<B>(losses); !ok) return ok.error();
  if (auto ok = check_tolerance<B>(limit); !ok) return ok.error();
  if (losses.rows == 0 || !(limit.value > 0)) return 1.0;
  if (!(losses.sum < static_cast<double>(losses.rows))) return 1.0;
  if (!(limit.value < 1)) return 0.0;
  const double value = p();
  return value < 1 ? value : 1.0;
}

/// The two ways to call a test that needs the sum only. `Test` has `p<backend>(losses, tolerance)`, for what `p_value`
/// lets through.
template <class Test>
struct on_sums {
  [[nodiscard]] LAGOM_INLINE result<double> operator()(const loss_sum& losses,
                                                       tolerance limit) const noexcept {
    return tested<portable>(losses, limit);
  }
  [[nodiscard]] LAGOM_INLINE result<double> operator()(vec_view<const double> losses,
                                                       tolerance limit) const noexcept {
    return tested<portable>(summed(losses), limit);
  }

 private:
  template <backend B>
  static result<double> tested(const loss_sum& losses, tolerance limit) noexcept {
    if constexpr (requires { Test::counts_only; }) {
      const auto count = static_cast<double>(static_cast<std::int64_t>(losses.sum));
      if (losses.fractions != 0 || count < losses.sum) {
        return failure{.code = errc::bad_value,
                       .key = "a loss that is neither 0 nor 1",
                       .found = static_cast<std::uint64_t>(losses.fractions)};
      }
    }
    return p_value<B>(losses, limit, [&] { return Test::template p<B>(losses, limit.value); });
  }
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
