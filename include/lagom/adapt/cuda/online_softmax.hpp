// SPDX-License-Identifier: MIT
/// @file adapt/cuda/online_softmax.hpp
/// Softmax statistics that one thread gathers in its registers.
#pragma once

#include "../../kernel/softmax_stats.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// What `stats.push(logit, token)` does, with one exponential and no copy of the statistics. Tokens come in ascending order.
template <std::floating_point Acc>
LAGOM_LEAF void push_online(softmax_stats<Acc>& stats, Acc logit, token_id token) noexcept {
  constexpr auto infinity = float_bits<Acc>::infinity;
  const auto bits = bits_of(&logit);
  if ((bits & infinity) == infinity) {
    stats.bad = stats.bad || bits != (infinity | ~float_bits<Acc>::magnitude_mask);
    return;
  }
  if (!(logit > softmax_stats<Acc>::masked_at)) return;
  const bool leads = stats.count == 0 || logit > stats.max;
  const Acc shift = stats.count == 0 ? Acc(0) : leads ? stats.max - logit : logit - stats.max;
  const Acc e = exp_nonpositive(shift);
  if (leads) {
    stats.weighted = e > 0 ? e * (stats.weighted + shift * stats.sum) : Acc(0);
    stats.sum = e * stats.sum + 1;
    stats.second = stats.max;
    stats.runner_up = stats.top;
    stats.max = logit;
    stats.top = token;
  } else {
    stats.sum += e;
    stats.weighted += e > 0 ? shift * e : Acc(0);
    if (stats.count == 1 || logit > stats.second) {
      stats.second = logit;
      stats.runner_up = token;
    }
  }
  ++stats.count;
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
