// SPDX-License-Identifier: MIT
/// @file stop/specee.hpp
/// SpecEE's predictor: a small perceptron a layer on the logits of a few candidate tokens.
#pragma once

#include <vector>

#include "../core/math.hpp"
#include "../kernel/softmax_stats.hpp"
#include "stop_rule.hpp"

namespace lagom {
inline namespace v0 {

/// Stops when sigmoid(w_2 . relu(W_1 x + b_1) + b_2) > p, with x = [K logits, K probabilities among the candidates, K
/// differences of these to the last probed layer (0 at the first)] and p = 0.5, and when then the best token of the whole
/// head is one of the candidates: `confirms`, which the policy asks after passing the head. If it is not, the model goes on.
///
/// Reads what `candidate_probe<K, Head>` writes. `Array` holds the parameters of one perceptron for all layers, or of one a
/// layer: W_1 (input by input: the weights of all units for input 0, then input 1, ...), b_1, w_2, b_2, hidden (3 K + 2) + 1
/// numbers (7,169 for K = 4). `std::vector<float>` owns them, `vec_view<const float>` sees a device buffer.
/// Source: Xu et al., ISCA 2025, arXiv 2504.08850. Cost: hidden (3 K + 1) multiply-adds. Fitted by `fit(specee_config)`.
template <std::size_t K, class Array = std::vector<float>>
struct specee {
  static constexpr std::size_t width = 2 * K + 2;
  static constexpr std::size_t inputs = 3 * K;

  Array parameters{};
  index_t hidden = 512;
  float log_odds = 0;  ///< stop above these log-odds: log(p / (1 - p))

  struct state {
    float last[K] = {};  ///< probabilities at the last probed layer
    bool seen = false;
    token_id best = no_token;
  };

  /// Numbers of one perceptron.
  [[nodiscard]] LAGOM_LEAF static constexpr index_t size(index_t units) noexcept {
    return units * static_cast<index_t>(inputs + 2) + 1;
  }
  /// Perceptrons held: one, or one a layer.
  [[nodiscard]] LAGOM_LEAF constexpr index_t nets() const noexcept {
    return as_vec(parameters).size() / size(hidden);
  }

  LAGOM_LEAF float step(state& s, vec_view<const float> x) const noexcept {
    float in[inputs];
    remember(s, x, in);
    const index_t held = nets(), layer = static_cast<index_t>(x[static_cast<index_t>(2 * K + 1)]);
    if (held == 0 || layer < 0 || (held > 1 && layer >= held)) return -1;  // not trained for this layer
    const float score = logit(in, held > 1 ? layer : 0) - log_odds;
    return score > 0 ? score : (score < -1e-30f ? score : -1e-30f);
  }

  /// Is the answer of the whole head one of the candidates? Then it is the best of them.
  template <std::floating_point T>
  LAGOM_LEAF bool confirms(const state& s, const softmax_stats<T>& answer) const noexcept {
    return answer.valid() && answer.top == s.best;
  }

  /// The same predictor, stopping above another probability. Precondition: 0 < p < 1.
  [[nodiscard]] LAGOM_INLINE specee above(float p) const {
    LAGOM_ASSERT(p > 0 && p < 1);
    specee other = *this;
    other.log_odds = detail::log(p / (1 - p));
    return other;
  }

  /// The inputs of the perceptron, from what the signal wrote; the state then knows this layer.
  LAGOM_LEAF static void remember(state& s, vec_view<const float> x, float (&in)[inputs]) noexcept {
    for (std::size_t k = 0; k < K; ++k) {
      const float p = x[static_cast<index_t>(K + k)];
      in[k] = x[static_cast<index_t>(k)];
      in[K + k] = p;
      in[2 * K + k] = s.seen ? p - s.last[k] : 0.0f;
      s.last[k] = p;
    }
    s.seen = true;
    s.best = static_cast<token_id>(x[static_cast<index_t>(2 * K)]);
  }

  /// w_2 . relu(W_1 x + b_1) + b_2 of one perceptron. Precondition: net < nets().
  [[nodiscard]] LAGOM_LEAF float logit(const float (&in)[inputs], index_t net) const noexcept {
    constexpr index_t lanes = 16;
    const auto all = as_vec(parameters);
    LAGOM_ASSERT(all.contiguous() && 0 <= net && (net + 1) * size(hidden) <= all.size());
    const float* const w = all.data() + net * size(hidden);
    const float* const b1 = w + static_cast<index_t>(inputs) * hidden;
    const float* const w2 = b1 + hidden;
    float sum[lanes] = {};
    for (index_t i = 0; i < hidden; i += lanes) {
      const index_t m = hidden - i < lanes ? hidden - i : lanes;
      float unit[lanes] = {};
      for (index_t j = 0; j < m; ++j) unit[j] = b1[i + j];
      for (std::size_t f = 0; f < inputs; ++f) {
        const float* LAGOM_RESTRICT const from = w + static_cast<index_t>(f) * hidden + i;
        for (index_t j = 0; j < m; ++j) unit[j] += in[f] * from[j];
      }
      for (index_t j = 0; j < m; ++j) sum[j] += unit[j] > 0 ? unit[j] * w2[i + j] : 0.0f;
    }
    float total = w2[hidden];
    for (const float part : sum) total += part;
    return total;
  }
};

}  // namespace v0
}  // namespace lagom
