// SPDX-License-Identifier: MIT
/// @file stop/calibrate/multi_start.hpp
#pragma once

#include "rejections.hpp"

namespace lagom {
inline namespace v0 {

/// Fixed-sequence testing from several starts at equal distances, each at level error / starts (Bonferroni): a safest
/// candidate that fails does not end it all.
///
/// Source: Angelopoulos et al. 2021, arXiv 2110.01052. Starts at candidates floor(j m / starts); of fewer candidates
/// than starts each is one, which is Bonferroni's test. Fails also with `bad_value` for fewer than one start.
struct multi_start {
  static constexpr std::string_view name = "multi_start";
  int starts = 10;

  template <backend B = portable>
  [[nodiscard]] result<rejections> operator()(vec_view<const double> p, error_rate error) const {
    if (auto ok = detail::check_p_values<B>(p, error); !ok) return ok.error();
    if (starts < 1) return failure{.code = errc::bad_value, .key = "starts"};
    const index_t n = p.size(), used = n < starts ? n : starts;
    rejections r;
    const double level = used > 0 ? error.value / static_cast<double>(used) : 0;
    for (index_t j = 0; j < used; ++j) {
      const index_t start = j * n / used;
      if (r.last() >= start) continue;  // an earlier start came through here: from here on the two are one
      for (index_t i = start; i < n && p[i] <= level; ++i) r.candidates.push_back(i);
    }
    return r;
  }
};

}  // namespace v0
}  // namespace lagom
