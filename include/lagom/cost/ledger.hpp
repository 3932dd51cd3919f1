// SPDX-License-Identifier: MIT
/// @file cost/ledger.hpp
/// The honest ledger: every entry of a forward pass, in multiply-adds and in bytes.
#pragma once

#include "../core/ratio.hpp"
#include "parameters.hpp"
#include "shape.hpp"

namespace lagom {
inline namespace v0 {
namespace cost {

/// Multiply-adds and bytes moved. A FLOP count is twice the multiply-adds.
struct work {
  double macs = 0;
  double bytes = 0;

  [[nodiscard]] LAGOM_LEAF constexpr double flops() const noexcept { return 2 * macs; }
  LAGOM_LEAF constexpr work& operator+=(const work& o) noexcept {
    macs += o.macs;
    bytes += o.bytes;
    return *this;
  }
  LAGOM_LEAF friend constexpr work operator+(work a, const work& b) noexcept { return a += b; }
  LAGOM_LEAF friend constexpr work operator*(double n, const work& a) noexcept {
    return {n * a.macs, n * a.bytes};
  }
};

/// Bytes a stored number.
struct widths {
  double weight = 2;
  double kv = 2;
};

/// What is computed in one go: `tokens` new tokens of each of `sequences`, each attending to `context` positions on
/// average. Weights are read once for all of them, keys and values once a sequence.
struct pass {
  double tokens = 1;
  double context = 0;
  double sequences = 1;
};

/// One token after `context` others.
LAGOM_LEAF constexpr pass decode(double context) noexcept { return {1, context}; }
/// A whole prompt: token t attends to t positions, (s + 1) / 2 on average.
LAGOM_LEAF constexpr pass prefill(double length) noexcept { return {length, (length + 1) / 2}; }

/// One layer: projections, attention over the context, FFN, two norms (2 h each). A mixture reads the experts
/// that the tokens are expected to touch under even routing: E (1 - (1 - k/E)^tokens).
LAGOM_LEAF constexpr work block(const decoder_shape& s, pass p, widths w = {}) noexcept {
  const double attention = 2.0 * p.context * s.heads * s.head_dim;
  double ffn_weights = (s.gated ? 3.0 : 2.0) * s.hidden * s.ffn;
  if (s.experts > 1) {
    double untouched = 1;
    const double miss = 1.0 - static_cast<double>(s.experts_per_token) / s.experts;
    for (double t = 0; t < p.sequences * p.tokens && untouched > 1e-9; ++t) untouched *= miss;
    ffn_weights = ffn_weights * s.experts * (1 - untouched) + static_cast<double>(s.hidden) * s.experts;
  }
  const double kv = 2.0 * s.kv_heads * s.head_dim * w.kv;
  const double reach =
      p.context + (p.tokens - 1) / 2;  // positions that the last token sees: each is read once
  return {p.sequences * p.tokens * (s.layer_macs() + attention + 4.0 * s.hidden),
          (s.attention_macs() + ffn_weights + 2.0 * static_cast<double>(norm_parameters(s))) * w.weight +
              p.sequences * (p.tokens + reach) * kv};
}

/// The final norm at one position of each of `states` sequences.
LAGOM_LEAF constexpr work final_norm(const decoder_shape& s, widths w = {}, double states = 1) noexcept {
  return {states * 2.0 * s.hidden, s.hidden * w.weight};
}

/// Multiply-adds a logit of the fused softmax statistics (one exponential by polynomial, two sums).
inline constexpr double softmax_macs = 12;

/// A probe over the whole head at one position of each of `states` sequences: norm, V rows, softmax statistics. The
/// head is read once for all; logits are not stored.
LAGOM_LEAF constexpr work full_head(const decoder_shape& s, widths w = {}, double states = 1) noexcept {
  return final_norm(s, w, states) +
         work{states * (s.head_macs() + softmax_macs * s.vocab), s.head_macs() * w.weight};
}

/// A probe over K rows of the head, the same for all states.
LAGOM_LEAF constexpr work row_head(const decoder_shape& s, double rows, widths w = {},
                                   double states = 1) noexcept {
  const double n = rows * s.hidden;
  return final_norm(s, w, states) + work{states * (n + softmax_macs * rows), n * w.weight};
}

/// Keys and values of a skipped layer, projected from the exit state.
LAGOM_LEAF constexpr work kv_projection(const decoder_shape& s, pass p, widths w = {}) noexcept {
  const double positions = p.sequences * p.tokens;
  return {positions * s.kv_macs(), s.kv_macs() * w.weight + positions * 2.0 * s.kv_heads * s.head_dim * w.kv};
}

/// Cosine similarity of two states at one position, the previous norm kept: 2 h.
LAGOM_LEAF constexpr work state_cosine(const decoder_shape& s) noexcept { return {2.0 * s.hidden, 0}; }

// Classifiers, one decision on N features.
LAGOM_LEAF constexpr work linear_decision(double features) noexcept { return {features, 0}; }
LAGOM_LEAF constexpr work rbf_decision(double features, double vectors) noexcept {
  return {vectors * (features + softmax_macs), vectors * (features + 1) * 4};
}
LAGOM_LEAF constexpr work crf_decision(double features) noexcept {
  return {2 * features + 6 + 3 * softmax_macs, 0};
}
/// A perceptron with one hidden layer (SpecEE: 3 K features, 512 units; 6,656 multiply-adds at K = 4).
LAGOM_LEAF constexpr work perceptron_decision(double features, double hidden,
                                              double weight_bytes = 4) noexcept {
  return {hidden * (features + 1), (hidden * (features + 2) + 1) * weight_bytes};
}

/// What one forward pass executed. Means over many passes are fine: every entry is linear.
struct executed {
  double blocks = 0;     ///< layers run
  double heads = 0;      ///< passes over the whole head, the answer's own included
  double row_heads = 0;  ///< probes over a few rows ...
  double head_rows = 0;  ///< ... of so many rows each
  double kv_layers = 0;  ///< skipped layers whose keys and values were projected
  double decisions = 0;  ///< classifier decisions ...
  work decision{};       ///< ... of this work each
};

/// The bill of a pass. Probes and decisions happen at one position of every sequence, blocks at all of the pass.
LAGOM_LEAF constexpr work total(const decoder_shape& s, pass p, const executed& e, widths w = {}) noexcept {
  return e.blocks * block(s, p, w) + e.heads * full_head(s, w, p.sequences) +
         e.row_heads * row_head(s, e.head_rows, w, p.sequences) + e.kv_layers * kv_projection(s, p, w) +
         p.sequences * e.decisions * e.decision;
}

/// The full model, answering once.
LAGOM_LEAF constexpr work full_model(const decoder_shape& s, pass p, widths w = {}) noexcept {
  return total(s, p, {.blocks = static_cast<double>(s.layers), .heads = 1}, w);
}

/// FLOPs of the pass as a share of the full model's. Above 1: the exit costs more than it saves.
LAGOM_LEAF constexpr cost_ratio flops_ratio(const decoder_shape& s, pass p, const executed& e) noexcept {
  return cost_ratio(total(s, p, e).macs / full_model(s, p).macs);
}

/// Bytes moved as a share of the full model's: what decides at batch 1.
LAGOM_LEAF constexpr cost_ratio bytes_ratio(const decoder_shape& s, pass p, const executed& e,
                                            widths w = {}) noexcept {
  return cost_ratio(total(s, p, e, w).bytes / full_model(s, p, w).bytes);
}

}  // namespace cost
}  // namespace v0
}  // namespace lagom
