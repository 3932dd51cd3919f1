// SPDX-License-Identifier: MIT
/// @file prompt/lazy_iterator.hpp
/// Iterators over what is made one value at a time.
#pragma once

#include <cstddef>
#include <iterator>

namespace lagom {
inline namespace v0 {
namespace prompt {

/// The iterator of a lazy forward range. `Step` is a copyable source whose default value may be anything, with a type
/// `value_type` and `next(value_type&)`, which makes the next value, or gives false after the last one. Values are
/// given by value: they live in the iterator.
template <class Step>
class lazy_iterator {
 public:
  using value_type = typename Step::value_type;
  using iterator_concept = std::forward_iterator_tag;
  using iterator_category = std::input_iterator_tag;
  using difference_type = std::ptrdiff_t;
  using pointer = const value_type*;
  using reference = value_type;

  constexpr lazy_iterator() = default;
  constexpr explicit lazy_iterator(const Step& step) : step_(step) { ++*this; }

  [[nodiscard]] constexpr value_type operator*() const noexcept { return now_; }
  [[nodiscard]] constexpr const value_type* operator->() const noexcept { return &now_; }
  constexpr lazy_iterator& operator++() {
    more_ = step_.next(now_);
    ++count_;
    return *this;
  }
  constexpr lazy_iterator operator++(int) {
    lazy_iterator before = *this;
    ++*this;
    return before;
  }
  /// Iterators of one range are equal when they stand at the same value.
  friend constexpr bool operator==(const lazy_iterator& a, const lazy_iterator& b) noexcept {
    return a.more_ == b.more_ && (!a.more_ || a.count_ == b.count_);
  }
  friend constexpr bool operator==(const lazy_iterator& i, std::default_sentinel_t) noexcept {
    return !i.more_;
  }

 private:
  Step step_{};
  value_type now_{};
  std::size_t count_ = 0;
  bool more_ = false;
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
