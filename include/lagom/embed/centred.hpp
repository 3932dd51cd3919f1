// SPDX-License-Identifier: MIT
/// @file embed/centred.hpp
/// Auxiliary vectors without the direction that all of them share.
#pragma once

#include <vector>

#include "../core/math.hpp"
#include "../vocab/token_vectors.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// The same vectors less their mean (the first step of Mu and Viswanath, arXiv 1702.01417).
///
/// CBOW vectors of little text (fastText's too) share one large component: a megabyte leaves all cosines above
/// 0.99, and sparsemax then gives near-equal weights to the whole overlap, so that FOCUS amounts to its mean.
/// Centred, they tell tokens apart. Not part of any published initializer.
/// Tokens without a vector, or with a NaN or an infinity, are no part of the mean; the latter stay as they are.
[[nodiscard]] inline vocab::token_vectors centred(const vocab::token_vectors& vectors) {
  const auto n = static_cast<std::size_t>(vectors.size());
  const auto finite = [](vec_view<const float> x) {
    for (index_t j = 0; j < x.size(); ++j) {
      if (!is_finite(&x[j])) return false;
    }
    return true;
  };
  std::vector<double> mean(static_cast<std::size_t>(vectors.width()));
  double count = 0;
  for (std::size_t t = 0; t < n; ++t) {
    if (!vectors.has(t) || !finite(vectors[t])) continue;
    ++count;
    for (index_t j = 0; j < vectors.width(); ++j) {
      mean[static_cast<std::size_t>(j)] += static_cast<double>(vectors[t][j]);
    }
  }
  vocab::token_vectors out(vectors.size(), vectors.width());
  for (std::size_t t = 0; t < n; ++t) {
    if (!vectors.has(t)) continue;
    const bool whole = finite(vectors[t]);
    const auto to = out.set(t);
    for (index_t j = 0; j < vectors.width(); ++j) {
      const double from = static_cast<double>(vectors[t][j]);
      to[j] = whole ? static_cast<float>(from - mean[static_cast<std::size_t>(j)] / count) : vectors[t][j];
    }
  }
  return out;
}

}  // namespace embed
}  // namespace v0
}  // namespace lagom
