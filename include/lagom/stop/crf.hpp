// SPDX-License-Identifier: MIT
/// @file stop/crf.hpp
/// Linear-chain conditional random field over the steps of a sequence.
#pragma once

#include "../core/math.hpp"
#include "stop_rule.hpp"

namespace lagom {
inline namespace v0 {

/// Two labels a step, 0 = go on, 1 = stop (Lafferty et al. 2001; AdaInfer's second classifier).
///
/// score(y | x) = sum_t (weights[y_t] . x_t + bias[y_t]) + sum_t transitions[y_{t-1}][y_t].
///
/// At step t only steps up to t have been seen, so the decision is the *filtered* marginal
/// P(y_t = 1 | x_1 ... x_t), kept by the forward recursion, not a Viterbi path over all layers. Stops at
/// probability `stop_at`. Cost: 2 N + 6 multiply-adds and three exponentials a step.
/// Fitted by `fit(crf_config, dataset)`.
template <std::size_t N>
struct crf {
  float weights[2][N] = {};
  float bias[2] = {};
  float transitions[2][2] = {};  ///< [from][to]
  float stop_at = 0.5f;

  static constexpr std::size_t width = N;

  /// log of the normalised forward messages.
  struct state {
    float log_alpha[2] = {};
    bool started = false;
  };

  /// P(y_t = 1 | x_1 ... x_t) - stop_at.
  LAGOM_LEAF float step(state& s, vec_view<const float> x) const noexcept { return filtered(s, x) - stop_at; }

  /// Advances the recursion by one step and returns P(y_t = 1 | x_1 ... x_t).
  LAGOM_LEAF float filtered(state& s, vec_view<const float> x) const noexcept {
    LAGOM_ASSERT(x.size() >= static_cast<index_t>(N));
    float a[2];
    for (std::size_t y = 0; y < 2; ++y) {
      a[y] = bias[y];
      for (std::size_t j = 0; j < N; ++j) a[y] += weights[y][j] * x[static_cast<index_t>(j)];
      if (s.started) {
        const float from0 = s.log_alpha[0] + transitions[0][y];
        const float from1 = s.log_alpha[1] + transitions[1][y];
        const float high = from0 > from1 ? from0 : from1;
        const float low = from0 > from1 ? from1 : from0;
        a[y] += high + detail::log(1 + exp_nonpositive(low - high));
      }
    }
    const float p = sigmoid(a[1] - a[0]);
    const float shift = a[0] > a[1] ? a[0] : a[1];
    s.log_alpha[0] = a[0] - shift;
    s.log_alpha[1] = a[1] - shift;
    s.started = true;
    return p;
  }
};

}  // namespace v0
}  // namespace lagom
