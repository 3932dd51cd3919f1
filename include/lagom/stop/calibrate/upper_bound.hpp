// SPDX-License-Identifier: MIT
/// @file stop/calibrate/upper_bound.hpp
/// Upper confidence bounds: what every test says the mean loss is not above.
#pragma once

#include "loss_test.hpp"

namespace lagom {
inline namespace v0 {

namespace detail {
/// The smallest tolerance at which `p(tolerance)` is at most `error`, rounded up; 1 where none is.
template <backend B, class P>
result<double> smallest_certified(const P& p, error_rate error) noexcept {
  if (auto ok = check_error_rate<B>(error); !ok) return ok.error();
  double low = 0, high = 1;
  auto at = p(tolerance(high));
  if (!at || !(*at <= error.value)) return at;  // 1 if not certified
  for (;;) {
    const double middle = low + (high - low) / 2;
    if (!(middle > low && middle < high)) return high;
    at = p(tolerance(middle));
    if (!at) return at;
    (*at <= error.value ? high : low) = middle;
  }
}
}  // namespace detail

/// The smallest tolerance that a test would have certified: E[loss] is at most that, but with probability `error`.
///
/// The p-values of lagom's tests fall as the tolerance grows, so this is their inverse: with `exact_binomial` the
/// one-sided bound of Clopper and Pearson, with `wsr_betting{error}` that of RC-EENN (arXiv 2405.20915). 1 where even
/// tolerance 1 is not certified (no rows, every loss 1). By bisection to the last bit, rounded up: about 60 p-values,
/// 1100 at most.
/// Fails with `out_of_range` for an error rate that is not between 0 and 1, and as the test does.
template <sum_test Test, backend B = portable>
[[nodiscard]] result<double> upper_bound(const Test& test, const loss_sum& losses,
                                         error_rate error) noexcept {
  return detail::smallest_certified<B>([&](tolerance limit) { return test(losses, limit); }, error);
}
/// @overload
template <loss_test Test, backend B = portable>
[[nodiscard]] result<double> upper_bound(const Test& test, vec_view<const double> losses,
                                         error_rate error) noexcept {
  if constexpr (sum_test<Test>) {
    return upper_bound<Test, B>(test, summed(losses), error);
  } else {
    return detail::smallest_certified<B>([&](tolerance limit) { return test(losses, limit); }, error);
  }
}

}  // namespace v0
}  // namespace lagom
