// SPDX-License-Identifier: MIT
/// @file vocab/short_list.hpp
/// A list that is short as a rule.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// A list whose first `N` elements need no allocation.
template <class T, std::size_t N>
class short_list {
 public:
  void push_back(T x) {
    if (count_ < N) {
      few_[count_] = x;
    } else {
      if (count_ == N) many_.assign(few_.begin(), few_.end());
      many_.push_back(x);
    }
    ++count_;
  }
  void clear() noexcept { count_ = 0; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }

  /// All elements, side by side. Valid until the next change.
  [[nodiscard]] std::span<T> all() noexcept {
    return count_ <= N ? std::span<T>(few_.data(), count_) : std::span<T>(many_);
  }

 private:
  std::array<T, N> few_;
  std::vector<T> many_;
  std::size_t count_ = 0;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
