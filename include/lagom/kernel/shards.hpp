// SPDX-License-Identifier: MIT
/// @file kernel/shards.hpp
/// A vocabulary cut into shards of fixed size, and their statistics joined in fixed order.
#pragma once

#include "../core/backend.hpp"
#include "../core/executor.hpp"
#include "softmax_stats.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// At most 64 shards of whole tiles, none of under 1024 rows: they depend on the vocabulary alone, so that every
/// executor gives the same bits.
struct shards {
  static constexpr index_t most = 64, tile = 512, fewest_rows = 1024;
  index_t vocab = 0;

  [[nodiscard]] LAGOM_LEAF constexpr index_t rows() const noexcept {
    const index_t even = (vocab + most - 1) / most;
    const index_t whole = (even + tile - 1) / tile * tile;
    return whole < fewest_rows ? fewest_rows : whole;
  }
  [[nodiscard]] LAGOM_LEAF constexpr index_t count() const noexcept { return (vocab + rows() - 1) / rows(); }
  [[nodiscard]] LAGOM_LEAF constexpr index_t first(index_t shard) const noexcept { return shard * rows(); }
  [[nodiscard]] LAGOM_LEAF constexpr index_t rows_of(index_t shard) const noexcept {
    const index_t left = vocab - first(shard);
    return left < rows() ? left : rows();
  }
};

/// Joins parts[0 ... n - 1] into parts[0], as a balanced tree.
template <backend B, std::floating_point T>
LAGOM_HD void merge_in_order(softmax_stats<T>* parts, index_t n) noexcept {
  for (index_t step = 1; step < n; step *= 2) {
    for (index_t i = 0; i + step < n; i += 2 * step) parts[i].merge(parts[i + step]);
  }
}

/// Statistics of all shards: `one(shard)` makes those of one, `run` calls it.
template <backend B, std::floating_point T, executor Run, class One>
LAGOM_HD softmax_stats<T> over_shards(shards cut, Run&& run, const One& one) {
  softmax_stats<T> parts[shards::most];
  run(cut.count(), [&](index_t shard) { parts[shard] = one(shard); });
  merge_in_order<B>(parts, cut.count());
  return parts[0];
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
