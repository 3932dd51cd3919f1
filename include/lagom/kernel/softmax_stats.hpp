// SPDX-License-Identifier: MIT
/// @file kernel/softmax_stats.hpp
/// The mergeable value behind top_prob, gap, entropy and log-sum-exp.
#pragma once

#include "../core/math.hpp"

namespace lagom {
inline namespace v0 {

/// What a softmax over logits z comes down to, without the softmax: the maximum, the scaled sums, the two best
/// tokens. Built by `push`, joined by `merge`; parts may be lanes, tiles, threads, blocks of a device or shards
/// of a vocabulary. The default value is the identity of `merge`.
///
/// - Natural logarithm throughout. Ties go to the lowest token id, in any order of pushing and merging.
/// - **Masked**: a logit at or below `masked_at` (-infinity, or the lowest finite float that many engines mask
///   with) is not part of the distribution.
/// - **Flagged**: NaN or +infinity among the logits sets `bad`; the rest is then counted without them, and
///   `valid()` is false. A flagged statistic never stops a model, nor does one without any unmasked logit.
///
/// Log-sum-exp is kept as (max, sum) and entropy from max-shifted sums (Welford-like): neither overflows, and
/// the logarithm of the sum does not lose the digits that a large maximum would take.
template <std::floating_point T = float>
struct softmax_stats {
  /// Logits at or below this are masked.
  static constexpr T masked_at = sizeof(T) == 4 ? T(-3.0e38) : T(-1.0e308);

  T max = 0;                      ///< largest logit
  T sum = 0;                      ///< sum of e^(z - max)
  T weighted = 0;                 ///< sum of (z - max) e^(z - max)
  T second = 0;                   ///< second largest logit, when count > 1
  token_id top = no_token;        ///< token of `max`
  token_id runner_up = no_token;  ///< token of `second`
  std::int64_t count = 0;         ///< unmasked logits seen
  bool bad = false;               ///< NaN or +infinity seen

  /// Adds one logit.
  LAGOM_LEAF void push(T logit, token_id token) noexcept {
    softmax_stats one;
    const auto bits = bits_of(&logit);
    constexpr auto infinity = float_bits<T>::infinity;
    if ((bits & infinity) == infinity) {
      constexpr auto sign = ~float_bits<T>::magnitude_mask;
      one.bad = bits != (infinity | sign);
    } else if (logit > masked_at) {
      one.max = logit;
      one.sum = 1;
      one.top = token;
      one.count = 1;
    }
    merge(one);
  }

  /// Adds the statistics of other tokens.
  LAGOM_LEAF constexpr void merge(const softmax_stats& other) noexcept {
    bad = bad || other.bad;
    if (other.count == 0) return;
    if (count == 0) {
      const bool flag = bad;
      *this = other;
      bad = flag;
      return;
    }
    const softmax_stats& lead = better(other.max, other.top, max, top) ? other : *this;
    const softmax_stats& rest = &lead == this ? other : *this;
    const T shift = rest.max - lead.max;  // <= 0; a difference beyond the range saturates in exp
    const T scale = exp_nonpositive(shift);
    softmax_stats joined = lead;
    joined.sum += scale * rest.sum;
    joined.weighted += scale > 0 ? scale * (rest.weighted + shift * rest.sum) : T(0);
    if (lead.count == 1 || better(rest.max, rest.top, lead.second, lead.runner_up)) {
      joined.second = rest.max;
      joined.runner_up = rest.top;
    }
    joined.count += rest.count;
    joined.bad = bad;
    *this = joined;
  }

  /// Is there a distribution: at least one unmasked logit, no NaN, no +infinity?
  [[nodiscard]] LAGOM_LEAF constexpr bool valid() const noexcept { return count > 0 && !bad; }

  /// Probability of the best token, p(1) = 1 / sum. 0 when not valid.
  [[nodiscard]] LAGOM_LEAF constexpr T top_prob() const noexcept { return valid() ? 1 / sum : T(0); }
  /// Probability of the second best token; 0 when there is none.
  [[nodiscard]] LAGOM_LEAF constexpr T second_prob() const noexcept {
    return valid() && count > 1 ? exp_nonpositive(second - max) / sum : T(0);
  }
  /// p(1) - p(2); 1 for a one-token distribution, 0 when not valid.
  [[nodiscard]] LAGOM_LEAF constexpr T gap() const noexcept {
    if (!valid()) return 0;
    return count > 1 ? (1 - exp_nonpositive(second - max)) / sum : T(1);
  }
  /// log of the sum of e^(z - max). Precondition: valid().
  [[nodiscard]] LAGOM_LEAF T log_sum() const noexcept { return detail::log(sum); }
  /// log of the sum of e^z. Precondition: valid().
  [[nodiscard]] LAGOM_LEAF T log_sum_exp() const noexcept { return max + log_sum(); }
  /// -sum p ln p, in nats: in [0, ln count]. Where flagged, ln of what was counted (the least certain of it); 0 for
  /// fewer than two counted logits. Look at valid() first.
  [[nodiscard]] LAGOM_LEAF T entropy() const noexcept {
    if (count < 2) return 0;
    if (bad) return detail::log(static_cast<T>(count));
    const T h = log_sum() - weighted / sum;
    return h > 0 ? h : T(0);
  }
  /// Probability of any token with this logit. Precondition: valid() and logit <= max.
  [[nodiscard]] LAGOM_LEAF constexpr T prob(T logit) const noexcept {
    return logit > masked_at ? exp_nonpositive(logit - max) / sum : T(0);
  }

 private:
  /// (value, then lowest id): the order in which ties are broken.
  LAGOM_LEAF static constexpr bool better(T a, token_id a_id, T b, token_id b_id) noexcept {
    return a > b || (!(b > a) && a_id < b_id);
  }
};

}  // namespace v0
}  // namespace lagom
