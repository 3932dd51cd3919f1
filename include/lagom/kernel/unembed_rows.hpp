// SPDX-License-Identifier: MIT
/// @file kernel/unembed_rows.hpp
/// The probe over a few rows of the head: answer candidates, draft tokens, label words.
#pragma once

#include "unembed.hpp"

namespace lagom {
inline namespace v0 {

namespace detail {

template <backend B, scalar H, head_view Head>
LAGOM_HD auto unembed_rows_portable(const B& b, vec_view<const H> hidden, const Head& to,
                                    vec_view<const token_id> tokens) noexcept {
  using Acc = accumulator_t<H>;
  using accumulator = softmax_accumulator<B, Acc>;
  accumulator stats;
  head_products<B, H, Head> products(b, hidden, to);
  Acc logits[accumulator::tile];
  for (index_t first = 0; first < tokens.size(); first += accumulator::tile) {
    const index_t left = tokens.size() - first;
    const index_t n = left < accumulator::tile ? left : accumulator::tile;
    products([&](index_t r) { return static_cast<index_t>(tokens[first + r] - to.first_token); }, n, logits);
    stats.push(logits, n, static_cast<token_id>(first));
  }
  auto result = stats.finish();  // by position in the list: now by token
  if (result.top != no_token) result.top = tokens[result.top];
  if (result.runner_up != no_token) result.runner_up = tokens[result.runner_up];
  return result;
}

struct unembed_rows_fn {
  template <backend B, tensor<1> Hidden, head_view Head>
  LAGOM_HD auto operator()(const B& b, const Hidden& hidden, const Head& to,
                           vec_view<const token_id> tokens) const noexcept {
    const auto h = as_vec(hidden);
    LAGOM_ASSERT(h.size() == to.rows.cols());
    if constexpr (requires { b.unembed_rows(h, to, tokens); }) {
      return b.unembed_rows(h, to, tokens);
    } else {
      return unembed_rows_portable(b, h, to, tokens);
    }
  }
};

}  // namespace detail

/// `unembed_rows(backend, hidden, head, tokens)`: softmax statistics over the listed tokens only. This is the
/// restricted softmax: it answers "which of these", with probabilities that add up to 1 over the list.
///
/// Cost: K h multiply-adds for K tokens; reads K rows. Ties go to the token listed first.
/// Precondition: every token is a row of this head; none is listed twice.
/// Overridden by a backend's `unembed_rows(hidden, head, tokens)`.
LAGOM_OBJECT detail::unembed_rows_fn unembed_rows{};

}  // namespace v0
}  // namespace lagom
