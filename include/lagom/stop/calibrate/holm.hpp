// SPDX-License-Identifier: MIT
/// @file stop/calibrate/holm.hpp
#pragma once

#include "rejections.hpp"

namespace lagom {
inline namespace v0 {

/// Holm's step-down test: rejects the smallest p-value if it is at most error / m, then the next smallest if it is at
/// most error / (m - 1), and so on; stops at the first that is not. The order of the candidates does not matter.
///
/// Source: Holm 1979. Rejects whatever Bonferroni's test rejects. Cost: m comparisons a rejected candidate.
struct holm {
  static constexpr std::string_view name = "holm";

  template <backend B = portable>
  [[nodiscard]] result<rejections> operator()(vec_view<const double> p, error_rate error) const {
    if (auto ok = detail::check_p_values<B>(p, error); !ok) return ok.error();
    std::vector<signed char> rejected(static_cast<std::size_t>(p.size()), 0);
    for (index_t left = p.size(); left > 0; --left) {
      index_t least = -1;
      for (index_t i = 0; i < p.size(); ++i) {
        if (rejected[static_cast<std::size_t>(i)] == 0 && (least < 0 || p[i] < p[least])) least = i;
      }
      if (!(p[least] <= error.value / static_cast<double>(left))) break;
      rejected[static_cast<std::size_t>(least)] = 1;
    }
    rejections r;
    for (index_t i = 0; i < p.size(); ++i) {
      if (rejected[static_cast<std::size_t>(i)] != 0) r.candidates.push_back(i);
    }
    return r;
  }
};

}  // namespace v0
}  // namespace lagom
