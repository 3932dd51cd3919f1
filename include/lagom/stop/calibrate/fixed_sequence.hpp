// SPDX-License-Identifier: MIT
/// @file stop/calibrate/fixed_sequence.hpp
#pragma once

#include "rejections.hpp"

namespace lagom {
inline namespace v0 {

/// Fixed-sequence testing: goes through the candidates in their order, rejects while p <= error, stops at the first p
/// above.
///
/// Source: Bauer 1991; Schuster et al. 2022, arXiv 2207.07061; Angelopoulos et al. 2021, arXiv 2110.01052.
/// No correction for the number of candidates: all of the error rate is spent on the first true hypothesis.
/// The order must be fixed beforehand, the safest first. What is certified is the last *rejected* candidate: the
/// one at which it stopped is the first that is not.
struct fixed_sequence {
  static constexpr std::string_view name = "fixed_sequence";

  template <backend B = portable>
  [[nodiscard]] result<rejections> operator()(vec_view<const double> p, error_rate error) const {
    if (auto ok = detail::check_p_values<B>(p, error); !ok) return ok.error();
    rejections r;
    for (index_t i = 0; i < p.size() && p[i] <= error.value; ++i) r.candidates.push_back(i);
    return r;
  }
};

}  // namespace v0
}  // namespace lagom
