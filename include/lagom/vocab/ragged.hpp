// SPDX-License-Identifier: MIT
/// @file vocab/ragged.hpp
/// Rows of unequal length in two arrays.
#pragma once

#include <span>
#include <vector>

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// A list of rows, each a run of elements; rows are appended whole and then stay.
///
/// Row i is `ragged[i]`, O(1). Memory: the elements, and 8 bytes a row.
template <class T>
class ragged {
 public:
  void push_back(std::span<const T> row) {
    elements_.insert(elements_.end(), row.begin(), row.end());
    ends_.push_back(elements_.size());
  }
  void clear() noexcept {
    elements_.clear();
    ends_.clear();
  }
  void reserve(std::size_t rows, std::size_t elements) {
    ends_.reserve(rows);
    elements_.reserve(elements);
  }

  /// How many rows there are.
  [[nodiscard]] std::size_t size() const noexcept { return ends_.size(); }
  [[nodiscard]] bool empty() const noexcept { return ends_.empty(); }

  /// Row `i`. Precondition: i < size(). Valid until the next change.
  [[nodiscard]] std::span<const T> operator[](std::size_t i) const noexcept {
    LAGOM_ASSERT(i < ends_.size());
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
    return {elements_.data() + begin, ends_[i] - begin};
  }

  /// The elements of all rows, one row after the other.
  [[nodiscard]] std::span<const T> elements() const noexcept { return elements_; }

  friend bool operator==(const ragged&, const ragged&) = default;

 private:
  std::vector<T> elements_;
  std::vector<std::size_t> ends_;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
