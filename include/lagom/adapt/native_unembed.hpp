// SPDX-License-Identifier: MIT
/// @file adapt/native_unembed.hpp
/// The fused probe in vector instructions: rows in the order of their addresses, a tile of logits in cache.
#pragma once

#include "../kernel/unembed.hpp"
#include "native_int8.hpp"
#include "native_softmax.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Products of rows first ... first + n - 1 with the state x.
template <target Target, class W>
LAGOM_INLINE void native_rows_by_group(mat_view<const W> rows, index_t first, index_t n, const float* x,
                                       float* logits) noexcept {
  using row = native_row<Target, W>;
  constexpr auto size = static_cast<index_t>(sizeof(W));
  const index_t pitch = rows.row_stride(), width = rows.cols();
  const W* const w = rows.data() + first * pitch;
  index_t r = 0;
  for (; r + row::group <= n; r += row::group) {
    const index_t after = rows.rows() - first - r - row::group;
    const rows_ahead ahead(w + (r + row::group) * pitch, after < row::group ? after : row::group,
                           width * size, pitch * size);
    row::template products<row::group>(w + r * pitch, pitch, x, width, ahead, logits + r);
  }
  for (; r < n; ++r) row::template products<1>(w + r * pitch, pitch, x, width, {}, logits + r);
}

/// A state as the rows of a `Head` read it, and their logits.
template <target Target, class Head>
class native_products;

template <target Target, scalar W, final_norm Norm>
class native_products<Target, head<W, Norm>> {
 public:
  template <backend B, scalar H>
  LAGOM_INLINE native_products(const B& b, vec_view<const H> hidden, const head<W, Norm>& to) noexcept
      : to_(to) {
    const auto scale = to.norm.prepare(b, hidden);
    for (index_t j = 0; j < hidden.size(); ++j)
      x_[j] = to.norm.apply(scale, static_cast<float>(hidden[j]), j);
    native_row<Target, W>::prepare(x_, hidden.size());
  }
  LAGOM_INLINE void operator()(index_t first, index_t n, float* logits) const noexcept {
    native_rows_by_group<Target>(to_.rows, first, n, x_, logits);
    for (index_t r = 0; r < n; ++r) logits[r] *= to_.scale;
  }

 private:
  const head<W, Norm>& to_;
  alignas(64) float x_[static_cast<std::size_t>(native_widest)];
};

template <target Target, final_norm Norm>
class native_products<Target, int8_head<Norm, float>> {
 public:
  template <backend B, scalar H>
  LAGOM_INLINE native_products(const B& b, vec_view<const H> hidden,
                               const int8_head<Norm, float>& to) noexcept
      : to_(to) {
    const auto scale = to.norm.prepare(b, hidden);
    for (index_t j = 0; j < hidden.size(); ++j)
      x_[j] = to.norm.apply(scale, static_cast<float>(hidden[j]), j);
  }
  LAGOM_INLINE void operator()(index_t first, index_t n, float* logits) const noexcept {
    native_rows_by_group<Target>(to_.rows, first, n, x_, logits);
    for (index_t r = 0; r < n; ++r) logits[r] *= to_.scales[first + r] * to_.scale;
  }

 private:
  const int8_head<Norm, float>& to_;
  alignas(64) float x_[static_cast<std::size_t>(native_widest)];
};

template <target Target, final_norm Norm>
class native_products<Target, int8_head<Norm, std::int8_t>> {
  using head_type = int8_head<Norm, std::int8_t>;

 public:
  template <backend B, scalar H>
  LAGOM_INLINE native_products(const B& b, vec_view<const H> hidden, const head_type& to) noexcept : to_(to) {
    quantized_slice<B, H, Norm> state(b, hidden, to.norm);
    static_assert(quantized_slice<B, H, Norm>::capacity >= native_widest);
    x_.set(state.at(0));
    common_ = state.scale() * to.scale;
  }
  LAGOM_INLINE void operator()(index_t first, index_t n, float* logits) const noexcept {
    for (index_t r = 0; r < n; ++r) {
      const std::int8_t* const w = to_.rows.data() + (first + r) * to_.rows.row_stride();
      logits[r] = scaled_product(x_.product(w, to_.rows.cols()), common_, to_.scales[first + r]);
    }
  }

 private:
  const head_type& to_;
  float common_ = 0;
  int8_state<Target> x_;
};

/// Statistics of the rows first ... first + n - 1.
template <target Target, class Products>
__attribute__((noinline)) softmax_stats<float> native_shard(const Products& products, index_t first,
                                                            index_t n, token_id first_token) noexcept {
  native_accumulator<Target, true> stats;
  constexpr index_t tile = native_accumulator<Target, true>::tile;
  alignas(64) float logits[static_cast<std::size_t>(tile)];
  for (index_t done = 0; done < n; done += tile) {
    const index_t rows = n - done < tile ? n - done : tile;
    products(first + done, rows, logits);
    stats.push(logits, rows, static_cast<token_id>(first_token + first + done));
    stats.settle();
  }
  return stats.finish();
}

/// Whether the native bodies read this head as it lies.
template <class Head>
LAGOM_INLINE bool native_reads(const Head& to) noexcept {
  return to.rows.cols() <= native_widest && (to.rows.col_stride() == 1 || to.rows.cols() < 2);
}

template <target Target, backend B, scalar H, head_view Head, executor Run>
softmax_stats<float> native_unembed(const B& b, vec_view<const H> hidden, const Head& to, Run&& run) {
  const shards cut{to.rows.rows()};
  if (!native_reads(to)) {
    return over_shards<B, float>(cut, run, [&](index_t shard) {
      return unembed_portable(b, hidden, shard_of(to, cut.first(shard), cut.rows_of(shard)));
    });
  }
  const native_products<Target, Head> products(b, hidden, to);
  return over_shards<B, float>(cut, run, [&](index_t shard) {
    return native_shard<Target>(products, cut.first(shard), cut.rows_of(shard), to.first_token);
  });
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
