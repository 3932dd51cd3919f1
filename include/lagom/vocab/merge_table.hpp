// SPDX-License-Identifier: MIT
/// @file vocab/merge_table.hpp
/// The merges of a BPE vocabulary, by pair.
#pragma once

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

/// Finds a pair's merge in O(1): an open hash of 16-byte entries, half full at most.
class merge_table {
 public:
  static constexpr std::uint32_t no_rank = ~std::uint32_t{0};

  struct entry {
    token_id left = no_token, right = no_token;
    std::uint32_t rank = no_rank;
    token_id result = no_token;
  };

  merge_table() : entries_(2) {}

  /// Where a pair is listed twice, the later place is its rank. Precondition: ids are not negative.
  explicit merge_table(std::span<const merge> merges) {
    std::size_t capacity = 2;
    while (capacity < 2 * merges.size()) capacity *= 2;
    entries_.resize(capacity);
    for (std::size_t rank = 0; rank < merges.size(); ++rank) {
      const merge& m = merges[rank];
      LAGOM_ASSERT(m.left >= 0 && m.right >= 0 && m.result >= 0);
      entries_[slot(m.left, m.right)] = {m.left, m.right, static_cast<std::uint32_t>(rank), m.result};
    }
  }

  /// Merges with ranks of their own, which may be equal. Of a pair that is listed twice the later entry counts.
  /// Precondition: ids are not negative, and ranks are not `no_rank`.
  explicit merge_table(std::span<const entry> ranked) {
    std::size_t capacity = 2;
    while (capacity < 2 * ranked.size()) capacity *= 2;
    entries_.resize(capacity);
    for (const entry& e : ranked) {
      LAGOM_ASSERT(e.left >= 0 && e.right >= 0 && e.result >= 0 && e.rank != no_rank);
      entries_[slot(e.left, e.right)] = e;
    }
  }

  /// The pair's merge; an entry with `no_rank` when it has none.
  [[nodiscard]] const entry& find(token_id left, token_id right) const noexcept {
    return entries_[slot(left, right)];
  }

 private:
  /// Where the pair is, or the free place where it would be.
  [[nodiscard]] std::size_t slot(token_id left, token_id right) const noexcept {
    const std::size_t mask = entries_.size() - 1;
    const std::uint64_t key =
        (std::uint64_t{static_cast<std::uint32_t>(left)} << 32) | static_cast<std::uint32_t>(right);
    const std::uint64_t hash = key * 0x9E3779B97F4A7C15u;
    std::size_t at = (hash ^ (hash >> 32)) & mask;
    while (entries_[at].rank != no_rank && (entries_[at].left != left || entries_[at].right != right)) {
      at = (at + 1) & mask;
    }
    return at;
  }

  std::vector<entry> entries_;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
