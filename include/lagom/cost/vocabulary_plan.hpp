// SPDX-License-Identifier: MIT
/// @file cost/vocabulary_plan.hpp
/// How many new tokens to take: the curve over k, and a recommendation with its reason.
#pragma once

#include <initializer_list>
#include <vector>

#include "vocabulary.hpp"

namespace lagom {
inline namespace v0 {
namespace cost {

/// What k new tokens do on a corpus.
struct vocabulary_point {
  std::size_t tokens = 0;           ///< k, or all that there are if these are fewer
  std::uint64_t source_tokens = 0;  ///< N_s: tokens of the corpus under the source
  std::uint64_t target_tokens = 0;  ///< N_t
  double more_text_percent = 0;     ///< (N_s / N_t - 1) * 100: one reading of "speedup"
  double less_time_percent = 0;     ///< (1 - N_t / N_s) * 100: the other
  double prefill_speedup = 1;       ///< N_s / N_t; more where attention over the length counts
  double decode_speedup = 1;        ///< (N_s / N_t) * b_s / b_t
  double decode_bytes_added = 0;    ///< b_t / b_s - 1; 0 for a shape that reads nothing
  double break_even = 0;            ///< the share of tokens that must be saved: 1 - b_s / b_t
  double head_macs = 0;             ///< multiply-adds added to each generated token: k h
  double row_bytes = 0;             ///< of the new rows, both matrices where the head is not tied
  double parameters = 0;            ///< the same as a number of parameters
  double kv_bytes_saved = 0;        ///< of the whole corpus: (N_s - N_t) * KV

  /// N_s - N_t; below 0 where the source lost text that has tokens now.
  [[nodiscard]] constexpr std::int64_t saved() const noexcept {
    return static_cast<std::int64_t>(source_tokens - target_tokens);
  }
};

/// How a vocabulary is planned.
struct vocabulary_plan_options {
  widths bytes{};
  double context = 0;  ///< positions whose keys and values a generated token reads
  /// As many as published results advise: quality falls as k grows, although cost would allow far more (arXiv
  /// 2406.11477: 100 to 500).
  std::size_t advised = 500;
};

/// The point of `k` tokens under which the corpus takes `target_tokens`: for expansions of any kind.
[[nodiscard]] inline vocabulary_point vocabulary_point_of(const decoder_shape& s, std::size_t k,
                                                          std::uint64_t source_tokens,
                                                          std::uint64_t target_tokens,
                                                          const vocabulary_plan_options& options = {}) {
  vocabulary_point p{.tokens = k, .source_tokens = source_tokens, .target_tokens = target_tokens};
  const auto before = static_cast<double>(source_tokens), after = static_cast<double>(target_tokens),
             rows = static_cast<double>(k);
  const double bytes = decode_bytes(s, 0, options.bytes, options.context);
  p.more_text_percent = speedup_percent(before, after);
  p.less_time_percent = saving_percent(before, after);
  p.prefill_speedup = after > 0 ? before / after : 1;
  p.decode_speedup = decode_speedup(s, rows, p.prefill_speedup, options.bytes, options.context);
  p.decode_bytes_added = bytes > 0 ? decode_bytes(s, rows, options.bytes, options.context) / bytes - 1 : 0;
  p.break_even = break_even_saving(s, rows, options.bytes, options.context);
  p.head_macs = rows * s.hidden;
  p.parameters = added_parameters(s, rows);
  p.row_bytes = p.parameters * options.bytes.weight;
  p.kv_bytes_saved = static_cast<double>(p.saved()) * kv_bytes_per_token(s, options.bytes.kv);
  return p;
}

/// The point of the first `k` tokens of a list. `saved[i]` is what token i saved when it was learned, below 0 where
/// it added tokens (`new_token::saved`): N_t = N_s - their sum. Precondition: N_t is not below 0 for any k, as it
/// is when the list and `source_tokens` are of one corpus.
[[nodiscard]] inline vocabulary_point vocabulary_point_at(const decoder_shape& s, std::uint64_t source_tokens,
                                                          const std::vector<std::int64_t>& saved,
                                                          std::size_t k,
                                                          const vocabulary_plan_options& options = {}) {
  const std::size_t tokens = k < saved.size() ? k : saved.size();
  auto left = static_cast<std::int64_t>(source_tokens);
  for (std::size_t i = 0; i < tokens; ++i) left -= saved[i];
  LAGOM_ASSERT(left >= 0);
  return vocabulary_point_of(s, tokens, source_tokens, static_cast<std::uint64_t>(left), options);
}

/// The curve over k, by default 50, 100, 500, 1000, 5000 and 10000. It ends at the first k that the list does not
/// reach, with all of the list. Precondition as of `vocabulary_point_at`.
[[nodiscard]] inline std::vector<vocabulary_point> vocabulary_curve(
    const decoder_shape& s, std::uint64_t source_tokens, const std::vector<std::int64_t>& saved,
    const vocabulary_plan_options& options = {},
    std::initializer_list<std::size_t> ks = {50, 100, 500, 1000, 5000, 10000}) {
  std::vector<vocabulary_point> out;
  for (const std::size_t k : ks) {
    out.push_back(vocabulary_point_at(s, source_tokens, saved, k, options));
    if (saved.size() <= k) break;
  }
  return out;
}

/// Why a number of tokens is recommended.
enum class vocabulary_reason : std::uint8_t {
  advice,        ///< more would still pay, but quality is known to fall
  stops_paying,  ///< the next token saves no more than it costs to stream
  ran_out,       ///< every token that was learned pays, and there are no more
  nothing        ///< no token was learned, or not even the first one pays
};

/// A number of tokens, and the numbers that speak for it.
struct vocabulary_recommendation {
  std::size_t tokens = 0;
  vocabulary_reason reason = vocabulary_reason::nothing;
  std::size_t paying = 0;    ///< how many pay by the stop rule alone
  double least_share = 0;    ///< h / P: what a token must save, in tokens for each generated token
  double last_share = 0;     ///< what the last recommended token saves of the tokens left before it
  double next_share = 0;     ///< what the next one would; 0 where there is none
  vocabulary_point point{};  ///< of the recommended number
};

/// Recommends the smaller one of what pays and what is advised. A token pays when it saves more than h / P of
/// the tokens left before it; the list ends at the first that does not. A token that saves nothing, or adds some, is
/// there for another reason than length (a character that the source could not express): it is kept, and
/// does not end the list. Precondition as of `vocabulary_point_at`.
[[nodiscard]] inline vocabulary_recommendation recommend_vocabulary(
    const decoder_shape& s, std::uint64_t source_tokens, const std::vector<std::int64_t>& saved,
    const vocabulary_plan_options& options = {}) {
  vocabulary_recommendation out{.least_share = least_saving(s)};
  auto left = static_cast<std::int64_t>(source_tokens);
  std::vector<double> shares;  // of the tokens that pay, and the next one
  for (const std::int64_t gain : saved) {
    shares.push_back(left == 0 ? 0 : static_cast<double>(gain) / static_cast<double>(left));
    if (gain > 0 && !(shares.back() > out.least_share)) break;
    ++out.paying;
    left -= gain;
  }
  out.tokens = out.paying < options.advised ? out.paying : options.advised;
  if (out.tokens > 0) {
    out.last_share = shares[out.tokens - 1];
    out.reason = out.tokens < out.paying      ? vocabulary_reason::advice
                 : out.paying == saved.size() ? vocabulary_reason::ran_out
                                              : vocabulary_reason::stops_paying;
  }
  if (out.tokens < shares.size()) out.next_share = shares[out.tokens];
  out.point = vocabulary_point_at(s, source_tokens, saved, out.tokens, options);
  return out;
}

}  // namespace cost
}  // namespace v0
}  // namespace lagom
