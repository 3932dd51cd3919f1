// SPDX-License-Identifier: MIT
/// @file kernel/softmax_stats_of.hpp
/// Softmax statistics of ready logits.
#pragma once

#include "../core/vec_view.hpp"
#include "softmax_accumulator.hpp"

namespace lagom {
inline namespace v0 {

/// Leaves the entropy out of softmax statistics: `weighted` stays 0, and `entropy()` is then ln of the sum, which is
/// never less than the entropy. It is a sixth of the work.
struct without_entropy {};

namespace detail {

template <backend B, bool Entropy = true, scalar Z>
LAGOM_HD auto softmax_stats_portable(vec_view<const Z> z, token_id first_token) noexcept {
  using Acc = accumulator_t<Z>;
  using accumulator = softmax_accumulator<B, Acc, Entropy>;
  accumulator stats;
  Acc logits[accumulator::tile];
  for (index_t first = 0; first < z.size(); first += accumulator::tile) {
    const index_t n = z.size() - first < accumulator::tile ? z.size() - first : accumulator::tile;
    const Z* LAGOM_RESTRICT from = z.data() + first * z.stride();
    if constexpr (std::same_as<Z, Acc>) {
      if (z.contiguous() && stats.push_ordinary(from, n, static_cast<token_id>(first_token + first)))
        continue;
    }
    if (z.contiguous()) {
      for (index_t i = 0; i < n; ++i) logits[i] = static_cast<Acc>(from[i]);
    } else {
      for (index_t i = 0; i < n; ++i) logits[i] = static_cast<Acc>(from[i * z.stride()]);
    }
    stats.push(logits, n, static_cast<token_id>(first_token + first));
  }
  return stats.finish();
}

struct softmax_stats_of_fn {
  LAGOM_HD_UNCHECKED
  template <backend B, tensor<1> Logits>
  LAGOM_HD auto operator()(const B& b, const Logits& logits, token_id first_token = 0) const noexcept {
    const auto z = as_vec(logits);
    if constexpr (requires { b.softmax_stats_of(z, first_token); }) {
      return b.softmax_stats_of(z, first_token);
    } else {
      return softmax_stats_portable<B>(z, first_token);
    }
  }

  /// A backend that has only the full statistics gives those.
  template <backend B, tensor<1> Logits>
  LAGOM_HD auto operator()(const B& b, const Logits& logits, token_id first_token,
                           without_entropy leave_out) const noexcept {
    const auto z = as_vec(logits);
    if constexpr (requires { b.softmax_stats_of(z, first_token, leave_out); }) {
      return b.softmax_stats_of(z, first_token, leave_out);
    } else if constexpr (requires { b.softmax_stats_of(z, first_token); }) {
      return b.softmax_stats_of(z, first_token);
    } else {
      return softmax_stats_portable<B, false>(z, first_token);
    }
  }
};

}  // namespace detail

/// `softmax_stats_of(backend, logits, first_token = 0)`: maximum, log-sum-exp, entropy and the two best tokens
/// of a row of logits, as a `softmax_stats`.
///
/// One pass over memory, one exponential a logit, no allocation. Reads float, double, bf16, f16, strided or
/// not. `first_token` is the id of the first logit: shards of a vocabulary are reduced apart and merged.
/// Masks, NaN, ties and empty rows: see `softmax_stats`. |error of log(sum)| <= 5e-7 in float at any size.
/// `softmax_stats_of(backend, logits, first_token, without_entropy{})` does less for those who do not read entropy.
/// Overridden by a backend's `softmax_stats_of(logits, first_token)`, and one with `without_entropy`.
LAGOM_OBJECT detail::softmax_stats_of_fn softmax_stats_of{};

}  // namespace v0
}  // namespace lagom
