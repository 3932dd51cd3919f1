// SPDX-License-Identifier: MIT
/// @file prompt/permutation.hpp
/// Random orders that are computed, not stored, and subsets that lie inside each other.
#pragma once

#include <array>

#include "../core/random.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// A random permutation of 0 ... n - 1 as a function, in constant memory and any order of access; a function of
/// (seed, stream, n) alone.
///
/// A generalised Feistel network (Black and Rogaway 2002, "Ciphers with arbitrary finite domains"): a number is a
/// place in an a x b grid of n cells or a few more; rounds add a keyed hash of the row to the column and of the
/// column to the row; what leaves 0 ... n - 1 walks on. Keys are Philox draws. Not for secrets.
/// Cost: 12 hashes, about 70 ns; rarely a second walk.
class permutation {
 public:
  permutation() = default;
  permutation(std::uint64_t n, std::uint64_t seed, std::uint64_t stream = 0) : n_(n) {
    columns_ = 1;
    while (columns_ < (std::uint64_t{1} << 32) && columns_ * columns_ < n) columns_ *= 2;
    std::uint64_t low = columns_ / 2;  // the least number whose square is n or more
    while (columns_ - low > 1) {
      const std::uint64_t middle = low + (columns_ - low) / 2;
      (middle * middle < n ? low : columns_) = middle;
    }
    rows_ = n == 0 ? 1 : (n - 1) / columns_ + 1;
    const philox random{seed};
    for (std::size_t i = 0; i < keys_.size(); ++i) keys_[i] = random.bits(stream, i);
    swap_ = (keys_[0] >> 63) != 0;
  }

  [[nodiscard]] std::uint64_t size() const noexcept { return n_; }

  /// The element at place i. Precondition: i < size().
  [[nodiscard]] std::uint64_t operator()(std::uint64_t i) const noexcept {
    LAGOM_ASSERT(i < n_);
    i = exchanged(i);
    do {
      std::uint64_t row = i / columns_, column = i % columns_;
      for (std::size_t k = 0; k < keys_.size(); k += 2) {
        column = plus(column, hash(keys_[k], row, columns_), columns_);
        row = plus(row, hash(keys_[k + 1], column, rows_), rows_);
      }
      i = row * columns_ + column;
    } while (i >= n_);
    return i;
  }

  /// The place of an element: `inverse((*this)(i)) == i`. Precondition: x < size().
  [[nodiscard]] std::uint64_t inverse(std::uint64_t x) const noexcept {
    LAGOM_ASSERT(x < n_);
    do {
      std::uint64_t row = x / columns_, column = x % columns_;
      for (std::size_t k = keys_.size(); k > 0; k -= 2) {
        row = minus(row, hash(keys_[k - 1], column, rows_), rows_);
        column = minus(column, hash(keys_[k - 2], row, columns_), columns_);
      }
      x = row * columns_ + column;
    } while (x >= n_);
    return exchanged(x);
  }

 private:
  // 0 and 1 change places by one bit: a network alone gives even permutations only for some n.
  [[nodiscard]] std::uint64_t exchanged(std::uint64_t i) const noexcept {
    return swap_ && i < 2 && n_ > 1 ? 1 - i : i;
  }
  [[nodiscard]] static std::uint64_t plus(std::uint64_t x, std::uint64_t y, std::uint64_t n) noexcept {
    const std::uint64_t sum = x + y;
    return sum >= n ? sum - n : sum;
  }
  [[nodiscard]] static std::uint64_t minus(std::uint64_t x, std::uint64_t y, std::uint64_t n) noexcept {
    return x >= y ? x - y : x + n - y;
  }
  // Below n, which is at most 2^32. The mixer of splitmix64 (Steele et al. 2014).
  [[nodiscard]] static std::uint64_t hash(std::uint64_t key, std::uint64_t x, std::uint64_t n) noexcept {
    std::uint64_t z = key + x * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return ((z >> 32) * n) >> 32;
  }

  std::uint64_t n_ = 0, columns_ = 1, rows_ = 1;
  std::array<std::uint64_t, 12> keys_{};
  bool swap_ = false;
};

/// Training subsets of growing size, each inside the next: subset k holds the first k elements of a random order, so
/// that what a comparison of sizes measures is the size (the data curve of arXiv 2311.08711, 2,000 to 96,000 rows).
struct nested_subsets {
  permutation order;

  /// Whether a row is in the subset of that size.
  [[nodiscard]] bool contains(std::uint64_t row, std::uint64_t size) const noexcept {
    return row < order.size() && order.inverse(row) < size;
  }
  /// The i-th row to come in: of all subsets with more than i rows.
  [[nodiscard]] std::uint64_t operator[](std::uint64_t i) const noexcept { return order(i); }
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
