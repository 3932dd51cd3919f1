// SPDX-License-Identifier: MIT
/// @file cost/vocabulary.hpp
/// What new tokens cost a decoder, and what fewer tokens save it.
#pragma once

#include "ledger.hpp"

namespace lagom {
inline namespace v0 {
namespace cost {

/// Bytes that one generated token reads: (P + k h) w + context * KV, with k new rows of the head. Input rows
/// are looked up, not streamed, but P counts the input embedding with all parameters, as is usual.
LAGOM_LEAF constexpr double decode_bytes(const decoder_shape& s, double new_tokens, widths w = {},
                                         double context = 0) noexcept {
  return (static_cast<double>(parameters(s)) + new_tokens * s.hidden) * w.weight +
         context * kv_bytes_per_token(s, w.kv);
}

/// How much faster a memory-bound decoder writes the same text: (N_s / N_t) * b_s / b_t, with b the bytes of
/// one token. Above 1 it pays. `tokens_ratio` = N_s / N_t, source tokens for each target token. The context is
/// taken to be as long in both, which favours the source. A shape that reads nothing has b_s / b_t = 1.
LAGOM_LEAF constexpr double decode_speedup(const decoder_shape& s, double new_tokens, double tokens_ratio,
                                           widths w = {}, double context = 0) noexcept {
  const double before = decode_bytes(s, 0, w, context);
  return before > 0 ? tokens_ratio * before / decode_bytes(s, new_tokens, w, context) : tokens_ratio;
}

/// The share of tokens that k new ones must save before decoding gets faster: 1 - b_s / b_t; 0 for a shape that
/// reads nothing.
LAGOM_LEAF constexpr double break_even_saving(const decoder_shape& s, double new_tokens, widths w = {},
                                              double context = 0) noexcept {
  const double before = decode_bytes(s, 0, w, context);
  return before > 0 ? 1 - before / decode_bytes(s, new_tokens, w, context) : 0;
}

/// What one more token must save, in tokens for each generated token: h / P. A token that saves no more than
/// this costs more to stream than it gains. 0 for a shape without parameters.
LAGOM_LEAF constexpr double least_saving(const decoder_shape& s) noexcept {
  const auto all = static_cast<double>(parameters(s));
  return all > 0 ? static_cast<double>(s.hidden) / all : 0;
}

/// Parameters that k new rows add: one matrix when the head is tied, two when not.
LAGOM_LEAF constexpr double added_parameters(const decoder_shape& s, double new_tokens) noexcept {
  return (s.tied ? 1.0 : 2.0) * new_tokens * s.hidden;
}

/// "Speedup" has two readings: how much more text in the same time, (N_s / N_t - 1) * 100, ...
LAGOM_LEAF constexpr double speedup_percent(double source_tokens, double target_tokens) noexcept {
  return target_tokens > 0 ? (source_tokens / target_tokens - 1) * 100 : 0;
}
/// ... and how much less time for the same text, (1 - N_t / N_s) * 100. Both are 0 for an empty text.
LAGOM_LEAF constexpr double saving_percent(double source_tokens, double target_tokens) noexcept {
  return source_tokens > 0 ? (1 - target_tokens / source_tokens) * 100 : 0;
}

}  // namespace cost
}  // namespace v0
}  // namespace lagom
