// SPDX-License-Identifier: MIT
/// @file vocab/leaf_first.hpp
/// Pruning a BPE vocabulary to a size, from its leaves.
#pragma once

#include <functional>
#include <utility>

#include "merge_trace.hpp"
#include "token_set.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// The set that is left when the least frequent leaf of `tokens` is taken away again and again, until
/// `how_many` are left or there is nothing to take. A leaf is a token that no token of the set is made of (by the
/// last merge of `bpe_ancestry`). What is cut into a token that goes will be cut into its two sides: its
/// frequency is added to both. Of leaves with one frequency the one with the larger id goes first. `always`, and
/// what it is made of, stays.
///
/// So the set stays closed: if `tokens` was, each token of it can still be made. Leaf-based pruning of
/// arXiv 2512.03989. `counts` are occurrences by id (`token_counts::by_id`). O(n log n).
[[nodiscard]] inline token_set leaf_first(const bpe_ancestry& ancestry, token_set tokens,
                                          std::vector<std::uint64_t> counts, std::size_t how_many,
                                          token_set always) {
  ancestry.close(always);
  std::vector<std::uint32_t> uses;  // by id: how many tokens of the set it is a side of
  const auto at = [](token_id t) { return static_cast<std::size_t>(t); };
  const auto each_side = [&](token_id t, auto visit) {
    const merge m = ancestry.last_merge(t);
    if (m.result == no_token) return;
    visit(m.left);
    visit(m.right);
  };
  std::size_t size = counts.size();
  tokens.for_each([&](token_id t) {
    size = (std::max)(size, at(t) + 1);
    each_side(t, [&](token_id side) { size = (std::max)(size, at(side) + 1); });
  });
  uses.resize(size);
  counts.resize(size);
  tokens.for_each([&](token_id t) { each_side(t, [&](token_id side) { ++uses[at(side)]; }); });
  // The least frequent one, then the one with the larger id.
  using leaf = std::pair<std::uint64_t, token_id>;
  const auto later = [](const leaf& a, const leaf& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  };
  std::vector<leaf> heap;
  const auto offer = [&](token_id t) {
    if (uses[at(t)] > 0 || !tokens.contains(t) || always.contains(t)) return;
    heap.push_back({counts[at(t)], t});
    std::push_heap(heap.begin(), heap.end(), later);
  };
  tokens.for_each(offer);
  while (tokens.count() > how_many && !heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), later);
    const leaf least = heap.back();
    heap.pop_back();
    tokens.remove(least.second);
    // Its sides are no leaves before this, so that none of them is in the heap with an old count.
    each_side(least.second, [&](token_id side) {
      counts[at(side)] += least.first;
      --uses[at(side)];
    });
    const merge m = ancestry.last_merge(least.second);
    if (m.result == no_token) continue;
    offer(m.left);
    if (m.right != m.left) offer(m.right);
  }
  return tokens;
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
