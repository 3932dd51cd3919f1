// SPDX-License-Identifier: MIT
/// @file vocab/size_search.hpp
/// How large a vocabulary of its own a language wants: grown until the average log probability settles.
#pragma once

#include <cmath>
#include <span>

#include "../core/result.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// Average log probability (ALP) of a corpus under the unigram frequencies of its own tokens (UniBridge,
/// arXiv 2406.09717, section 3.1): the mean over lines of sum_t log p(t), p(t) = count(t) / total.
///
/// As every line counts alike, it is sum_t count(t) log p(t) / lines: counts are enough, such as
/// `token_counts::by_id()`. 0 without lines or tokens. Cost: one logarithm a token.
[[nodiscard]] inline double average_log_probability(std::span<const std::uint64_t> counts,
                                                    std::uint64_t lines) {
  std::uint64_t total = 0;
  for (const std::uint64_t n : counts) total += n;
  if (total == 0 || lines == 0) return 0;
  double sum = 0;
  for (const std::uint64_t n : counts) {
    if (n > 0) sum += static_cast<double>(n) * std::log(static_cast<double>(n) / static_cast<double>(total));
  }
  return sum / static_cast<double>(lines);
}

/// Where a search for a size ended.
struct found_size {
  std::size_t size = 0;
  double alp = 0;  ///< of the vocabulary of that size
  bool settled =
      false;  ///< one step more changed the measure by less than the tolerance, or could not be made
  friend bool operator==(const found_size&, const found_size&) = default;
};

/// UniBridge's search: vocabularies of `first`, `first` + `step`, ... up to `last` tokens are made until the
/// ALP changes by less than `tolerance`, and the last one made is taken. Where one cannot be made, the one
/// before is.
/// ```cpp
/// auto found = lagom::vocab::size_search{}([&](std::size_t size) -> lagom::result<double> {
///   auto model = train(corpus, size);
///   if (!model) return model.error();
///   const lagom::vocab::token_counts counts(*model, corpus);
///   return lagom::vocab::average_log_probability(counts.by_id(), corpus.size().lines);
/// });
/// ```
/// Fails as the first vocabulary does; with `bad_value` for a step of 0 or `first` above `last`.
struct size_search {
  std::size_t first = 10'000, last = 100'000, step = 1'000;
  double tolerance = 5;

  template <class Measure>
  [[nodiscard]] result<found_size> operator()(Measure alp_of) const {
    if (step == 0 || first > last) return failure{.code = errc::bad_value, .key = "step"};
    found_size out;
    for (std::size_t size = first;; size += step) {
      const result<double> alp = alp_of(size);
      if (!alp) {
        if (size == first) return alp.error();
        out.settled = true;
        return out;
      }
      const double moved = *alp - out.alp;
      out.settled = size > first && moved < tolerance && -moved < tolerance;
      out.size = size;
      out.alp = *alp;
      if (out.settled || last - size < step) return out;
    }
  }
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
