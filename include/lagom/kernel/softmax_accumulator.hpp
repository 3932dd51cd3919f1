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

/// Consumes logits a tile at a time, in order of token id, each tile in two vector passes over L1: look for the
/// maximum and for what is not ordinary, then exponentials. Sums are rescaled when the maximum grows. Tile sums are
/// added in double, so the error of log(sum) does not grow with the vocabulary.
template <backend B, std::floating_point Acc, bool Entropy = true>
class softmax_accumulator {
 public:
  /// Logits a tile. Fixed: sums depend on the vocabulary alone.
  static constexpr index_t tile = 512;

  /// Adds `n` <= tile logits of tokens first_token ... first_token + n - 1. Overwrites `logits`, a buffer of whole
  /// vectors.
  LAGOM_HD void push(Acc* LAGOM_RESTRICT logits, index_t n, token_id first_token) noexcept {
    index_t padded = n;
    for (; padded % lanes<Acc>::width != 0; ++padded) logits[padded] = lowest;  // masked
    const looks seen = look(logits, padded);
    Acc tile_max = seen.max;
    if (seen.ordinary) {
      stats_.count += n;
    } else {
      tile_max = clean(logits, padded);
    }
    add(logits, n, padded, first_token, tile_max);
  }

  /// The same for logits that may not be written, if they are ordinary and whole vectors; false: nothing was added.
  LAGOM_HD bool push_ordinary(const Acc* LAGOM_RESTRICT logits, index_t n, token_id first_token) noexcept {
    if (n % lanes<Acc>::width != 0) return false;
    const looks seen = look(logits, n);
    if (!seen.ordinary) return false;
    stats_.count += n;
    add(logits, n, n, first_token, seen.max);
    return true;
  }

  [[nodiscard]] LAGOM_HD softmax_stats<Acc> finish() const noexcept {
    softmax_stats<Acc> s = stats_;
    s.sum = static_cast<Acc>(sum_);
    s.weighted = Entropy ? static_cast<Acc>(weighted_) : Acc(0);
    s.max = s.count > 0 ? best_ : Acc(0);
    return s;
  }

 private:
  using bits = typename float_bits<Acc>::type;
  static constexpr Acc lowest = sizeof(Acc) == 4 ? Acc(-3.40282347e38) : Acc(-1.79769313486231571e308);

  struct looks {
    Acc max;
    bool ordinary;  // neither NaN nor infinite nor as low as a mask
  };

  /// Integer maximum of the magnitudes: NaN and infinity are above every number.
  LAGOM_HD static looks look(const Acc* LAGOM_RESTRICT logits, index_t padded) noexcept {
    constexpr auto width = lanes<Acc>::width;
    Acc max[lanes<Acc>::count];
    bits magnitude[lanes<Acc>::count];
    for (index_t j = 0; j < width; ++j) {
      max[j] = lowest;
      magnitude[j] = 0;
    }
    for (index_t i = 0; i < padded; i += width) {
      for (index_t j = 0; j < width; ++j) {
        const Acc z = logits[i + j];
        const bits m = bit_cast<bits>(z) & float_bits<Acc>::magnitude_mask;
        magnitude[j] = m > magnitude[j] ? m : magnitude[j];
        max[j] = z > max[j] ? z : max[j];
      }
    }
    const bits largest = fold(magnitude, max_op{});
    return {fold(max, max_op{}), largest < bit_cast<bits>(-softmax_stats<Acc>::masked_at)};
  }

  LAGOM_HD void add(const Acc* LAGOM_RESTRICT logits, index_t n, index_t padded, token_id first_token,
                    Acc tile_max) noexcept {
    if (!(tile_max > softmax_stats<Acc>::masked_at)) return;
    if (stats_.top == no_token || tile_max > stats_.max) rescale(tile_max);
    add_exponentials(logits, padded);
    if (stats_.runner_up == no_token || tile_max > stats_.second) update_best(logits, n, first_token);
  }

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
    stats_.bad = stats_.bad || fold(bad, or_op{}) != 0;
    stats_.count += static_cast<std::int64_t>(fold(unmasked, add_op{}));
    return fold(max, max_op{});
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
        const Acc e = exp_summand(shifted);
        sum.value[j] += e;
        if constexpr (Entropy) weighted.value[j] += shifted * e;
      }
    }
    sum_ += static_cast<double>(sum.total());
    if constexpr (Entropy) weighted_ += static_cast<double>(weighted.total());
  }

  /// Ascending ids and strict comparisons: ties stay with the lowest id.
  LAGOM_HD void update_best(const Acc* logits, index_t n, token_id first_token) noexcept {
    constexpr auto width = lanes<Acc>::width;
    for (index_t first = 0; first < n; first += width) {
      const index_t end = n - first < width ? n : first + width;
      if (stats_.runner_up != no_token && end - first == width) {
        bits above = 0;
        for (index_t j = 0; j < width; ++j) above |= logits[first + j] > stats_.second ? bits{1} : bits{0};
        if (above == 0) continue;
      }
      for (index_t i = first; i < end; ++i) consider(logits[i], static_cast<token_id>(first_token + i));
    }
  }

  LAGOM_LEAF void consider(Acc z, token_id token) noexcept {
    if (!(z > softmax_stats<Acc>::masked_at)) return;
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

  softmax_stats<Acc> stats_{};
  double sum_ = 0;
  double weighted_ = 0;
  Acc best_ = 0;       // reference of the sums
  Acc top_logit_ = 0;  // logit of stats_.top
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
