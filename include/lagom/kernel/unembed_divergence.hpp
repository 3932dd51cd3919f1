// SPDX-License-Identifier: MIT
/// @file kernel/unembed_divergence.hpp
/// Divergences of what two hidden states say, in one pass over the head.
#pragma once

#include "divergence_of.hpp"
#include "unembed.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

template <backend B, scalar H, head_view Head, std::floating_point Acc>
LAGOM_HD divergence_stats<Acc> unembed_divergence_portable(const B& b, vec_view<const H> p_hidden,
                                                           vec_view<const H> q_hidden, const Head& to,
                                                           const softmax_stats<Acc>& p_stats,
                                                           const softmax_stats<Acc>& q_stats) noexcept {
  using accumulator = divergence_accumulator<B, Acc>;
  constexpr index_t tile = accumulator::tile;
  constexpr index_t block = 16;  // rows that are still near when the second state reads them
  accumulator sums(p_stats, q_stats);
  head_products<B, H, Head> p_products(b, p_hidden, to), q_products(b, q_hidden, to);
  Acc p_logits[accumulator::tile], q_logits[accumulator::tile];
  for (index_t first = 0; first < to.rows.rows(); first += tile) {
    const index_t left = to.rows.rows() - first;
    const index_t n = left < tile ? left : tile;
    for (index_t r = 0; r < n; r += block) {
      const index_t rows = n - r < block ? n - r : block;
      const auto row_of = [=](index_t i) { return first + r + i; };
      p_products(row_of, rows, p_logits + r);
      q_products(row_of, rows, q_logits + r);
    }
    sums.push(p_logits, q_logits, n);
  }
  return sums.finish();
}

template <backend B, scalar H, head_view Head, std::floating_point Acc, executor Run>
LAGOM_HD divergence_stats<Acc> divergence_over_shards(const B& b, vec_view<const H> p, vec_view<const H> q,
                                                      const Head& to, const softmax_stats<Acc>& p_stats,
                                                      const softmax_stats<Acc>& q_stats, Run&& run) {
  divergence_stats<Acc> sum;
  sum.bad = p_stats.bad || q_stats.bad;
  if (!p_stats.valid() || !q_stats.valid()) return sum;
  const shards cut{to.rows.rows()};
  divergence_stats<Acc> parts[shards::most];
  run(cut.count(), [&](index_t shard) {
    const Head part = shard_of(to, cut.first(shard), cut.rows_of(shard));
    parts[shard] = unembed_divergence_portable(b, p, q, part, p_stats, q_stats);
  });
  for (index_t shard = 0; shard < cut.count(); ++shard) sum.merge(parts[shard]);
  return sum;
}

struct unembed_divergence_fn {
  LAGOM_HD_UNCHECKED
  template <backend B, tensor<1> P, tensor<1> Q, head_view Head, std::floating_point Acc, executor Run = seq>
  LAGOM_HD auto operator()(const B& b, const P& p_hidden, const Q& q_hidden, const Head& to,
                           const softmax_stats<Acc>& p_stats, const softmax_stats<Acc>& q_stats,
                           Run&& run = Run{}) const {
    const auto p = as_vec(p_hidden);
    const auto q = as_vec(q_hidden);
    using H = typename decltype(p)::value_type;
    static_assert(std::same_as<H, typename decltype(q)::value_type> && std::same_as<accumulator_t<H>, Acc>,
                  "unembed_divergence: states of one type, statistics of its accumulator type");
    LAGOM_ASSERT(p.size() == to.rows.cols() && q.size() == to.rows.cols());
    if constexpr (requires { b.unembed_divergence(p, q, to, p_stats, q_stats, run); }) {
      return b.unembed_divergence(p, q, to, p_stats, q_stats, run);
    } else {
      return divergence_over_shards(b, p, q, to, p_stats, q_stats, run);
    }
  }
};

}  // namespace detail

/// `unembed_divergence(backend, p_hidden, q_hidden, head, p_stats, q_stats)`, and with an executor: the
/// `divergence_stats` of softmax(head . norm(p_hidden)) and softmax(head . norm(q_hidden)). No logits exist: two tiles of
/// them live on the stack.
///
/// The statistics are those of `unembed` with the same head, which has to come first: a mixture of two distributions needs
/// both normalisers. A layer compared with the one before thus costs two passes over the head; an engine that has the
/// logits of both at hand pays none (`divergence_of`).
/// Statistics that are not valid give a result that is not valid, at once. Errors: those of `divergence_of`, and those of
/// the products. Every executor gives the same bits. Cost: 2 V h multiply-adds, 3 V exponentials; reads V h weights
/// once. No allocation. Precondition: the states are as long as a row.
/// Overridden by a backend's `unembed_divergence(p_hidden, q_hidden, head, p_stats, q_stats, run)`.
LAGOM_OBJECT detail::unembed_divergence_fn unembed_divergence{};

}  // namespace v0
}  // namespace lagom
