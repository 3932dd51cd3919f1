// SPDX-License-Identifier: MIT
/// @file kernel/unembed.hpp
/// The fused probe: final norm, head rows and softmax statistics in one pass over the head.
#pragma once

#include "../core/executor.hpp"
#include "head_products.hpp"
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
/// Sums in float (double for a double state); a bf16 or f16 head is read as it is stored, and so is an `int8_head`.
/// Cost: V h multiply-adds, V exponentials; reads V h weights once. No allocation.
/// Precondition: the state is as long as a row. Overridden by a backend's `unembed(hidden, head)`.
LAGOM_OBJECT detail::unembed_fn unembed{};

}  // namespace v0
}  // namespace lagom
