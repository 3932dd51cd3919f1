// SPDX-License-Identifier: MIT
/// @file adapt/native_divergence.hpp
/// Divergences of two states in vector instructions: a few rows at a time, for one state from memory, for the other from cache.
#pragma once

#include "../kernel/unembed_divergence.hpp"
#include "native_unembed.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// The divergence of the rows first ... first + n - 1.
template <target Target, backend B, class Products>
__attribute__((noinline)) divergence_stats<float> native_divergence_shard(const Products& p,
                                                                          const Products& q,
                                                                          const softmax_stats<float>& p_stats,
                                                                          const softmax_stats<float>& q_stats,
                                                                          index_t first, index_t n) noexcept {
  using accumulator = divergence_accumulator<B, float>;
  constexpr index_t group = 8;
  accumulator sums(p_stats, q_stats);
  alignas(64) float p_logits[static_cast<std::size_t>(accumulator::tile)];
  alignas(64) float q_logits[static_cast<std::size_t>(accumulator::tile)];
  for (index_t done = 0; done < n; done += accumulator::tile) {
    const index_t rows = n - done < accumulator::tile ? n - done : accumulator::tile;
    for (index_t r = 0; r < rows; r += group) {
      const index_t some = rows - r < group ? rows - r : group;
      p(first + done + r, some, p_logits + r);
      q(first + done + r, some, q_logits + r);
    }
    sums.push(p_logits, q_logits, rows);
  }
  return sums.finish();
}

template <target Target, backend B, scalar H, head_view Head, executor Run>
divergence_stats<float> native_unembed_divergence(const B& b, vec_view<const H> p_hidden,
                                                  vec_view<const H> q_hidden, const Head& to,
                                                  const softmax_stats<float>& p_stats,
                                                  const softmax_stats<float>& q_stats, Run&& run) {
  if (!native_reads(to)) return divergence_over_shards(b, p_hidden, q_hidden, to, p_stats, q_stats, run);
  divergence_stats<float> sum;
  sum.bad = p_stats.bad || q_stats.bad;
  if (!p_stats.valid() || !q_stats.valid()) return sum;
  const native_products<Target, Head> p(b, p_hidden, to), q(b, q_hidden, to);
  const shards cut{to.rows.rows()};
  divergence_stats<float> parts[shards::most];
  run(cut.count(), [&](index_t shard) {
    parts[shard] =
        native_divergence_shard<Target, B>(p, q, p_stats, q_stats, cut.first(shard), cut.rows_of(shard));
  });
  for (index_t shard = 0; shard < cut.count(); ++shard) sum.merge(parts[shard]);
  return sum;
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
