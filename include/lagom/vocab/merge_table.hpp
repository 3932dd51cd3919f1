// SPDX-License-Identifier: MIT
/// @file vocab/merge_table.hpp
/// The merges of a BPE vocabulary, by pair.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// A merge: the adjacent tokens `left right` become `result`. Its rank is its place in the list.
struct merge {
  token_id left = no_token, right = no_token, result = no_token;
};

/// Finds a pair's merge in O(1): an open hash, half full at most, whose places hold the whole pair. They take
/// 8 bytes where all sides are below 2^20, and 16 otherwise.
class merge_table {
 public:
  static constexpr std::uint32_t no_rank = ~std::uint32_t{0};

  /// A pair's merge.
  struct entry {
    token_id left = no_token, right = no_token;
    std::uint32_t rank = no_rank;
    token_id result = no_token;
  };

  merge_table() : merge_table(std::span<const merge>{}) {}

  /// Where a pair is listed twice, the later place is its rank. Precondition: ids are not negative.
  explicit merge_table(std::span<const merge> merges) {
    build(merges);
    rank_end_ = static_cast<std::uint32_t>(merges.size());
  }

  /// Merges with ranks of their own, which may be equal. Of a pair that is listed twice the later entry counts.
  /// Precondition: ids are not negative, and ranks are not `no_rank`.
  explicit merge_table(std::span<const entry> ranked) {
    ranks_.reserve(ranked.size());
    for (const entry& e : ranked) {
      LAGOM_ASSERT(e.rank != no_rank);
      ranks_.push_back(e.rank);
      rank_end_ = (std::max)(rank_end_, e.rank + 1);
    }
    build(ranked);
  }

  /// One more than the largest rank.
  [[nodiscard]] std::uint32_t rank_end() const noexcept { return rank_end_; }

  /// The pair's rank; `no_rank` when it does not merge.
  [[nodiscard]] std::uint32_t rank(token_id left, token_id right) const noexcept {
    const std::uint32_t i = index(left, right);
    return ranks_.empty() || i == no_rank ? i : ranks_[i];
  }

  /// What a pair of that rank makes. Precondition: it has that rank.
  [[nodiscard]] token_id result(std::uint32_t rank, token_id left, token_id right) const noexcept {
    return results_[ranks_.empty() ? rank : index(left, right)];
  }

  /// The pair's merge; an entry with `no_rank` when it has none.
  [[nodiscard]] entry find(token_id left, token_id right) const noexcept {
    const std::uint32_t i = index(left, right);
    if (i == no_rank) return {left, right, no_rank, no_token};
    return {left, right, ranks_.empty() ? i : ranks_[i], results_[i]};
  }

 private:
  static constexpr unsigned narrow_bits = 20, index_bits = 24;
  static constexpr std::uint64_t free = ~std::uint64_t{0}, index_mask = (std::uint64_t{1} << index_bits) - 1;
  struct wide_place {
    std::uint64_t key = 0;
    std::uint32_t index = no_rank;
  };

  template <class Merge>
  void build(std::span<const Merge> merges) {
    std::size_t capacity = 2;
    for (; capacity < 2 * merges.size(); capacity *= 2) --shift_;
    token_id largest = 0;
    results_.reserve(merges.size());
    for (const Merge& m : merges) {
      LAGOM_ASSERT(m.left >= 0 && m.right >= 0 && m.result >= 0);
      largest = (std::max)(largest, (std::max)(m.left, m.right));
      results_.push_back(m.result);
    }
    const bool narrow = largest < (token_id{1} << narrow_bits) && merges.size() < index_mask;
    if (narrow) narrow_.assign(capacity, free);
    if (!narrow) wide_.resize(capacity);
    for (std::uint32_t i = 0; i < merges.size(); ++i) {
      if (narrow) {
        const std::uint64_t key = narrow_key(merges[i].left, merges[i].right);
        narrow_[narrow_place(key)] = (key << index_bits) | i;
      } else {
        const std::uint64_t key = wide_key(merges[i].left, merges[i].right);
        wide_[wide_place_of(key)] = {key, i};
      }
    }
  }

  /// Where the pair is in the list; `no_rank` when it is not.
  [[nodiscard]] std::uint32_t index(token_id left, token_id right) const noexcept {
    if (narrow_.empty()) return wide_[wide_place_of(wide_key(left, right))].index;
    const auto either = static_cast<std::uint32_t>(left) | static_cast<std::uint32_t>(right);
    if (either >> narrow_bits != 0) return no_rank;
    const std::uint64_t at = narrow_[narrow_place(narrow_key(left, right))];
    return at == free ? no_rank : static_cast<std::uint32_t>(at & index_mask);
  }

  static std::uint64_t narrow_key(token_id left, token_id right) noexcept {
    return (std::uint64_t{static_cast<std::uint32_t>(left)} << narrow_bits) |
           static_cast<std::uint32_t>(right);
  }
  static std::uint64_t wide_key(token_id left, token_id right) noexcept {
    return (std::uint64_t{static_cast<std::uint32_t>(left)} << 32) | static_cast<std::uint32_t>(right);
  }
  [[nodiscard]] std::size_t home(std::uint64_t key) const noexcept {
    return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15u) >> shift_);
  }

  /// Where the pair is, or the free place where it would be.
  [[nodiscard]] std::size_t narrow_place(std::uint64_t key) const noexcept {
    std::size_t at = home(key);
    while (narrow_[at] >> index_bits != key && narrow_[at] != free) at = (at + 1) & (narrow_.size() - 1);
    return at;
  }
  [[nodiscard]] std::size_t wide_place_of(std::uint64_t key) const noexcept {
    std::size_t at = home(key);
    while (wide_[at].index != no_rank && wide_[at].key != key) at = (at + 1) & (wide_.size() - 1);
    return at;
  }

  unsigned shift_ = 63;
  std::uint32_t rank_end_ = 0;
  std::vector<std::uint64_t> narrow_;  // left, right, place in the list
  std::vector<wide_place> wide_;
  std::vector<token_id> results_;
  std::vector<std::uint32_t> ranks_;  // empty where they are the places in the list
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
