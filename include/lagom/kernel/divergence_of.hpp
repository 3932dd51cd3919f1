// SPDX-License-Identifier: MIT
/// @file kernel/divergence_of.hpp
/// Divergences of the softmax distributions of two rows of ready logits.
#pragma once

#include "divergence_stats.hpp"
#include "softmax_stats_of.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Consumes tiles of two rows of logits whose normalisers are known. Ordinary tiles go through a vector loop, others token
/// by token. Tile sums are added in double.
template <backend B, std::floating_point Acc>
class divergence_accumulator {
 public:
  static constexpr index_t tile = 512;

  LAGOM_HD divergence_accumulator(const softmax_stats<Acc>& p, const softmax_stats<Acc>& q) noexcept
      : p_max_(p.max), q_max_(q.max), comparable_(p.valid() && q.valid()) {
    sums_.bad = p.bad || q.bad;
    if (!comparable_) return;
    p_log_sum_ = p.log_sum();
    q_log_sum_ = q.log_sum();
    offset_ = (static_cast<double>(p.max) - static_cast<double>(q.max)) +
              (detail::log(static_cast<double>(p.sum)) - detail::log(static_cast<double>(q.sum)));
  }

  /// Are there two distributions? If not, nothing that is pushed counts.
  [[nodiscard]] LAGOM_LEAF bool comparable() const noexcept { return comparable_; }

  /// Adds `n` <= tile tokens.
  LAGOM_HD void push(const Acc* LAGOM_RESTRICT p, const Acc* LAGOM_RESTRICT q, index_t n) noexcept {
    if (!comparable_) return;
    constexpr index_t width = lanes<Acc>::width;
    Acc difference[static_cast<std::size_t>(tile)];  // in memory, where fast-math cannot take it apart again
    const bool ordinary = subtract(p, q, n, difference);
    const index_t whole = ordinary ? n / width * width : 0;
    add(p, q, difference, whole);
    for (index_t i = whole; i < n; ++i) push_one(p[i], q[i]);
  }

  [[nodiscard]] LAGOM_HD divergence_stats<Acc> finish() const noexcept {
    divergence_stats<Acc> s;
    s.forward = static_cast<Acc>(sums_.forward);
    s.backward = static_cast<Acc>(sums_.backward);
    s.middle = static_cast<Acc>(sums_.middle);
    s.outward = static_cast<Acc>(sums_.outward);
    s.mixture = static_cast<Acc>(sums_.mixture);
    s.p_tokens = sums_.p_tokens;
    s.q_tokens = sums_.q_tokens;
    s.shared = sums_.shared;
    s.bad = sums_.bad;
    return s;
  }

 private:
  using bits = typename float_bits<Acc>::type;
  /// Two logits of this size have a difference.
  static constexpr Acc far = sizeof(Acc) == 4 ? Acc(1e38) : Acc(4e307);

  /// Have all pairs a difference?
  LAGOM_HD static bool subtract(const Acc* LAGOM_RESTRICT p, const Acc* LAGOM_RESTRICT q, index_t n,
                                Acc* LAGOM_RESTRICT difference) noexcept {
    bits largest = 0;
    for (index_t i = 0; i < n; ++i) {
      const bits a = bit_cast<bits>(p[i]) & float_bits<Acc>::magnitude_mask;
      const bits b = bit_cast<bits>(q[i]) & float_bits<Acc>::magnitude_mask;
      const bits m = a > b ? a : b;
      largest = m > largest ? m : largest;
      difference[i] = p[i] - q[i];
    }
    return largest < bit_cast<bits>(far);
  }

  LAGOM_HD void add(const Acc* LAGOM_RESTRICT p, const Acc* LAGOM_RESTRICT q,
                    const Acc* LAGOM_RESTRICT difference, index_t n) noexcept {
    constexpr index_t width = lanes<Acc>::width;
    lanes<Acc> forward, backward, middle, outward, mixture;
    const Acc p_max = p_max_, q_max = q_max_, p_log = p_log_sum_, q_log = q_log_sum_;
    const auto offset = static_cast<Acc>(offset_);
    for (index_t i = 0; i < n; i += width) {
      for (index_t j = 0; j < width; ++j) {
        const auto t = divergence_terms<Acc>::of(p[i + j] - p_max - p_log, q[i + j] - q_max - q_log,
                                                 difference[i + j] - offset);
        forward.value[j] += t.forward;
        backward.value[j] += t.backward;
        middle.value[j] += t.middle;
        outward.value[j] += t.outward;
        mixture.value[j] += t.mixture;
      }
    }
    sums_.forward += static_cast<double>(forward.total());
    sums_.backward += static_cast<double>(backward.total());
    sums_.middle += static_cast<double>(middle.total());
    sums_.outward += static_cast<double>(outward.total());
    sums_.mixture += static_cast<double>(mixture.total());
    sums_.p_tokens += n;
    sums_.q_tokens += n;
    sums_.shared += n;
  }

  LAGOM_HD void push_one(Acc a, Acc b) noexcept {
    sums_.push(log_probability(a, p_max_, static_cast<double>(p_log_sum_)),
               log_probability(b, q_max_, static_cast<double>(q_log_sum_)),
               rounded(finite(a) - finite(b)) - offset_);
  }
  /// What is no number, or masked, as `divergence_stats<double>` knows it.
  LAGOM_HD static double log_probability(Acc z, Acc max, double log_sum) noexcept {
    if (!is_finite(&z)) return static_cast<double>(z);
    if (!(z > softmax_stats<Acc>::masked_at)) return divergence_stats<double>::masked_at;
    return finite(z) - finite(max) - log_sum;
  }
  /// Differences of these are finite.
  LAGOM_HD static double finite(Acc z) noexcept {
    constexpr double most = 8e307;
    const auto x = static_cast<double>(z);
    if (!is_finite(&x)) return 0;
    return x > most ? most : x < -most ? -most : x;
  }

  divergence_stats<double> sums_{};
  double offset_ = 0;  // ln p - ln q = (p's logit - q's logit) - offset
  Acc p_max_, q_max_, p_log_sum_ = 0, q_log_sum_ = 0;
  bool comparable_;
};

template <backend B, scalar P, scalar Q, std::floating_point Acc>
LAGOM_HD divergence_stats<Acc> divergence_portable(vec_view<const P> p, vec_view<const Q> q,
                                                   const softmax_stats<Acc>& p_stats,
                                                   const softmax_stats<Acc>& q_stats) noexcept {
  using accumulator = divergence_accumulator<B, Acc>;
  accumulator sums(p_stats, q_stats);
  if (!sums.comparable()) return sums.finish();
  Acc p_tile[accumulator::tile], q_tile[accumulator::tile];
  for (index_t first = 0; first < p.size(); first += accumulator::tile) {
    const index_t n = p.size() - first < accumulator::tile ? p.size() - first : accumulator::tile;
    for (index_t i = 0; i < n; ++i) p_tile[i] = static_cast<Acc>(p[first + i]);
    for (index_t i = 0; i < n; ++i) q_tile[i] = static_cast<Acc>(q[first + i]);
    sums.push(p_tile, q_tile, n);
  }
  return sums.finish();
}

struct divergence_of_fn {
  LAGOM_HD_UNCHECKED
  template <backend B, tensor<1> P, tensor<1> Q>
  LAGOM_HD auto operator()(const B& b, const P& p_logits, const Q& q_logits) const noexcept {
    return (*this)(b, p_logits, q_logits, softmax_stats_of(b, p_logits, 0, without_entropy{}),
                   softmax_stats_of(b, q_logits, 0, without_entropy{}));
  }

  LAGOM_HD_UNCHECKED
  template <backend B, tensor<1> P, tensor<1> Q, std::floating_point Acc>
  LAGOM_HD auto operator()(const B& b, const P& p_logits, const Q& q_logits,
                           const softmax_stats<Acc>& p_stats,
                           const softmax_stats<Acc>& q_stats) const noexcept {
    const auto p = as_vec(p_logits);
    const auto q = as_vec(q_logits);
    static_assert(std::same_as<accumulator_t<typename decltype(p)::value_type>, Acc> &&
                      std::same_as<accumulator_t<typename decltype(q)::value_type>, Acc>,
                  "divergence_of: both rows and their statistics are of one accumulator type");
    LAGOM_ASSERT(p.size() == q.size());
    if constexpr (requires { b.divergence_of(p, q, p_stats, q_stats); }) {
      return b.divergence_of(p, q, p_stats, q_stats);
    } else {
      return divergence_portable<B>(p, q, p_stats, q_stats);
    }
  }
};

}  // namespace detail

/// `divergence_of(backend, p_logits, q_logits)`, `divergence_of(backend, p_logits, q_logits, p_stats, q_stats)`: KL both
/// ways, Jensen-Shannon and their relatives of two softmax distributions, as a `divergence_stats`.
///
/// A mixture of two distributions needs both normalisers, so the logits are passed twice; once where their `softmax_stats`
/// are known. Shards of a vocabulary are summed apart under the statistics of the whole, and merged.
/// Reads float, double, bf16, f16, strided or not. Masks, NaN, empty rows: see `divergence_stats`. In float, of exact
/// logits: off by at most 2e-6 and 1e-5 of the value, and where the distributions are nearly equal, at Jensen-Shannon
/// divergence J < 0.01, by 1e-5 J + 2e-13, and 1e-7 c sqrt(J) if the logits of one lie higher by a constant c.
/// Cost: three exponentials a token, five without statistics; no allocation. Overridden by a backend's `divergence_of(p, q, p_stats, q_stats)`.
/// Preconditions: equal sizes; the statistics are those of the same logits.
LAGOM_OBJECT detail::divergence_of_fn divergence_of{};

}  // namespace v0
}  // namespace lagom
