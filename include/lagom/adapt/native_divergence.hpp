// SPDX-License-Identifier: MIT
/// @file adapt/native_divergence.hpp
/// Divergences in vector instructions: of two rows of ready logits, and of two states a few rows of the head at a time, for one
/// state from memory, for the other from cache.
#pragma once

#include "../kernel/unembed_divergence.hpp"
#include "native_unembed.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// first x^n + ... + last, by Horner.
template <class S, class... Cs>
LAGOM_INLINE typename S::vec native_polynomial(typename S::vec x, float first, Cs... others) noexcept {
  auto sum = S::set(first);
  ((sum = S::fma(sum, x, S::set(others))), ...);
  return sum;
}

/// Consumes logits of p and q whose normalisers are known, as `divergence_accumulator` does, which is given what is not
/// ordinary: tiles with masks, NaN, infinities show in their sums, or in their smallest logarithm, and count for nothing here.
///
/// Two exponentials a token and no division: with P the larger of the two probabilities, S = r P the smaller, far = -ln r,
/// m = (P + S) / 2 and l = ln(m / P), the larger's term of relative entropy is P far - P + S, the smaller's P - S - S far,
/// outward m (l + far / 2), middle (P - S) far / 4 - outward = -(m l + S far / 2), mixture -m (ln P + l). Where far < 1 these
/// are series in it (near-minimax, relative errors to 1.1e-7), whose terms do not cancel: with P - S = P far (1 - far h),
/// h = (r - 1 + far) / far^2, the first two are P far^2 h and P far^2 (1 - (1 + far) h).
template <target Target, backend B>
class native_divergence_accumulator {
  using S = simd<Target>;
  using vec = typename S::vec;
  using portable_accumulator = divergence_accumulator<B, float>;

 public:
  /// Logits a tile.
  static constexpr index_t tile = portable_accumulator::tile;

  LAGOM_INLINE native_divergence_accumulator(const softmax_stats<float>& p,
                                             const softmax_stats<float>& q) noexcept
      : other_(p, q) {
    if (!other_.comparable()) return;
    const auto usual = [](float max) { return -1e37f < max && max < 1e37f; };
    ordinary_ = usual(p.max) && usual(q.max);
    p_max_ = p.max, q_max_ = q.max;
    p_log_sum_ = p.log_sum(), q_log_sum_ = q.log_sum();
    offset_ = static_cast<float>((static_cast<double>(p.max) - static_cast<double>(q.max)) +
                                 (log(static_cast<double>(p.sum)) - log(static_cast<double>(q.sum))));
  }

  [[nodiscard]] LAGOM_INLINE bool comparable() const noexcept { return other_.comparable(); }

  /// Adds `n` <= tile tokens.
  template <class P, class Q>
  LAGOM_INLINE void push(const P* p, const Q* q, index_t n) noexcept {
    if (!other_.comparable()) return;
    if (!ordinary_ || !add(p, q, n)) careful(p, q, n);
  }

  [[nodiscard]] LAGOM_INLINE divergence_stats<float> finish() const noexcept {
    divergence_stats<float> s = other_.finish();
    s.forward += static_cast<float>(forward_.total());
    s.backward += static_cast<float>(backward_.total());
    s.middle += static_cast<float>(middle_.total());
    s.outward += static_cast<float>(outward_.total());
    s.mixture += static_cast<float>(mixture_.total());
    s.p_tokens += tokens_;
    s.q_tokens += tokens_;
    s.shared += tokens_;
    return s;
  }

 private:
  /// Of as many tokens as there are lanes, `middle` and `mixture` with the other sign; `least` is the smaller logarithm.
  struct terms {
    vec forward = S::zero(), backward = S::zero(), middle = S::zero(), outward = S::zero(),
        mixture = S::zero(), least = S::zero();
  };

  /// e^x for x <= 0, 0 far below.
  LAGOM_INLINE static vec power(vec x) noexcept {
    if constexpr (S::scales_any_exponent) {
      return native_exp<S>(S::max(x, S::set(-200.0f)));
    } else {
      const vec lowest = S::set(-87.0f);
      return S::choose(S::above(x, lowest), native_exp<S>(S::max(x, lowest)), S::zero());
    }
  }

  LAGOM_INLINE terms of(vec x, vec y) const noexcept {
    const vec log_p = S::sub(S::sub(x, S::set(p_max_)), S::set(p_log_sum_));
    const vec log_q = S::sub(S::sub(y, S::set(q_max_)), S::set(q_log_sum_));
    const vec d = S::sub(S::rounded(S::sub(x, y)), S::set(offset_));
    const vec one = S::set(1.0f), half = S::set(0.5f), zero = S::zero();
    const vec far = S::max(d, S::sub(zero, d)), c = S::min(far, one), u = S::mul(c, c);
    const auto close = S::above(one, far), q_larger = S::above(zero, d);
    const vec log_most = S::max(log_p, log_q), after = S::add(one, far), half_far = S::mul(half, far);
    const vec most = power(log_most), ratio = power(S::sub(zero, far)), less = S::mul(most, ratio);
    const vec m = S::mul(half, S::add(most, less)), scaled = S::mul(most, u);
    // (e^-c - 1 + c) / c^2; ln cosh(c / 2); ln((1 + r) / 2).
    const vec h = native_polynomial<S>(c, -1.37656753e-4f, 1.32539996e-3f, -8.30168091e-3f, 4.16594371e-2f,
                                       -1.66666061e-1f, 5.0e-1f);
    const vec log_cosh =
        S::mul(u, native_polynomial<S>(u, -2.25473413e-5f, 3.44942848e-4f, -5.20788278e-3f, 1.24999985e-1f));
    const vec r = S::min(ratio, S::set(0.36787944f));
    const vec log_m = native_polynomial<S>(r, -6.38525411e-2f, 1.59168407e-1f, -2.41123125e-1f,
                                           3.32314163e-1f, -4.99945104e-1f, 9.99998987e-1f, -6.93147181e-1f);
    const vec above = S::choose(close, S::mul(scaled, h), S::fma(most, S::sub(far, one), less));
    const vec below = S::choose(close, S::mul(scaled, S::negated_product_plus(after, h, one)),
                                S::negated_product_plus(less, after, most));
    const vec outward = S::mul(m, S::choose(close, log_cosh, S::add(half_far, log_m)));
    const vec quarter = S::mul(S::set(0.25f), S::mul(scaled, S::negated_product_plus(far, h, one)));
    terms t;
    t.forward = S::choose(q_larger, below, above);
    t.backward = S::choose(q_larger, above, below);
    t.middle = S::choose(close, S::sub(outward, quarter), S::fma(m, log_m, S::mul(less, half_far)));
    t.outward = outward;
    t.mixture = S::mul(m, S::add(log_most, S::choose(close, S::sub(log_cosh, half_far), log_m)));
    t.least = S::min(log_p, log_q);
    return t;
  }

  /// False: something is not ordinary, and nothing was added.
  template <class P, class Q>
  LAGOM_INLINE bool add(const P* p, const Q* q, index_t n) noexcept {
    terms sum;
    const index_t whole = n / S::width * S::width;
    for (index_t i = 0; i < whole; i += S::width) {
      const terms t = of(S::load(p + i), S::load(q + i));
      sum.forward = S::add(sum.forward, t.forward);
      sum.backward = S::add(sum.backward, t.backward);
      sum.middle = S::sub(sum.middle, t.middle);
      sum.outward = S::add(sum.outward, t.outward);
      sum.mixture = S::sub(sum.mixture, t.mixture);
      sum.least = S::min(sum.least, t.least);
    }
    if (whole < n) {
      alignas(64) float x[static_cast<std::size_t>(S::width)], y[static_cast<std::size_t>(S::width)];
      for (index_t j = 0; j < S::width; ++j) {
        const index_t i = whole + j < n ? whole + j : n - 1;
        x[j] = static_cast<float>(p[i]);
        y[j] = static_cast<float>(q[i]);
      }
      const std::uint32_t there = (1u << (n - whole)) - 1u;
      const terms t = of(S::load(x), S::load(y));
      const auto counted = [&](vec v) { return S::select(there, v, S::zero()); };
      sum.forward = S::add(sum.forward, counted(t.forward));
      sum.backward = S::add(sum.backward, counted(t.backward));
      sum.middle = S::sub(sum.middle, counted(t.middle));
      sum.outward = S::add(sum.outward, counted(t.outward));
      sum.mixture = S::sub(sum.mixture, counted(t.mixture));
      sum.least = S::min(sum.least, t.least);
    }
    const vec all =
        S::add(S::add(S::add(sum.forward, sum.backward), S::add(sum.middle, sum.outward)), sum.mixture);
    if (S::special(all) != 0 || S::greater(S::set(-1e37f), sum.least) != 0) return false;
    forward_.push(sum.forward);
    backward_.push(sum.backward);
    middle_.push(sum.middle);
    outward_.push(sum.outward);
    mixture_.push(sum.mixture);
    tokens_ += n;
    return true;
  }

  /// Any logits.
  template <class P, class Q>
  __attribute__((noinline)) void careful(const P* p, const Q* q, index_t n) noexcept {
    float x[static_cast<std::size_t>(tile)], y[static_cast<std::size_t>(tile)];
    for (index_t i = 0; i < n; ++i) x[i] = static_cast<float>(p[i]);
    for (index_t i = 0; i < n; ++i) y[i] = static_cast<float>(q[i]);
    other_.push(x, y, n);
  }

  portable_accumulator other_;
  typename S::wide forward_, backward_, middle_, outward_, mixture_;
  float p_max_ = 0, q_max_ = 0, p_log_sum_ = 0, q_log_sum_ = 0, offset_ = 0;
  bool ordinary_ = false;
  index_t tokens_ = 0;
};

/// Two rows of ready logits.
template <target Target, backend B, class P, class Q>
__attribute__((noinline)) divergence_stats<float> native_divergence(
    const P* p, const Q* q, index_t n, const softmax_stats<float>& p_stats,
    const softmax_stats<float>& q_stats) noexcept {
  using accumulator = native_divergence_accumulator<Target, B>;
  accumulator sums(p_stats, q_stats);
  for (index_t first = 0; first < n; first += accumulator::tile) {
    const index_t left = n - first;
    sums.push(p + first, q + first, left < accumulator::tile ? left : accumulator::tile);
  }
  return sums.finish();
}

/// The divergence of the rows first ... first + n - 1 of a head.
template <target Target, backend B, class Products>
__attribute__((noinline)) divergence_stats<float> native_divergence_shard(const Products& p,
                                                                          const Products& q,
                                                                          const softmax_stats<float>& p_stats,
                                                                          const softmax_stats<float>& q_stats,
                                                                          index_t first, index_t n) noexcept {
  using accumulator = native_divergence_accumulator<Target, B>;
  constexpr index_t group = 8;
  accumulator sums(p_stats, q_stats);
  alignas(64) float p_logits[static_cast<std::size_t>(accumulator::tile)];
  alignas(64) float q_logits[static_cast<std::size_t>(accumulator::tile)];
  for (index_t done = 0; done < n; done += accumulator::tile) {
    const index_t rows = n - done < accumulator::tile ? n - done : accumulator::tile;
    for (index_t r = 0; r < rows; r += group) {
      const index_t some = rows - r < group ? rows - r : group;
      p(first + done + r, some, p_logits + r);
      q(first + done + r, some, q_logits + r);
    }
    sums.push(p_logits, q_logits, rows);
  }
  return sums.finish();
}

template <target Target, backend B, scalar H, head_view Head, executor Run>
divergence_stats<float> native_unembed_divergence(const B& b, vec_view<const H> p_hidden,
                                                  vec_view<const H> q_hidden, const Head& to,
                                                  const softmax_stats<float>& p_stats,
                                                  const softmax_stats<float>& q_stats, Run&& run) {
  if (!native_reads(to)) return divergence_over_shards(b, p_hidden, q_hidden, to, p_stats, q_stats, run);
  divergence_stats<float> sum;
  sum.bad = p_stats.bad || q_stats.bad;
  if (!p_stats.valid() || !q_stats.valid()) return sum;
  const native_products<Target, Head> p(b, p_hidden, to), q(b, q_hidden, to);
  const shards cut{to.rows.rows()};
  divergence_stats<float> parts[shards::most];
  run(cut.count(), [&](index_t shard) {
    parts[shard] =
        native_divergence_shard<Target, B>(p, q, p_stats, q_stats, cut.first(shard), cut.rows_of(shard));
  });
  for (index_t shard = 0; shard < cut.count(); ++shard) sum.merge(parts[shard]);
  return sum;
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
