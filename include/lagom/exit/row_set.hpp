// SPDX-License-Identifier: MIT
/// @file exit/row_set.hpp
/// A set of rows of a trace, a bit each.
#pragma once

#include <vector>

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {

namespace detail {
/// Bits that are set.
LAGOM_LEAF constexpr int bits_set(std::uint64_t x) noexcept {
  x -= x >> 1 & 0x5555555555555555u;
  x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
  x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
  return static_cast<int>(x * 0x0101010101010101u >> 56);
}
/// Position of the lowest bit that is set. Precondition: x > 0.
LAGOM_LEAF constexpr int lowest_bit(std::uint64_t x) noexcept { return bits_set((x & (~x + 1)) - 1); }
}  // namespace detail

/// A subset of rows 0 ... rows() - 1. The bits past the last row are 0.
class row_set {
 public:
  row_set() = default;
  /// The empty set, or all of `rows` rows. Precondition: rows >= 0.
  LAGOM_INLINE explicit row_set(index_t rows, bool all = false)
      : rows_(rows), words_(static_cast<std::size_t>((rows + 63) / 64), all ? ~std::uint64_t{0} : 0) {
    LAGOM_ASSERT(rows >= 0);
    if (all && rows % 64 != 0) words_.back() = (std::uint64_t{1} << (rows % 64)) - 1;
  }

  [[nodiscard]] LAGOM_INLINE index_t rows() const noexcept { return rows_; }
  [[nodiscard]] LAGOM_INLINE bool has(index_t row) const noexcept {
    LAGOM_ASSERT(0 <= row && row < rows_);
    return (words_[static_cast<std::size_t>(row / 64)] >> (row % 64) & 1u) != 0;
  }
  LAGOM_INLINE void add(index_t row) noexcept {
    LAGOM_ASSERT(0 <= row && row < rows_);
    words_[static_cast<std::size_t>(row / 64)] |= std::uint64_t{1} << (row % 64);
  }
  [[nodiscard]] LAGOM_INLINE index_t count() const noexcept {
    index_t n = 0;
    for (const std::uint64_t w : words_) n += detail::bits_set(w);
    return n;
  }
  [[nodiscard]] LAGOM_INLINE bool empty() const noexcept { return count() == 0; }

  /// Keeps what is in `other` too. Precondition: of as many rows.
  LAGOM_INLINE row_set& operator&=(const row_set& other) noexcept {
    LAGOM_ASSERT(rows_ == other.rows_);
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
    return *this;
  }
  /// Takes away what is in `other`. Precondition: of as many rows.
  LAGOM_INLINE row_set& operator-=(const row_set& other) noexcept {
    LAGOM_ASSERT(rows_ == other.rows_);
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= ~other.words_[i];
    return *this;
  }
  friend LAGOM_INLINE row_set operator&(row_set a, const row_set& b) noexcept {
    a &= b;
    return a;
  }
  friend LAGOM_INLINE bool operator==(const row_set& a, const row_set& b) noexcept {
    return a.rows_ == b.rows_ && a.words_ == b.words_;
  }

  /// The bits, row r in word r / 64 at bit r % 64.
  [[nodiscard]] LAGOM_INLINE const std::vector<std::uint64_t>& words() const noexcept { return words_; }

 private:
  index_t rows_ = 0;
  std::vector<std::uint64_t> words_;
};

}  // namespace v0
}  // namespace lagom
