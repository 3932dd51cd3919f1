// SPDX-License-Identifier: MIT
/// @file adapt/native_softmax.hpp
/// One-pass softmax statistics in vector instructions.
#pragma once

#include "../kernel/softmax_stats.hpp"
#include "native_simd.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Consumes logits in order of token id. A tile is read once: its exponentials are taken against the largest logit of
/// the tiles before, which is good as long as its own is not far above. Whatever is not ordinary (masks, NaN,
/// infinities, a jump of the maximum) shows in the tile's sums, and the tile is done again with care. Of the tiles only
/// the two with the largest maxima can hold the two best tokens: these are searched when all is read, or before their
/// memory is written again (`settle`). Tile sums are added in double.
template <target Target, bool Entropy, class Z = float>
class native_accumulator {
  using S = simd<Target>;
  using vec = typename S::vec;

 public:
  /// Logits a tile. Fixed: sums depend on the vocabulary alone.
  static constexpr index_t tile = 512;

  /// Adds `n` logits of the tokens from first_token on. They stay where they are until `settle`.
  LAGOM_INLINE void push(const Z* z, index_t n, token_id first_token) noexcept {
    index_t first = 0;
    for (; first + tile <= n; first += tile) push_tile({0, z + first, tile, token_at(first_token, first)});
    const index_t whole = (n - first) / step * step;
    if (whole > 0) push_tile({0, z + first, whole, token_at(first_token, first)});
    first += whole;
    if (first < n) careful({0, z + first, n - first, token_at(first_token, first)});
  }

  /// Lets go of the memory of what was pushed.
  LAGOM_INLINE void settle() noexcept {
    if (best_.n > 0) update_best(best_);
    if (next_.n > 0) update_best(next_);
    best_ = next_ = {};
    bar_ = stats_.runner_up != no_token ? stats_.second : lowest;
  }

  [[nodiscard]] LAGOM_INLINE softmax_stats<float> finish() noexcept {
    settle();
    softmax_stats<float> s = stats_;
    if (s.count == 0) return s;
    // The sums refer to the largest logit when their last tile began; the result refers to the largest of all.
    const double shift = static_cast<double>(reference_) - static_cast<double>(s.max);
    const double scale = exp_nonpositive(shift);
    const double sum = sum_.total();
    s.sum = static_cast<float>(scale * sum);
    s.weighted = Entropy ? static_cast<float>(scale * (weighted_.total() + shift * sum)) : 0.0f;
    return s;
  }

 private:
  struct part {
    float max = 0;
    const Z* z = nullptr;
    index_t n = 0;
    token_id first_token = 0;
  };

  static constexpr index_t step = 2 * S::width;
  static constexpr float lowest = -3.40282347e38f;
  static constexpr float far_above = 40.0f;  // e^40 of a whole tile is still a float

  LAGOM_INLINE static token_id token_at(token_id first, index_t i) noexcept {
    return static_cast<token_id>(first + i);
  }

  LAGOM_INLINE void push_tile(const part& p) noexcept {
    if (!ordinary(p)) careful(p);
  }

  /// A multiple of `step` logits, if they are ordinary.
  LAGOM_INLINE bool ordinary(const part& p) noexcept {
    if (stats_.count == 0) begin(p);
    if (!(reference_ > -1e37f)) return false;
    const vec reference = S::set(reference_);
    vec sum[2] = {S::zero(), S::zero()}, weighted[2] = {S::zero(), S::zero()};
    vec most = S::set(lowest);
    [[maybe_unused]] vec least = reference;
    for (index_t i = 0; i < p.n; i += step) {
#pragma GCC unroll 8
      for (index_t k = 0; k < 2; ++k) {
        const vec x = S::load(p.z + i + k * S::width);
        most = S::max(x, most);
        if constexpr (!S::scales_any_exponent) least = S::min(x, least);
        const vec d = S::sub(x, reference);
        const vec e = native_exp<S>(d);
        sum[k] = S::add(sum[k], e);
        weighted[k] = Entropy ? S::fma(d, e, weighted[k]) : S::add(d, weighted[k]);
      }
    }
    const vec total = S::add(sum[0], sum[1]);
    const vec second =
        S::add(weighted[0], weighted[1]);  // without entropy it shows -infinity, which has e = 0
    if ((S::special(total) | S::special(second)) != 0) return false;
    if constexpr (!S::scales_any_exponent) {
      if (S::greater(S::set(reference_ - 87.0f), least) != 0) return false;
    }
    if (S::greater(most, S::set(reference_ + far_above)) != 0) return false;
    sum_.push(total);
    if constexpr (Entropy) weighted_.push(second);
    stats_.count += p.n;
    if (S::greater(most, S::set(bar_)) != 0) remember(p, S::largest(most));
    return true;
  }

  LAGOM_INLINE void begin(const part& p) noexcept {
    vec most = S::set(lowest);
    for (index_t i = 0; i < p.n; i += S::width) most = S::max(S::load(p.z + i), most);
    reference_ = S::largest(most);
  }

  /// A tile that may hold one of the two best tokens.
  LAGOM_INLINE void remember(part p, float max) noexcept {
    p.max = max;
    if (best_.n == 0 || max > best_.max) {
      next_ = best_;
      best_ = p;
    } else {
      next_ = p;
    }
    const float second = stats_.runner_up != no_token ? stats_.second : lowest;
    bar_ = next_.n > 0 && next_.max > second ? next_.max : second;
    refer_to(max);
  }

  /// Any logits. Copies them, takes NaN and +infinity out (flagged), counts what is not masked.
  __attribute__((noinline)) void careful(const part& p) noexcept {
    alignas(64) float clean[static_cast<std::size_t>(tile)];
    const index_t padded = (p.n + S::width - 1) / S::width * S::width;
    for (index_t i = 0; i < padded; i += S::width) {
      if (p.n - i < S::width) {
        for (index_t j = i; j < padded; ++j) clean[j] = j < p.n ? static_cast<float>(p.z[j]) : lowest;
      }
      const vec x = p.n - i < S::width ? S::load(clean + i) : S::load(p.z + i);
      const std::uint32_t special = S::special(x);
      stats_.bad = stats_.bad || (special & ~S::has_bits(x, 0xff800000u)) != 0;
      S::store(clean + i, S::select(special, S::set(lowest), x));
    }
    vec most = S::set(lowest);
    for (index_t i = 0; i < padded; i += S::width) most = S::max(S::load(clean + i), most);
    const float top = S::largest(most);
    if (!(top > softmax_stats<float>::masked_at)) return;
    if (stats_.count == 0) reference_ = top;
    refer_to(top);
    vec sum = S::zero(), weighted = S::zero();
    const vec masked = S::set(softmax_stats<float>::masked_at), reference = S::set(reference_);
    for (index_t i = 0; i < padded; i += S::width) {
      const vec x = S::load(clean + i);
      const std::uint32_t unmasked = S::greater(x, masked);
      // Below -87 nothing is left of the exponential: 0, whatever the difference overflowed to.
      const vec d = S::sub(x, reference);
      const std::uint32_t counts = unmasked & S::greater(d, S::set(-87.0f));
      const vec near = S::select(counts, d, S::zero());
      const vec e = S::select(counts, native_exp<S>(near), S::zero());
      sum = S::add(sum, e);
      weighted = S::fma(near, e, weighted);
      stats_.count += __builtin_popcount(unmasked);
    }
    sum_.push(sum);
    weighted_.push(weighted);
    if (top > bar_) {
      update_best(part{top, p.z, p.n, p.first_token});
      const float second = stats_.runner_up != no_token ? stats_.second : lowest;
      bar_ = second > bar_ ? second : bar_;
    }
  }

  /// Moves the reference of the sums.
  LAGOM_INLINE void refer_to(float max) noexcept {
    if (!(max > reference_)) return;
    const double shift = static_cast<double>(reference_) - static_cast<double>(max);
    const double scale = exp_nonpositive(shift);
    const double sum = sum_.total();
    weighted_.reset(scale > 0 ? scale * (weighted_.total() + shift * sum) : 0.0);
    sum_.reset(scale * sum);
    reference_ = max;
  }

  /// Puts the two best of these logits among the two best of all; ties go to the lowest id.
  __attribute__((noinline)) void update_best(const part& p) noexcept {
    for (index_t i = 0; i < p.n; i += S::width) {
      const index_t lanes = p.n - i < S::width ? p.n - i : S::width;
      std::uint32_t look = (1u << lanes) - 1u;
      if (lanes == S::width && stats_.runner_up != no_token) {
        look = S::not_less(S::load(p.z + i), S::set(stats_.second));
      }
      for (; look != 0; look &= look - 1) {
        const index_t at = i + __builtin_ctz(look);
        const auto x = static_cast<float>(p.z[at]);
        const auto bits = bits_of(&x);
        if ((bits & float_bits<float>::infinity) == float_bits<float>::infinity) continue;
        if (!(x > softmax_stats<float>::masked_at)) continue;
        consider(x, token_at(p.first_token, at));
      }
    }
  }

  LAGOM_INLINE void consider(float x, token_id token) noexcept {
    const auto better = [](float a, token_id a_id, float b, token_id b_id) {
      return a > b || (!(b > a) && a_id < b_id);
    };
    if (stats_.top == no_token || better(x, token, stats_.max, stats_.top)) {
      stats_.second = stats_.max;
      stats_.runner_up = stats_.top;
      stats_.max = x;
      stats_.top = token;
    } else if (stats_.runner_up == no_token || better(x, token, stats_.second, stats_.runner_up)) {
      stats_.second = x;
      stats_.runner_up = token;
    }
  }

  softmax_stats<float> stats_{};
  typename S::wide sum_{};
  typename S::wide weighted_{};
  part best_{}, next_{};
  float reference_ = 0;  // of the sums
  float bar_ = lowest;   // a tile whose maximum is not above it holds none of the two best
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
