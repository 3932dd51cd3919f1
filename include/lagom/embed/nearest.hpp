// SPDX-License-Identifier: MIT
/// @file embed/nearest.hpp
/// The best few of many scores, found while they stream by.
#pragma once

#include "sparse_distribution.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// The `k` largest scores: a mergeable value. Among equal scores the smaller id is nearer, so that any order
/// and any split give the same answer. NaN and infinite scores are left out. Precondition: ids are distinct.
/// Memory k; a score costs one comparison, or O(log k) where it enters.
class nearest {
 public:
  explicit nearest(std::size_t k) : k_(k) { heap_.reserve(k); }

  void push(std::uint32_t id, float score) {
    if (!is_finite(&score)) return;
    const scored s{id, static_cast<double>(score)};
    if (heap_.size() < k_) {
      heap_.push_back(s);
      std::push_heap(heap_.begin(), heap_.end(), detail::before);
    } else if (k_ > 0 && detail::before(s, heap_.front())) {
      std::pop_heap(heap_.begin(), heap_.end(), detail::before);
      heap_.back() = s;
      std::push_heap(heap_.begin(), heap_.end(), detail::before);
    }
  }
  void push(std::uint32_t first, std::span<const float> scores) {
    for (std::size_t i = 0; i < scores.size(); ++i) push(first + static_cast<std::uint32_t>(i), scores[i]);
  }
  void merge(const nearest& other) {
    for (const scored& s : other.heap_) push(s.id, static_cast<float>(s.value));
  }

  /// The nearest first. The value starts over.
  [[nodiscard]] std::vector<scored> take() {
    std::sort(heap_.begin(), heap_.end(), detail::before);
    std::vector<scored> out(heap_.begin(), heap_.end());
    heap_.clear();
    return out;
  }

 private:
  std::size_t k_;
  std::vector<scored> heap_;  // the worst in front
};

}  // namespace embed
}  // namespace v0
}  // namespace lagom
