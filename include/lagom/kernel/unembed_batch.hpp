// SPDX-License-Identifier: MIT
/// @file kernel/unembed_batch.hpp
/// The fused probe of several states in one pass over the head.
#pragma once

#include "unembed.hpp"

namespace lagom {
inline namespace v0 {

/// Memory that `unembed_batch` works in; the caller owns it and may use it again for every call.
/// ```cpp
/// std::vector<float> states(lagom::batch_space<>::states_for(b, dim));
/// std::vector<lagom::softmax_stats<>> parts(lagom::batch_space<>::parts_for(b, vocab));
/// ```
template <std::floating_point Acc = float>
struct batch_space {
  vec_view<Acc> states{};                ///< at least states_for(batch, width)
  vec_view<softmax_stats<Acc>> parts{};  ///< at least parts_for(batch, vocabulary)

  /// States that a backend may lay side by side: memory for the last of them is there even where states are not.
  static constexpr index_t panel = 8;

  /// From one state to the next: a little more than the width, which is often a power of two, and states that far apart
  /// would share the same few places of a cache.
  [[nodiscard]] LAGOM_LEAF static constexpr index_t pitch(index_t width) noexcept {
    return (width + 31) / 16 * 16;
  }
  [[nodiscard]] LAGOM_LEAF static constexpr std::size_t states_for(index_t batch, index_t width) noexcept {
    return static_cast<std::size_t>((batch + panel - 1) / panel * panel * pitch(width));
  }
  [[nodiscard]] LAGOM_LEAF static constexpr std::size_t parts_for(index_t batch,
                                                                  index_t vocabulary) noexcept {
    return static_cast<std::size_t>(batch * detail::shards{vocabulary}.count());
  }
};

namespace detail {

/// States that share a pass over the rows of a shard.
inline constexpr index_t batch_chunk = 32;

/// Every state of a batch, normed, one after the other.
template <backend B, scalar H, final_norm Norm, std::floating_point Acc>
LAGOM_HD void norm_batch(const B& b, mat_view<const H> hidden, const Norm& norm,
                         vec_view<Acc> states) noexcept {
  for (index_t s = 0; s < hidden.rows(); ++s) {
    const auto x = hidden.row(s);
    const auto scale = norm.prepare(b, x);
    Acc* const to = states.data() + s * batch_space<Acc>::pitch(hidden.cols());
    for (index_t j = 0; j < x.size(); ++j) to[j] = norm.apply(scale, static_cast<Acc>(x[j]), j);
  }
}

/// Statistics of `n` <= batch_chunk normed states over the rows of one shard.
template <backend B, scalar W, final_norm Norm, std::floating_point Acc>
LAGOM_HD void batch_shard_portable(const B& b, mat_view<const Acc> states, const head<W, Norm>& to,
                                   softmax_stats<Acc>* out) noexcept {
  constexpr index_t tile = 2 * lanes<Acc>::width;  // rows that stay in cache for all states
  softmax_accumulator<B, Acc> stats[static_cast<std::size_t>(batch_chunk)];
  Acc logits[static_cast<std::size_t>(tile)];
  for (index_t first = 0; first < to.rows.rows(); first += tile) {
    const index_t left = to.rows.rows() - first, n = left < tile ? left : tile;
    for (index_t s = 0; s < states.rows(); ++s) {
      for (index_t r = 0; r < n; ++r) {
        logits[r] =
            static_cast<Acc>(dot(b, to.rows.row(first + r), states.row(s))) * static_cast<Acc>(to.scale);
      }
      stats[s].push(logits, n, static_cast<token_id>(to.first_token + first));
    }
  }
  for (index_t s = 0; s < states.rows(); ++s) out[s] = stats[s].finish();
}

/// Runs `shard(states, head of the shard, out)` over chunks of states and shards of the head, and joins in order.
template <backend B, std::floating_point Acc, head_view Head, executor Run, class Shard>
LAGOM_HD void batch_over_shards(index_t batch, const Head& to, batch_space<Acc> space,
                                vec_view<softmax_stats<Acc>> out, Run&& run, const Shard& one) {
  const shards cut{to.rows.rows()};
  const index_t width = to.rows.cols(), pitch = batch_space<Acc>::pitch(width);
  run(cut.count(), [&](index_t shard) {
    const Head part = shard_of(to, cut.first(shard), cut.rows_of(shard));
    for (index_t first = 0; first < batch; first += batch_chunk) {
      const index_t left = batch - first;
      const mat_view<const Acc> states(space.states.data() + first * pitch,
                                       left < batch_chunk ? left : batch_chunk, width, pitch);
      one(states, part, space.parts.data() + shard * batch + first);
    }
  });
  for (index_t s = 0; s < batch; ++s) {
    softmax_stats<Acc> parts[shards::most];
    for (index_t shard = 0; shard < cut.count(); ++shard) parts[shard] = space.parts[shard * batch + s];
    merge_in_order<B>(parts, cut.count());
    out[s] = parts[0];
  }
}

template <backend B, scalar H, scalar W, final_norm Norm, std::floating_point Acc, executor Run>
LAGOM_HD void unembed_batch_portable(const B& b, mat_view<const H> hidden, const head<W, Norm>& to,
                                     batch_space<Acc> space, vec_view<softmax_stats<Acc>> out, Run&& run) {
  norm_batch(b, hidden, to.norm, space.states);
  batch_over_shards<B>(hidden.rows(), to, space, out, run,
                       [&](mat_view<const Acc> states, const head<W, Norm>& part, softmax_stats<Acc>* stats) {
                         batch_shard_portable(b, states, part, stats);
                       });
}

struct unembed_batch_fn {
  template <backend B, tensor<2> Hiddens, scalar W, final_norm Norm, std::floating_point Acc,
            executor Run = seq>
  LAGOM_HD void operator()(const B& b, const Hiddens& hiddens, const head<W, Norm>& to,
                           batch_space<Acc> space, vec_view<softmax_stats<Acc>> out,
                           Run&& run = Run{}) const {
    const auto h = as_mat(hiddens);
    static_assert(std::same_as<accumulator_t<typename decltype(h)::value_type>, Acc>,
                  "unembed_batch: space and results are of the states' accumulator type");
    LAGOM_ASSERT(h.cols() == to.rows.cols() && out.size() == h.rows());
    LAGOM_ASSERT(static_cast<std::size_t>(space.states.size()) >=
                     batch_space<Acc>::states_for(h.rows(), h.cols()) &&
                 space.states.contiguous());
    LAGOM_ASSERT(space.parts.size() >= h.rows() * shards{to.rows.rows()}.count() && space.parts.contiguous());
    if constexpr (requires { b.unembed_batch(h, to, space, out, run); }) {
      b.unembed_batch(h, to, space, out, run);
    } else {
      unembed_batch_portable(b, h, to, space, out, run);
    }
  }
};

}  // namespace detail

/// `unembed_batch(backend, hiddens, head, space, out)`, and with an executor: out[s] = the statistics of state s, as
/// `unembed` gives them, to rounding. The head is read once for every 32 states.
///
/// For the positions of a verification window, the sequences of a batch, or calibration. Every executor gives the same
/// bits, and a state's statistics depend neither on the others nor on how many there are: one position verified among
/// seven others has the bits of the same position alone.
/// - `hiddens`: B x h, strided or not.
/// - `space`: a `batch_space` of the states' accumulator type.
/// Cost: B V h multiply-adds, B V exponentials; reads V h weights once for every 32 states. No allocation.
/// Precondition: shapes as said. Overridden by a backend's `unembed_batch(hiddens, head, space, out, run)`.
LAGOM_OBJECT detail::unembed_batch_fn unembed_batch{};

}  // namespace v0
}  // namespace lagom
