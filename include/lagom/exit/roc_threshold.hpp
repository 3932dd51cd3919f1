// SPDX-License-Identifier: MIT
/// @file exit/roc_threshold.hpp
/// How sure a draft has to be for another to follow: learned from what became of the last ones.
#pragma once

#include "../core/math.hpp"
#include "../core/vec_view.hpp"

namespace lagom {
inline namespace v0 {

/// The threshold of confidence that would have cost least on the last N drafts: false positive rate + `missed` times false
/// negative rate, where a draft at or above it counts as expected to be kept. The rule of Hugging Face's assisted generation
/// (from an earlier version of DISCO, arXiv 2405.04304), which its releases leave off for early exit; they remember every
/// draft, this the last N.
///
/// ```cpp
/// const lagom::roc_threshold<> rule;
/// lagom::roc_threshold<>::state s;
/// ... draft until the top probability is below s.value; that draft is kept too ...
/// rule.learn(s, confidences, kept);
/// ```
/// Thresholds are those confidences where the ROC curve turns, and one above all; the largest of equals. `start` until more than
/// five drafts are known and some of them were kept, some refused. Drafts after a refused one say nothing and are left out.
/// State: trivially copyable, one a text or one for all. Cost of `learn`: O(N log N) to O(N^2) comparisons; no allocation.
template <int N = 256>
struct roc_threshold {
  static_assert(N > 5);
  double start = 0.4;
  double missed = 3;  ///< what a kept draft that was not made costs, in refused ones that were

  struct state {
    float confidence[static_cast<std::size_t>(N)] = {};
    bool kept[static_cast<std::size_t>(N)] = {};
    int count = 0, next = 0;
    double value = 0.4;  ///< the threshold in force; `begin` sets it to `start`
  };

  [[nodiscard]] LAGOM_LEAF constexpr state begin() const noexcept {
    state s;
    s.value = start;
    return s;
  }

  /// A round drafted with these confidences, of which the first `kept` were kept. Confidences that are not finite are left out.
  LAGOM_LEAF void learn(state& s, vec_view<const float> confidences, index_t kept) const noexcept {
    LAGOM_ASSERT(0 <= kept && kept <= confidences.size());
    const index_t known = kept < confidences.size() ? kept + 1 : kept;
    for (index_t i = 0; i < known; ++i) {
      if (!is_finite(&confidences[i])) continue;
      s.confidence[s.next] = confidences[i];
      s.kept[s.next] = i < kept;
      s.next = (s.next + 1) % N;
      s.count = s.count < N ? s.count + 1 : N;
    }
    s.value = best(s);
  }

 private:
  LAGOM_LEAF double best(const state& s) const noexcept {
    constexpr int more_than = 5;
    int order[static_cast<std::size_t>(N)];
    double kept = 0, refused = 0;
    for (int i = 0; i < s.count; ++i) {  // by insertion, falling: N is small
      int at = i;
      for (; at > 0 && s.confidence[order[at - 1]] < s.confidence[i]; --at) order[at] = order[at - 1];
      order[at] = i;
      (s.kept[i] ? kept : refused) += 1;
    }
    if (s.count <= more_than || kept == 0 || refused == 0) return start;
    point least{above_all,
                0};  // costs times kept refused, less `missed`: exact for whole numbers, under fast-math too
    int trues = 0, falses = 0;            // at or above `value`
    int true_step = -1, false_step = -1;  // how the curve came to this point; -1: it begins here
    double value = 0;
    for (int i = 0; i < s.count;) {
      const int first = i;
      int t = 0, f = 0;
      for (; i < s.count && !(s.confidence[order[i]] < s.confidence[order[first]]); ++i)
        ++(s.kept[order[i]] ? t : f);
      if (first > 0 &&
          (t != true_step || f != false_step)) {  // the curve turned, or began, at the point before
        consider(least, value, falses * kept - missed * trues * refused);
      }
      true_step = first > 0 ? t : -1;
      false_step = first > 0 ? f : -1;
      trues += t;
      falses += f;
      value = static_cast<double>(s.confidence[order[first]]);
    }
    consider(least, value, falses * kept - missed * trues * refused);
    return least.threshold;
  }

  struct point {
    double threshold, cost;
  };
  LAGOM_LEAF static constexpr void consider(point& least, double threshold, double cost) noexcept {
    if (cost < least.cost) least = {threshold, cost};
  }

  static constexpr double above_all = 2;  // no probability
};

}  // namespace v0
}  // namespace lagom
