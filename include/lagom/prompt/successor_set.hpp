// SPDX-License-Identifier: MIT
/// @file prompt/successor_set.hpp
/// A set of small numbers that knows the next one.
#pragma once

#include <bit>
#include <vector>

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// A set of numbers below a bound: one bit a number, and a tree of 64 branches over them. Every operation is
/// O(log64 bound).
class successor_set {
 public:
  static constexpr std::size_t none = ~std::size_t{0};

  explicit successor_set(std::size_t bound) {
    do {
      bound = (bound + 63) / 64;
      levels_.emplace_back(bound, 0);
    } while (bound > 1);
  }

  void insert(std::size_t x) noexcept {
    for (auto& level : levels_) {
      level[x / 64] |= bit(x);
      x /= 64;
    }
  }
  void erase(std::size_t x) noexcept {
    for (auto& level : levels_) {
      level[x / 64] &= ~bit(x);
      if (level[x / 64] != 0) return;
      x /= 64;
    }
  }
  /// The smallest number of the set that is at least `x`; `none` when there is none.
  [[nodiscard]] std::size_t at_least(std::size_t x) const noexcept {
    for (std::size_t l = 0; l < levels_.size(); ++l, x = x / 64 + 1) {
      if (x / 64 >= levels_[l].size()) return none;
      const std::uint64_t rest = levels_[l][x / 64] & (~std::uint64_t{0} << (x % 64));
      if (rest == 0) continue;
      x = x / 64 * 64 + lowest(rest);
      while (l-- > 0) x = x * 64 + lowest(levels_[l][x]);
      return x;
    }
    return none;
  }

 private:
  [[nodiscard]] static constexpr std::uint64_t bit(std::size_t x) noexcept {
    return std::uint64_t{1} << (x % 64);
  }
  [[nodiscard]] static constexpr std::size_t lowest(std::uint64_t word) noexcept {
    return static_cast<std::size_t>(std::countr_zero(word));
  }
  std::vector<std::vector<std::uint64_t>> levels_;
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
