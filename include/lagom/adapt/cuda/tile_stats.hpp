// SPDX-License-Identifier: MIT
/// @file adapt/cuda/tile_stats.hpp
/// A tile of logits in shared memory becomes one part of the statistics of every state.
#pragma once

#include "block.hpp"
#include "online_softmax.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Logits of a tile, state by state. Rows are spread over the banks.
LAGOM_LEAF constexpr int tile_pitch(int rows) noexcept { return rows + 4; }

/// `logits[s * tile_pitch(Rows) + r]` is the logit of row r for state s, r < n, s < states <= States. Writes
/// parts[s * n_parts]. The threads of a state are neighbours in a warp.
template <int Rows, int States, thread_block Block, class Array, class Acc>
LAGOM_HD void tile_stats(Block& block, Array& logits, int n, token_id first_token, int states,
                         softmax_stats<Acc>* parts, index_t n_parts) noexcept {
  constexpr int share = Block::threads / States;
  constexpr int each = share < warp_threads ? share : warp_threads;
  static_assert(each > 0 && (each & (each - 1)) == 0);
  typename Block::template per_thread<softmax_stats<Acc>> stats;
  block.barrier();
  block.each([&](int thread) {
    const int state = thread / each;
    if (state >= states) return;
    for (int r = thread % each; r < n; r += each) {
      push_online(stats[thread], logits.load(thread, state * tile_pitch(Rows) + r),
                  static_cast<token_id>(first_token + r));
    }
  });
  for (int offset = each / 2; offset > 0; offset /= 2) block.merge_down(stats, offset);
  block.each([&](int thread) {
    const int state = thread / each;
    if (thread % each == 0 && state < states) parts[state * n_parts] = stats[thread];
  });
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
