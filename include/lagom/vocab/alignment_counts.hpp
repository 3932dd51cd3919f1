// SPDX-License-Identifier: MIT
/// @file vocab/alignment_counts.hpp
/// What target tokens cover in the source tokenization, counted over a corpus.
#pragma once

#include <algorithm>
#include <map>
#include <span>
#include <vector>

#include "ids.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// A source token under a target token, and its share: 1, or the bytes that the two have in common.
struct aligned_piece {
  source_id id = source_id::none;
  std::uint32_t share = 1;
  friend auto operator<=>(const aligned_piece&, const aligned_piece&) = default;
};

/// Counts of (target token, tuple of source tokens in order): a mergeable value. `push` counts one
/// occurrence, `merge` adds another value's counts; any order and any split of a corpus give the same value.
///
/// An occurrence without a tuple (where the alignment's policy found none) is counted too, by an empty tuple.
/// Memory: some 100 bytes for every distinct pair, whatever the corpus size.
class alignment_counts {
 public:
  using tuple = std::vector<aligned_piece>;

  void push(target_id token, std::span<const aligned_piece> pieces, std::uint64_t count = 1) {
    if (count == 0) return;
    auto& tuples = counts_[token];
    const auto at = tuples.find(pieces);
    if (at == tuples.end()) {
      tuples.emplace(tuple(pieces.begin(), pieces.end()), count);
    } else {
      at->second += count;
    }
  }

  void merge(const alignment_counts& other) {
    for (const auto& [token, tuples] : other.counts_) {
      for (const auto& [pieces, count] : tuples) push(token, pieces, count);
    }
  }

  [[nodiscard]] bool empty() const noexcept { return counts_.empty(); }

  /// Occurrences of a token, with or without a tuple.
  [[nodiscard]] std::uint64_t occurrences(target_id token) const {
    std::uint64_t sum = 0;
    for_each(token, [&](std::span<const aligned_piece>, std::uint64_t count) { sum += count; });
    return sum;
  }

  /// Calls `visit(tuple, count)` for the tuples of a token, in lexicographic order.
  template <class Visit>
  void for_each(target_id token, Visit visit) const {
    const auto at = counts_.find(token);
    if (at == counts_.end()) return;
    for (const auto& [pieces, count] : at->second) visit(std::span<const aligned_piece>(pieces), count);
  }

  /// Calls `visit(token)` for every token that has a count, by rising id.
  template <class Visit>
  void for_each_token(Visit visit) const {
    for (const auto& [token, tuples] : counts_) visit(token);
  }

  friend bool operator==(const alignment_counts& a, const alignment_counts& b) {
    return a.counts_ == b.counts_;
  }

 private:
  struct lexicographic {
    using is_transparent = void;
    bool operator()(std::span<const aligned_piece> a, std::span<const aligned_piece> b) const {
      return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
    }
  };
  std::map<target_id, std::map<tuple, std::uint64_t, lexicographic>> counts_;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
