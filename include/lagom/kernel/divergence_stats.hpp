// SPDX-License-Identifier: MIT
/// @file kernel/divergence_stats.hpp
/// The mergeable value behind the divergences of two distributions over the same tokens.
#pragma once

#include "divergence_terms.hpp"

namespace lagom {
inline namespace v0 {

/// How far apart p and q are, m = (p + q) / 2: plain sums over tokens, so that tiles, threads and shards of a vocabulary
/// join by addition. Built from log-probabilities by `push`, from logits by `divergence_of` and `unembed_divergence`. The
/// default value is the identity of `merge`. Natural logarithm throughout.
///
/// - **Nearly equal** distributions keep their digits: no term cancels another. Errors that all logarithms of p (or q) share
///   enter squared.
/// - **Masked** in one of them (a logarithm at or below `masked_at`, -infinity): KL of the other from it is infinite; the
///   bounded divergences stay as they are. Masked in both: no part of the distributions.
/// - **Not valid** (NaN, +infinity, or one of the two without any unmasked token): every divergence answers with its largest
///   value, so that a rule that asks for closeness does not stop. The largest number of T stands for infinity.
template <std::floating_point T = float>
struct divergence_stats {
  static constexpr T masked_at = sizeof(T) == 4 ? T(-3.0e38) : T(-1.0e308);
  static constexpr T largest = sizeof(T) == 4 ? T(3.40282347e38) : T(1.79769313486231571e308);
  static constexpr T ln2 = T(0.69314718055994530942);

  T forward = 0;              ///< sum of p ln(p / q) - p + q
  T backward = 0;             ///< sum of q ln(q / p) - q + p
  T middle = 0;               ///< sum of (p ln(p / m) + q ln(q / m)) / 2
  T outward = 0;              ///< sum of m (ln(m / p) + ln(m / q)) / 2
  T mixture = 0;              ///< sum of -m ln m
  std::int64_t p_tokens = 0;  ///< tokens that p does not mask
  std::int64_t q_tokens = 0;  ///< tokens that q does not mask
  std::int64_t shared = 0;    ///< tokens that neither masks
  bool bad = false;           ///< NaN or +infinity seen

  /// Adds one token, by the logarithms of its probabilities.
  LAGOM_LEAF void push(T log_p, T log_q) noexcept { push(log_p, log_q, log_p - log_q); }
  /// The same where ln p - ln q is known better than as the difference of the two.
  LAGOM_LEAF void push(T log_p, T log_q, T difference) noexcept {
    const kind a = kind_of(log_p), b = kind_of(log_q);
    bad = bad || a == kind::bad || b == kind::bad;
    if (bad) return;
    p_tokens += a == kind::counted ? 1 : 0;
    q_tokens += b == kind::counted ? 1 : 0;
    if (a == kind::counted && b == kind::counted) {
      ++shared;
      const auto t = detail::divergence_terms<T>::of(log_p, log_q, difference);
      forward += t.forward;
      backward += t.backward;
      middle += t.middle;
      outward += t.outward;
      mixture += t.mixture;
    } else if (a == kind::counted || b == kind::counted) {
      const T log_one = a == kind::counted ? log_p : log_q;
      const T one = exp_nonpositive(log_one);
      (a == kind::counted ? backward : forward) += one;
      middle += one / 2 * ln2;
      mixture -= one / 2 * (log_one - ln2);
    }
  }

  /// Adds the sums of other tokens.
  LAGOM_LEAF constexpr void merge(const divergence_stats& o) noexcept {
    forward += o.forward;
    backward += o.backward;
    middle += o.middle;
    outward += o.outward;
    mixture += o.mixture;
    p_tokens += o.p_tokens;
    q_tokens += o.q_tokens;
    shared += o.shared;
    bad = bad || o.bad;
  }

  /// Are there two distributions to compare?
  [[nodiscard]] LAGOM_LEAF constexpr bool valid() const noexcept {
    return p_tokens > 0 && q_tokens > 0 && !bad;
  }

  /// KL(p || q) = sum p ln(p / q).
  [[nodiscard]] LAGOM_LEAF constexpr T forward_kl() const noexcept {
    return valid() && shared == p_tokens ? not_negative(forward) : largest;
  }
  /// KL(q || p) = sum q ln(q / p).
  [[nodiscard]] LAGOM_LEAF constexpr T backward_kl() const noexcept {
    return valid() && shared == q_tokens ? not_negative(backward) : largest;
  }
  /// (KL(p || m) + KL(q || m)) / 2, in [0, ln 2] (Lin 1991). ln 2 for distributions without a common token.
  [[nodiscard]] LAGOM_LEAF constexpr T jensen_shannon() const noexcept {
    return valid() && middle < ln2 ? not_negative(middle) : ln2;
  }
  /// (CE(p, m) + CE(q, m)) / 2, which is the entropy of m: Jensen-Shannon plus the mean entropy of p and q.
  [[nodiscard]] LAGOM_LEAF constexpr T mixture_cross_entropy() const noexcept {
    return valid() ? not_negative(mixture) : largest;
  }
  /// (KL(m || p) + KL(m || q)) / 2: Jensen-Shannon with both halves turned round. Not bounded.
  [[nodiscard]] LAGOM_LEAF constexpr T outward_divergence() const noexcept {
    return valid() && shared == p_tokens && shared == q_tokens ? not_negative(outward) : largest;
  }

 private:
  enum class kind { counted, masked, bad };

  LAGOM_LEAF static kind kind_of(T log_p) noexcept {
    constexpr auto infinity = float_bits<T>::infinity;
    const auto bits = bits_of(&log_p);
    if ((bits & infinity) == infinity)
      return bits == (infinity | ~float_bits<T>::magnitude_mask) ? kind::masked : kind::bad;
    return log_p > masked_at ? kind::counted : kind::masked;
  }
  LAGOM_LEAF static constexpr T not_negative(T x) noexcept { return x > 0 ? x : T(0); }
};

}  // namespace v0
}  // namespace lagom
