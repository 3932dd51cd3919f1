// SPDX-License-Identifier: MIT
/// @file embed/sparse_distribution.hpp
/// Distributions with exact zeros, found while the scores stream by.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "../core/math.hpp"
#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// A score or a probability of something that has a number.
struct scored {
  std::uint32_t id = 0;
  double value = 0;
  friend bool operator==(const scored&, const scored&) = default;
};

namespace detail {

/// Larger scores first, smaller ids first among equals.
[[nodiscard]] inline bool before(const scored& a, const scored& b) noexcept {
  return a.value != b.value ? a.value > b.value : a.id < b.id;
}

}  // namespace detail

/// Projects scores onto the probability simplex, one score after the other: a mergeable value.
///
/// `Map` is `sparsemax` or `entmax15`. Both have a threshold tau that only rises as scores are added, and give
/// exactly 0 to every score that is not above it: what lies under the threshold of the scores so far is
/// forgotten at once (the filter of Condat, Mathematical Programming 158, 2016), so that memory is O(support)
/// and most scores cost one comparison. The answer depends on the set of scores alone: any order and any split
/// give the same bits.
///
/// A NaN or an infinite score makes the whole value `broken()`, and there is no distribution.
/// Precondition: ids are distinct.
template <class Map>
class sparse_distribution {
 public:
  /// Reads one score. Amortised O(log support).
  template <std::floating_point T>
  void push(std::uint32_t id, T score) {
    if (!is_finite(&score)) {
      broken_ = true;
      return;
    }
    const auto value = static_cast<double>(score);
    if (settled_ && value < threshold_) return;
    candidates_.push_back({id, value});
    if (candidates_.size() >= limit_) settle();
  }

  /// Reads the scores of `first`, `first + 1`, ... Sixteen that are all forgotten cost one vector comparison.
  void push(std::uint32_t first, std::span<const float> scores) {
    std::size_t i = 0;
    while (i < scores.size()) {
      if (settled_ && scores.size() - i >= 16 && all_under(scores.data() + i)) {
        i += 16;
        continue;
      }
      const std::size_t end = (std::min)(i + 16, scores.size());
      for (; i < end; ++i) push(first + static_cast<std::uint32_t>(i), scores[i]);
    }
  }

  void merge(const sparse_distribution& other) {
    broken_ = broken_ || other.broken_;
    for (const scored& s : other.candidates_) push(s.id, s.value);
  }

  /// Whether a score was NaN or infinite.
  [[nodiscard]] bool broken() const noexcept { return broken_; }

  /// The probabilities above 0, the largest first (smaller ids first among equals); they sum to 1 up to
  /// rounding. Empty when there was no score, or when `broken()`. O(s log s).
  [[nodiscard]] std::vector<scored> finish() const {
    if (broken_ || candidates_.empty()) return {};
    std::vector<scored> sorted = candidates_;
    std::sort(sorted.begin(), sorted.end(), detail::before);
    sorted.resize(Map::apply(std::span<scored>(sorted)));
    return sorted;
  }

  /// The same as `finish`, and the value starts over with its memory kept.
  [[nodiscard]] std::vector<scored> take() {
    auto out = finish();
    candidates_.clear();
    limit_ = first_limit;
    settled_ = broken_ = false;
    return out;
  }

 private:
  static constexpr std::size_t first_limit = 256;

  // The bits of a float as an integer of the same order: negative NaN, -infinity, numbers, infinity, NaN.
  static std::int32_t order(const float* x) noexcept {
    const auto bits = static_cast<std::int32_t>(bits_of(x));
    return bits ^ ((bits >> 31) & 0x7fffffff);
  }
  static constexpr std::int32_t lowest = static_cast<std::int32_t>(0x80800000u);  // of the least number

  [[nodiscard]] bool all_under(const float* scores) const noexcept {
    std::uint32_t kept = 0;
    for (int j = 0; j < 16; ++j) {
      const auto above = static_cast<std::uint32_t>(order(scores + j)) - static_cast<std::uint32_t>(lowest);
      kept |= static_cast<std::uint32_t>(above >= reach_);
    }
    return kept == 0;
  }

  void settle() {
    std::sort(candidates_.begin(), candidates_.end(), detail::before);
    std::vector<scored> p = candidates_;
    const double tau = Map::threshold(std::span<scored>(p));
    const double size = tau < 0 ? 1 - tau : 1 + tau;
    threshold_ = tau - 1e-6 * size;  // never forgets for a rounding error, in float neither
    settled_ = true;
    const auto narrow = static_cast<float>(threshold_ < -1e38  ? -1e38
                                           : threshold_ > 1e38 ? 1e38
                                                               : threshold_);
    reach_ = static_cast<std::uint32_t>(order(&narrow)) - static_cast<std::uint32_t>(lowest);
    const auto under = std::partition_point(candidates_.begin(), candidates_.end(),
                                            [&](const scored& s) { return s.value >= threshold_; });
    candidates_.erase(under, candidates_.end());
    limit_ = (std::max)(first_limit, 2 * candidates_.size());
  }

  std::vector<scored> candidates_;
  std::size_t limit_ = first_limit;
  double threshold_ = 0;     // means nothing until `settled_`
  std::uint32_t reach_ = 0;  // the same for float scores, as steps from the least number
  bool settled_ = false, broken_ = false;
};

}  // namespace embed
}  // namespace v0
}  // namespace lagom
