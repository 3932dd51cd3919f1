// SPDX-License-Identifier: MIT
/// @file kernel/unembed.hpp
/// The fused probe: final norm, head rows and softmax statistics in one pass over the head.
#pragma once

#include "head_products.hpp"
#include "shards.hpp"
#include "softmax_accumulator.hpp"

namespace lagom {
inline namespace v0 {

namespace detail {

template <backend B, scalar H, head_view Head>
LAGOM_HD auto unembed_portable(const B& b, vec_view<const H> hidden, const Head& to) noexcept {
  using Acc = accumulator_t<H>;
  using accumulator = softmax_accumulator<B, Acc>;
  accumulator stats;
  head_products<B, H, Head> products(b, hidden, to);
  Acc logits[accumulator::tile];
  for (index_t first = 0; first < to.rows.rows(); first += accumulator::tile) {
    const index_t left = to.rows.rows() - first;
    const index_t n = left < accumulator::tile ? left : accumulator::tile;
    products([=](index_t r) { return first + r; }, n, logits);
    stats.push(logits, n, static_cast<token_id>(to.first_token + first));
  }
  return stats.finish();
}

/// The rows of one shard as a head of their own.
template <head_view Head>
LAGOM_LEAF Head shard_of(const Head& to, index_t first, index_t n) noexcept {
  Head part = to;
  part.rows = to.rows.slice_rows(first, n);
  if constexpr (requires { part.scales; }) part.scales = to.scales.slice(first, n);
  part.first_token = static_cast<token_id>(to.first_token + first);
  return part;
}

struct unembed_fn {
  LAGOM_HD_UNCHECKED
  template <backend B, tensor<1> Hidden, head_view Head>
  LAGOM_HD auto operator()(const B& b, const Hidden& hidden, const Head& to) const noexcept {
    return (*this)(b, hidden, to, seq{});
  }

  LAGOM_HD_UNCHECKED
  template <backend B, tensor<1> Hidden, head_view Head, executor Run>
  LAGOM_HD auto operator()(const B& b, const Hidden& hidden, const Head& to, Run&& run) const {
    const auto h = as_vec(hidden);
    LAGOM_ASSERT(h.size() == to.rows.cols());
    using Acc = accumulator_t<typename decltype(h)::value_type>;
    if constexpr (requires { b.unembed(h, to, run); }) {
      return b.unembed(h, to, run);
    } else {
      const shards cut{to.rows.rows()};
      return over_shards<B, Acc>(cut, run, [&](index_t shard) -> softmax_stats<Acc> {
        const Head part = shard_of(to, cut.first(shard), cut.rows_of(shard));
        if constexpr (requires { b.unembed(h, part); }) {
          return b.unembed(h, part);
        } else {
          return unembed_portable(b, h, part);
        }
      });
    }
  }
};

}  // namespace detail

/// `unembed(backend, hidden, head)`, `unembed(backend, hidden, head, run)`: softmax statistics of
/// head . norm(hidden), as a `softmax_stats`. The logits never exist: a tile of them lives on the stack.
///
/// ```cpp
/// const lagom::head head{lagom::mat_view{w, vocab, dim}, lagom::rms_norm{lagom::vec_view{g, dim}, 1e-5}};
/// auto stats = lagom::unembed(lagom::portable{}, lagom::vec_view{x, dim}, head);
/// ```
/// `run` is an executor (`seq`, `openmp`, a lambda over an engine's own threads). The head is cut into shards by the
/// size of the vocabulary alone and their statistics are joined in order: a backend gives the same bits for every
/// executor and any number of threads, and without one.
///
/// Sums in float (double for a double state); a bf16 or f16 head is read as it is stored, and so is an `int8_head`.
/// Cost: V h multiply-adds, V exponentials; reads V h weights once. No allocation.
/// Precondition: the state is as long as a row. Overridden by a backend's `unembed(hidden, head, run)`, or by its
/// `unembed(hidden, head)`, which is then called once a shard.
LAGOM_OBJECT detail::unembed_fn unembed{};

}  // namespace v0
}  // namespace lagom
