// SPDX-License-Identifier: MIT
/// @file kernel/unembed.hpp
/// The fused probe: final norm, head rows and softmax statistics in one pass over the head.
#pragma once

#include "normed_slice.hpp"
#include "softmax_accumulator.hpp"

namespace lagom {
inline namespace v0 {

namespace detail {

/// Logits of the rows first ... first + n - 1 that `row_of` names, into `logits`.
template <backend B, class Slices, class RowOf, std::floating_point Acc>
LAGOM_HD void unembed_tile(const B& b, Slices& slices, index_t width, RowOf row_of, index_t n, Acc scale,
                           Acc* logits) noexcept {
  for (index_t r = 0; r < n; ++r) logits[r] = 0;
  for (index_t column = 0; column < width; column += Slices::capacity) {
    const auto x = slices.at(column);
    for (index_t r = 0; r < n; ++r) {
      logits[r] += static_cast<Acc>(dot(b, row_of(r).slice(column, x.size()), x));
    }
  }
  for (index_t r = 0; r < n; ++r) logits[r] *= scale;
}

template <backend B, scalar H, scalar W, final_norm Norm>
LAGOM_HD auto unembed_portable(const B& b, vec_view<const H> hidden, const head<W, Norm>& to) noexcept {
  using Acc = accumulator_t<H>;
  using accumulator = softmax_accumulator<B, Acc>;
  accumulator stats;
  normed_slice<B, H, Norm> slices(b, hidden, to.norm);
  Acc logits[accumulator::tile];
  for (index_t first = 0; first < to.rows.rows(); first += accumulator::tile) {
    const index_t left = to.rows.rows() - first;
    const index_t n = left < accumulator::tile ? left : accumulator::tile;
    unembed_tile(
        b, slices, hidden.size(), [&](index_t r) { return to.rows.row(first + r); }, n,
        static_cast<Acc>(to.scale), logits);
    stats.push(logits, n, static_cast<token_id>(to.first_token + first));
  }
  return stats.finish();
}

struct unembed_fn {
  template <backend B, tensor<1> Hidden, head_view Head>
  LAGOM_HD auto operator()(const B& b, const Hidden& hidden, const Head& to) const noexcept {
    const auto h = as_vec(hidden);
    LAGOM_ASSERT(h.size() == to.rows.cols());
    if constexpr (requires { b.unembed(h, to); }) {
      return b.unembed(h, to);
    } else {
      return unembed_portable(b, h, to);
    }
  }
};

}  // namespace detail

/// `unembed(backend, hidden, head)`: softmax statistics of head . norm(hidden), as a `softmax_stats`. The logits
/// never exist: a tile of them lives on the stack.
///
/// ```cpp
/// const lagom::head head{lagom::mat_view{w, vocab, dim}, lagom::rms_norm{lagom::vec_view{g, dim}, 1e-5}};
/// auto stats = lagom::unembed(lagom::portable{}, lagom::vec_view{x, dim}, head);
/// ```
/// Sums in float (double for a double state); a bf16 or f16 head is read as it is stored. Cost: V h
/// multiply-adds, V exponentials; reads V h weights once. No allocation.
/// Precondition: the state is as long as a row. Overridden by a backend's `unembed(hidden, head)`.
LAGOM_OBJECT detail::unembed_fn unembed{};

}  // namespace v0
}  // namespace lagom
