// SPDX-License-Identifier: MIT
/// @file vocab/merge_loop.hpp
/// The BPE loop: the adjacent pair of least rank merges first, the leftmost one on a tie, until no pair is
/// left.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <span>
#include <vector>

#include "unit_ranks.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

namespace detail {

/// Up to this many tokens, looking at every pair after each merge is the fastest.
inline constexpr std::size_t short_piece = 64;

/// From this many tokens on, one queue a rank is faster than one heap; up to this many ranks.
inline constexpr std::size_t very_long_piece = 4096;
inline constexpr std::uint32_t most_ranks = std::uint32_t{1} << 24;

/// Ranks of short pieces stay below this.
inline constexpr std::uint32_t most_short_ranks = (std::uint32_t{1} << 26) - 1;

/// A short piece while it merges, in O(n^2): a step looks at every pair. A step has two halves, so that several
/// pieces may take theirs side by side: what one half of a step asks for from far away memory is there when the
/// other needs it.
class short_merge {
 public:
  /// `first_rank(i)` is the rank of the tokens i and i + 1 as they are given. Precondition: 2 to `short_piece`
  /// of them; they stay where they are.
  template <class FirstRank>
  void start(std::span<token_id> ids, FirstRank first_rank) noexcept {
    ids_ = ids;
    const std::size_t n = ids.size();
    for (std::size_t i = 0; i + 1 < n; ++i) keys_[i] = key(first_rank(i), i);
    std::fill(keys_.begin() + static_cast<std::ptrdiff_t>(n - 1),
              keys_.begin() + static_cast<std::ptrdiff_t>(padded()), never);
    for (std::size_t i = 0; i <= n; ++i) {
      next_[i] = static_cast<std::uint8_t>(i + 1);
      previous_[i] = static_cast<std::uint8_t>(i - 1);
    }
    choose();
  }

  /// Whether no pair is left.
  [[nodiscard]] bool done() const noexcept { return best_ == never; }

  /// First half: merges the pair of least rank. Precondition: not `done()`.
  void join(const merge_table& merges) noexcept {
    left_ = best_ % short_piece;
    const std::size_t right = next_[left_];
    after_ = next_[right];
    ids_[left_] = merges.result(best_ / std::uint32_t{short_piece}, ids_[left_], ids_[right]);
    next_[left_] = static_cast<std::uint8_t>(after_);
    previous_[after_] = static_cast<std::uint8_t>(left_);
    keys_[right] = never;
    if (after_ != ids_.size()) merges.prefetch(ids_[left_], ids_[after_]);
    if (left_ != 0) merges.prefetch(ids_[previous_[left_]], ids_[left_]);
  }

  /// Second half: ranks the pairs that came about, and finds the next one to merge.
  void rank(const merge_table& merges) noexcept {
    keys_[left_] = after_ == ids_.size() ? never : key(merges.rank(ids_[left_], ids_[after_]), left_);
    if (left_ != 0) {
      const std::size_t before = previous_[left_];
      keys_[before] = key(merges.rank(ids_[before], ids_[left_]), before);
    }
    choose();
  }

  /// Moves the tokens that are left to the front, and returns them.
  std::span<token_id> pack() noexcept {
    std::size_t kept = 0;
    for (std::size_t i = 0; i != ids_.size(); i = next_[i]) ids_[kept++] = ids_[i];
    return ids_.first(kept);
  }

 private:
  // A pair is where its left token stands; its key is its rank, then its place.
  static constexpr std::uint32_t never = ~std::uint32_t{0};
  static constexpr std::size_t lanes = 8;

  static std::uint32_t key(std::uint32_t rank, std::size_t at) noexcept {
    return rank == merge_table::no_rank ? never
                                        : static_cast<std::uint32_t>(rank * std::uint32_t{short_piece} + at);
  }
  [[nodiscard]] std::size_t padded() const noexcept { return (ids_.size() + lanes - 1) / lanes * lanes; }

  void choose() noexcept {
    std::array<std::uint32_t, lanes> least;
    least.fill(never);
    for (std::size_t i = 0; i < padded(); i += lanes) {
      for (std::size_t j = 0; j < lanes; ++j) least[j] = (std::min)(least[j], keys_[i + j]);
    }
    best_ = *std::min_element(least.begin(), least.end());
  }

  std::span<token_id> ids_;
  std::uint32_t best_ = never;
  std::size_t left_ = 0, after_ = 0;  // of the step that is under way
  std::array<std::uint32_t, short_piece> keys_;
  std::array<std::uint8_t, short_piece + 1> next_, previous_;
};

/// Returns how many tokens are left at the front of `ids`.
template <class FirstRank>
std::size_t merge_short(const merge_table& merges, std::span<token_id> ids, FirstRank first_rank) noexcept {
  short_merge piece;
  piece.start(ids, first_rank);
  while (!piece.done()) {
    piece.join(merges);
    piece.rank(merges);
  }
  return piece.pack().size();
}

/// The tokens of a long piece as a list, each with the rank of the pair that it begins.
class merge_list {
 public:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  /// Precondition: one token at least, under 2^32 of them.
  merge_list(const merge_table& merges, std::span<token_id> ids)
      : merges_(merges), ids_(ids), nodes_(ids.size()) {
    LAGOM_ASSERT(!ids.empty() && ids.size() < none);
    const auto n = static_cast<std::uint32_t>(ids.size());
    for (std::uint32_t i = 0; i < n; ++i) nodes_[i] = {i == 0 ? none : i - 1, i + 1 == n ? none : i + 1};
    for (std::uint32_t i = 0; i < n; ++i) look_up(i);
  }

  [[nodiscard]] std::uint32_t rank(std::uint32_t at) const noexcept { return nodes_[at].rank; }

  /// Merges the pair at `at`, whose rank it has, and calls `met(rank, at)` for the pairs that come about.
  template <class Met>
  void merge(std::uint32_t at, Met met) {
    node& left = nodes_[at];
    node& right = nodes_[left.next];
    ids_[at] = merges_.result(left.rank, ids_[at], ids_[left.next]);
    right.rank = merge_table::no_rank;
    left.next = right.next;
    if (left.next != none) nodes_[left.next].previous = at;
    if (look_up(at)) met(left.rank, at);
    if (left.previous != none && look_up(left.previous)) met(nodes_[left.previous].rank, left.previous);
  }

  /// Moves the tokens that are left to the front.
  std::size_t pack() noexcept {
    std::size_t kept = 0;
    for (std::uint32_t i = 0; i != none; i = nodes_[i].next) ids_[kept++] = ids_[i];
    return kept;
  }

 private:
  struct node {
    std::uint32_t previous = none, next = none;
    std::uint32_t rank = merge_table::no_rank;  ///< of the pair (this, next); none for a token that is gone
  };

  bool look_up(std::uint32_t at) noexcept {
    node& left = nodes_[at];
    left.rank = left.next == none ? merge_table::no_rank : merges_.rank(ids_[at], ids_[left.next]);
    return left.rank != merge_table::no_rank;
  }

  const merge_table& merges_;
  std::span<token_id> ids_;
  std::vector<node> nodes_;
};

/// O(n log n): a heap of pairs. Returns how many tokens are left at the front of `ids`, which are one at
/// least.
inline std::size_t merge_long(const merge_table& merges, std::span<token_id> ids) {
  merge_list list(merges, ids);
  std::vector<std::uint64_t> heap;  // rank, then place: the order in which pairs merge
  for (std::uint32_t i = 0; i < ids.size(); ++i) {
    if (list.rank(i) != merge_table::no_rank) heap.push_back((std::uint64_t{list.rank(i)} << 32) | i);
  }
  std::make_heap(heap.begin(), heap.end(), std::greater<>{});
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), std::greater<>{});
    const auto at = static_cast<std::uint32_t>(heap.back() & 0xFFFFFFFFu);
    const auto rank = static_cast<std::uint32_t>(heap.back() >> 32);
    heap.pop_back();
    if (list.rank(at) != rank) continue;  // the pair is another one by now
    list.merge(at, [&](std::uint32_t r, std::uint32_t i) {
      heap.push_back((std::uint64_t{r} << 32) | i);
      std::push_heap(heap.begin(), heap.end(), std::greater<>{});
    });
  }
  return list.pack();
}

/// The same for very long pieces: one queue of places a rank, and a heap of the ranks that have some. Places
/// come in order but for few, and a queue that is out of order is sorted before it is read on: O(n log n) at
/// worst, O(n) for text that repeats itself. Takes 4 bytes a rank of the table, and some 20 a token.
inline std::size_t merge_very_long(const merge_table& merges, std::span<token_id> ids) {
  struct queue {
    std::uint32_t rank = 0;
    bool sorted = true, waits = false;
    std::size_t done = 0;
    std::vector<std::uint32_t> places{};
  };
  constexpr std::uint32_t none = ~std::uint32_t{0};
  merge_list list(merges, ids);
  std::vector<std::uint32_t> queue_of(merges.rank_end(), none);
  std::vector<queue> queues;
  std::vector<std::uint64_t> heap;  // rank, then the number of its queue
  const auto add = [&](std::uint32_t rank, std::uint32_t at) {
    if (queue_of[rank] == none) {
      queue_of[rank] = static_cast<std::uint32_t>(queues.size());
      queues.push_back({.rank = rank});
    }
    queue& q = queues[queue_of[rank]];
    if (q.done < q.places.size() && at < q.places.back()) q.sorted = false;
    q.places.push_back(at);
    if (q.waits) return;
    q.waits = true;
    heap.push_back((std::uint64_t{rank} << 32) | queue_of[rank]);
    std::push_heap(heap.begin(), heap.end(), std::greater<>{});
  };
  for (std::uint32_t i = 0; i < ids.size(); ++i) {
    if (list.rank(i) != merge_table::no_rank) add(list.rank(i), i);
  }
  while (!heap.empty()) {
    const auto rank = static_cast<std::uint32_t>(heap.front() >> 32);
    const std::size_t number = heap.front() & 0xFFFFFFFFu;
    queue& q = queues[number];
    if (q.done == q.places.size()) {
      q.places.clear();
      q.done = 0;
      q.sorted = true;
      q.waits = false;
      std::pop_heap(heap.begin(), heap.end(), std::greater<>{});
      heap.pop_back();
      continue;
    }
    if (!q.sorted) {
      std::sort(q.places.begin() + static_cast<std::ptrdiff_t>(q.done), q.places.end());
      q.sorted = true;
    }
    const std::uint32_t at = q.places[q.done++];
    if (list.rank(at) == rank) list.merge(at, add);
  }
  return list.pack();
}

}  // namespace detail

/// Merges in place: `ids` begins as the tokens of the single units of a piece. Returns how many tokens are
/// left, at the front of `ids`. Deterministic; O(n log n) table look-ups at most, and no allocation for short
/// pieces.
[[nodiscard]] inline std::size_t apply_merges(const merge_table& merges, std::span<token_id> ids) {
  if (ids.size() < 2) return ids.size();
  if (ids.size() <= detail::short_piece && merges.rank_end() < detail::most_short_ranks) {
    return detail::merge_short(merges, ids, [&](std::size_t i) { return merges.rank(ids[i], ids[i + 1]); });
  }
  const bool heap = ids.size() < detail::very_long_piece || merges.rank_end() > detail::most_ranks;
  return heap ? detail::merge_long(merges, ids) : detail::merge_very_long(merges, ids);
}

/// The same, with the ranks of single units at hand.
[[nodiscard]] inline std::size_t apply_merges(const merge_table& merges, const unit_ranks& units,
                                              std::span<token_id> ids) {
  if (ids.size() < 2 || ids.size() > detail::short_piece || merges.rank_end() >= detail::most_short_ranks) {
    return apply_merges(merges, ids);
  }
  return detail::merge_short(merges, ids, [&](std::size_t i) { return units(merges, ids[i], ids[i + 1]); });
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
