// SPDX-License-Identifier: MIT
/// @file vocab/merge_table.hpp
/// The merges of a BPE vocabulary, by pair.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "tag_index.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// A merge: the adjacent tokens `left right` become `result`. Its rank is its place in the list.
struct merge {
  token_id left = no_token, right = no_token, result = no_token;
};

/// Finds a pair's merge in O(1): a `tag_index` of the listed merges. 20 to 28 bytes a merge, of which a look-up
/// reads a few bytes where the pair does not merge. Merges that texts use much are listed early, so that what
/// it reads of them lies together.
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

  /// Fetches what `rank` reads first, to be there when it is called.
  void prefetch(token_id left, token_id right) const noexcept { index_.prefetch(hash(left, right)); }

  /// What a pair of that rank makes. Precondition: it has that rank.
  [[nodiscard]] token_id result(std::uint32_t rank, token_id left, token_id right) const noexcept {
    return merges_[ranks_.empty() ? rank : index(left, right)].result;
  }

  /// The pair's merge; an entry with `no_rank` when it has none.
  [[nodiscard]] entry find(token_id left, token_id right) const noexcept {
    const std::uint32_t i = index(left, right);
    if (i == no_rank) return {left, right, no_rank, no_token};
    return {left, right, ranks_.empty() ? i : ranks_[i], merges_[i].result};
  }

 private:
  template <class Merge>
  void build(std::span<const Merge> merges) {
    merges_.reserve(merges.size());
    for (const Merge& m : merges) {
      LAGOM_ASSERT(m.left >= 0 && m.right >= 0 && m.result >= 0);
      merges_.push_back({m.left, m.right, m.result});
    }
    index_ = detail::tag_index(merges.size());
    for (auto i = static_cast<std::uint32_t>(merges.size()); i-- > 0;) {
      const merge& m = merges_[i];
      if (index(m.left, m.right) == no_rank) index_.add(hash(m.left, m.right), i);
    }
  }

  /// Where the pair is in the list; `no_rank` when it is not.
  [[nodiscard]] LAGOM_INLINE std::uint32_t index(token_id left, token_id right) const noexcept {
    static_assert(no_rank == detail::tag_index::none);
    return index_.find(hash(left, right),
                       [&](std::uint32_t i) { return merges_[i].left == left && merges_[i].right == right; });
  }

  static std::uint64_t hash(token_id left, token_id right) noexcept {
    const std::uint64_t key =
        (std::uint64_t{static_cast<std::uint32_t>(left)} << 32) | static_cast<std::uint32_t>(right);
    const std::uint64_t h = key * 0x9E3779B97F4A7C15u;
    return h ^ (h >> 32);
  }

  std::uint32_t rank_end_ = 0;
  detail::tag_index index_;
  std::vector<merge> merges_;         // as listed
  std::vector<std::uint32_t> ranks_;  // empty where they are the places in the list
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
