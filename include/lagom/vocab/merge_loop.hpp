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

#include "merge_table.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

namespace detail {

/// Up to this many tokens, looking at every pair after each merge is the fastest.
inline constexpr std::size_t short_piece = 48;

/// O(n^2) scanning, on the stack. Returns how many tokens are left at the front of `ids`.
inline std::size_t merge_short(const merge_table& merges, std::span<token_id> ids) noexcept {
  std::size_t n = ids.size();
  std::array<std::uint32_t, short_piece> ranks{};
  std::array<token_id, short_piece> results{};
  const auto look_up = [&](std::size_t i) {
    const merge_table::entry& e = merges.find(ids[i], ids[i + 1]);
    ranks[i] = e.rank;
    results[i] = e.result;
  };
  for (std::size_t i = 0; i + 1 < n; ++i) look_up(i);
  while (n > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < n; ++i) {
      if (ranks[i] < ranks[best]) best = i;
    }
    if (ranks[best] == merge_table::no_rank) break;
    ids[best] = results[best];
    for (std::size_t i = best + 1; i + 1 < n; ++i) {
      ids[i] = ids[i + 1];
      ranks[i] = ranks[i + 1];
      results[i] = results[i + 1];
    }
    --n;
    if (best + 1 < n) look_up(best);
    if (best > 0) look_up(best - 1);
  }
  return n;
}

/// O(n log n): a heap of pairs over a linked list. Returns how many tokens are left at the front of `ids`,
/// which are one at least.
inline std::size_t merge_long(const merge_table& merges, std::span<token_id> ids) {
  constexpr std::uint32_t none = ~std::uint32_t{0};
  LAGOM_ASSERT(ids.size() < none);
  struct node {
    std::uint32_t previous, next;
    std::uint32_t rank = merge_table::no_rank;  ///< of the pair (this, next); none for a token that is gone
    token_id result = no_token;
  };
  std::vector<node> nodes(ids.size());
  std::vector<std::uint64_t> heap;  // rank, then position: the order in which pairs merge
  const auto look_up = [&](std::uint32_t at) {
    node& left = nodes[at];
    left.rank = merge_table::no_rank;
    if (left.next == none) return;
    const merge_table::entry& e = merges.find(ids[at], ids[left.next]);
    left.rank = e.rank;
    left.result = e.result;
    if (e.rank != merge_table::no_rank) heap.push_back((std::uint64_t{e.rank} << 32) | at);
  };
  const auto count = static_cast<std::uint32_t>(ids.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    nodes[i].previous = i == 0 ? none : i - 1;
    nodes[i].next = i + 1 == count ? none : i + 1;
  }
  for (std::uint32_t i = 0; i < count; ++i) look_up(i);
  std::make_heap(heap.begin(), heap.end(), std::greater<>{});
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), std::greater<>{});
    const auto at = static_cast<std::uint32_t>(heap.back() & 0xFFFFFFFFu);
    const auto rank = static_cast<std::uint32_t>(heap.back() >> 32);
    heap.pop_back();
    node& left = nodes[at];
    if (left.rank != rank) continue;  // the pair is another one by now
    node& right = nodes[left.next];
    right.rank = merge_table::no_rank;
    ids[at] = left.result;
    left.next = right.next;
    if (left.next != none) nodes[left.next].previous = at;
    const auto push = [&](std::uint32_t i) {
      const std::size_t before = heap.size();
      look_up(i);
      if (heap.size() > before) std::push_heap(heap.begin(), heap.end(), std::greater<>{});
    };
    push(at);
    if (left.previous != none) push(left.previous);
  }
  std::size_t kept = 0;
  for (std::uint32_t i = 0; i != none; i = nodes[i].next) ids[kept++] = ids[i];
  return kept;
}

}  // namespace detail

/// Merges in place: `ids` begins as the tokens of the single units of a piece. Returns how many tokens are
/// left, at the front of `ids`. Deterministic; O(n log n) table look-ups at most, and no allocation for short
/// pieces.
[[nodiscard]] inline std::size_t apply_merges(const merge_table& merges, std::span<token_id> ids) {
  if (ids.size() < 2) return ids.size();
  if (ids.size() <= detail::short_piece) return detail::merge_short(merges, ids);
  return detail::merge_long(merges, ids);
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
