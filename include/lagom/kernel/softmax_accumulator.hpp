// SPDX-License-Identifier: MIT
/// @file kernel/softmax_accumulator.hpp
/// One-pass softmax statistics over tiles of logits: what `softmax_stats_of` and `unembed` share.
#pragma once

#include "../core/backend.hpp"
#include "lanes.hpp"
#include "softmax_stats.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Consumes logits a tile at a time, in order of token id, each tile in two vector passes over L1: clean and
/// take the maximum, then exponentials. Sums are rescaled when the maximum grows. Tile sums are added in double,
/// so the error of log(sum) does not grow with the vocabulary.
template <backend B, std::floating_point Acc>
class softmax_accumulator {
 public:
  /// Logits a tile. Fixed: sums depend on the vocabulary alone.
  static constexpr index_t tile = 256;

  /// Adds `n` <= tile logits of tokens first_token ... first_token + n - 1. Overwrites `logits`.
  LAGOM_HD void push(Acc* LAGOM_RESTRICT logits, index_t n, token_id first_token) noexcept {
    for (index_t i = n; i % lanes<Acc>::width != 0; ++i) logits[i] = lowest;  // pad to whole vectors: masked
    const index_t padded = (n + lanes<Acc>::width - 1) / lanes<Acc>::width * lanes<Acc>::width;
    const Acc tile_max = clean(logits, padded);
    if (!(tile_max > softmax_stats<Acc>::masked_at)) return;
    if (stats_.top == no_token || tile_max > stats_.max) rescale(tile_max);
    add_exponentials(logits, padded);
    if (stats_.runner_up == no_token || tile_max > stats_.second) update_best(logits, n, first_token);
  }

  [[nodiscard]] LAGOM_HD softmax_stats<Acc> finish() const noexcept {
    softmax_stats<Acc> s = stats_;
    s.sum = static_cast<Acc>(sum_);
    s.weighted = static_cast<Acc>(weighted_);
    s.max = s.count > 0 ? best_ : Acc(0);
    return s;
  }

 private:
  using bits = typename float_bits<Acc>::type;
  static constexpr Acc lowest = sizeof(Acc) == 4 ? Acc(-3.40282347e38) : Acc(-1.79769313486231571e308);

  /// Replaces NaN and infinities by `lowest`, flags NaN and +infinity, counts what is not masked, and returns
  /// the maximum. Integer tests: fast-math cannot remove them.
  LAGOM_HD Acc clean(Acc* LAGOM_RESTRICT logits, index_t padded) noexcept {
    constexpr bits infinity = float_bits<Acc>::infinity;
    constexpr bits minus_infinity = infinity | ~float_bits<Acc>::magnitude_mask;
    constexpr auto width = lanes<Acc>::width;
    Acc max[lanes<Acc>::count];
    bits bad[lanes<Acc>::count];
    bits unmasked[lanes<Acc>::count];
    for (index_t j = 0; j < width; ++j) {
      max[j] = lowest;
      bad[j] = 0;
      unmasked[j] = 0;
    }
    for (index_t i = 0; i < padded; i += width) {
      for (index_t j = 0; j < width; ++j) {
        const bits b = bit_cast<bits>(logits[i + j]);
        const bits special = (b & infinity) == infinity ? ~bits{0} : bits{0};
        bad[j] |= b != minus_infinity ? special : bits{0};
        const Acc z = bit_cast<Acc>((b & ~special) | (bit_cast<bits>(lowest) & special));
        logits[i + j] = z;
        unmasked[j] += z > softmax_stats<Acc>::masked_at ? bits{1} : bits{0};
        max[j] = z > max[j] ? z : max[j];
      }
    }
    Acc result = max[0];
    bits any_bad = bad[0];
    bits count = unmasked[0];
    for (index_t j = 1; j < width; ++j) {
      result = max[j] > result ? max[j] : result;
      any_bad |= bad[j];
      count += unmasked[j];
    }
    stats_.bad = stats_.bad || any_bad != 0;
    stats_.count += static_cast<std::int64_t>(count);
    return result;
  }

  /// Makes `max` the reference of the sums.
  LAGOM_HD void rescale(Acc max) noexcept {
    if (stats_.top != no_token) {
      const Acc shift = best_ - max;
      const Acc scale = exp_nonpositive(shift);
      weighted_ = scale > 0 ? scale * (weighted_ + shift * sum_) : 0;
      sum_ *= scale;
    }
    best_ = max;
    stats_.max = max;
  }

  LAGOM_HD void add_exponentials(const Acc* LAGOM_RESTRICT logits, index_t padded) noexcept {
    constexpr auto width = lanes<Acc>::width;
    const Acc max = best_;
    lanes<Acc> sum, weighted;
    for (index_t i = 0; i < padded; i += width) {
      for (index_t j = 0; j < width; ++j) {
        const Acc shifted = exp_clamp(logits[i + j] - max);
        const Acc e = exp_of_clamped(shifted);
        sum.value[j] += e;
        weighted.value[j] += shifted * e;
      }
    }
    sum_ += static_cast<double>(sum.total());
    weighted_ += static_cast<double>(weighted.total());
  }

  /// Ascending ids and strict comparisons: ties stay with the lowest id.
  LAGOM_HD void update_best(const Acc* logits, index_t n, token_id first_token) noexcept {
    for (index_t i = 0; i < n; ++i) {
      const Acc z = logits[i];
      if (!(z > softmax_stats<Acc>::masked_at)) continue;
      const auto token = static_cast<token_id>(first_token + i);
      if (stats_.top == no_token || z > top_logit_) {
        stats_.second = top_logit_;
        stats_.runner_up = stats_.top;
        top_logit_ = z;
        stats_.top = token;
      } else if (stats_.runner_up == no_token || z > stats_.second) {
        stats_.second = z;
        stats_.runner_up = token;
      }
    }
  }

  softmax_stats<Acc> stats_{};
  double sum_ = 0;
  double weighted_ = 0;
  Acc best_ = 0;       // reference of the sums
  Acc top_logit_ = 0;  // logit of stats_.top
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
