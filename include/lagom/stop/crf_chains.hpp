// SPDX-License-Identifier: MIT
/// @file stop/crf_chains.hpp
/// The likelihood of a two-label chain and its gradient, sixteen sequences side by side in vector lanes.
#pragma once

#include <array>
#include <utility>

#include "../core/executor.hpp"
#include "fit.hpp"
#include "twice_atanh.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Counts of a chain's model: rows labelled 1 by feature and in number, moves 00 01 10 11. Observed ones make the score of
/// the labels linear in the parameters; expected ones are the gradient of log Z.
template <std::size_t N>
using chain_counts = std::array<double, N + 5>;

/// Parameters of the chain up to what cancels: label 0 scores 0.
template <std::size_t N, class T>
struct chain_model {
  T weights[N], bias;  ///< score of label 1
  T move[4];           ///< exp(transition - highest)
  double highest;      ///< of the transitions
  T farthest;          ///< |score| up to which no path falls below the smallest number
};

/// Sequences of one length, as [step][feature][sequence].
struct chain_group {
  std::size_t width, length, offset;  ///< sequences, steps, where its features begin
};

/// Groups of 16 sequences of one length; what is left of a length in groups of 4 and of 1.
template <std::size_t N, backend B>
class chain_groups {
 public:
  explicit chain_groups(const training_rows<N>& rows) {
    const dataset_view& data = rows.data;
    const auto length = [&](index_t s) { return data.sequence_end(s) - data.sequence_begin(s); };
    const std::vector<index_t> order = by_length(data);
    x_.resize(N * static_cast<std::size_t>(data.rows()));
    std::size_t first = 0, offset = 0;
    while (first < order.size()) {
      std::size_t same = 1;
      while (same < 16 && first + same < order.size() && length(order[first + same]) == length(order[first]))
        ++same;
      const std::size_t width = same >= 16 ? 16 : same >= 4 ? 4 : 1;
      groups_.push_back({width, static_cast<std::size_t>(length(order[first])), offset});
      pack(rows, order.data() + first);
      offset += N * width * groups_.back().length;
      first += width;
    }
  }

  [[nodiscard]] std::size_t size() const noexcept { return groups_.size(); }
  [[nodiscard]] const chain_group& operator[](std::size_t g) const noexcept { return groups_[g]; }
  [[nodiscard]] const float* features(std::size_t g) const noexcept { return x_.data() + groups_[g].offset; }
  [[nodiscard]] const chain_counts<N>& observed(std::size_t g) const noexcept { return observed_[g]; }

 private:
  /// Sequences that have steps, the shortest first, those of one length in order.
  static std::vector<index_t> by_length(const dataset_view& data) {
    const auto length = [&](index_t s) {
      return static_cast<std::size_t>(data.sequence_end(s) - data.sequence_begin(s));
    };
    std::size_t longest = 0;
    for (index_t s = 0; s < data.sequence_count(); ++s) longest = length(s) > longest ? length(s) : longest;
    std::vector<std::size_t> place(longest + 2);  // where the sequences of a length begin
    for (index_t s = 0; s < data.sequence_count(); ++s) place[length(s) + 1] += length(s) > 0;
    for (std::size_t n = 1; n < place.size(); ++n) place[n] += place[n - 1];
    std::vector<index_t> order(place.back());
    for (index_t s = 0; s < data.sequence_count(); ++s) {
      if (length(s) > 0) order[place[length(s)]++] = s;
    }
    return order;
  }

  void pack(const training_rows<N>& rows, const index_t* sequences) {
    const chain_group& g = groups_.back();
    float* const to = x_.data() + g.offset;
    chain_counts<N> counts{};
    for (std::size_t k = 0; k < g.width; ++k) {
      const index_t begin = rows.data.sequence_begin(sequences[k]);
      const auto labels = rows.data.labels.slice(begin, static_cast<index_t>(g.length));
      for (std::size_t j = 0; j < N; ++j) {
        const auto column =
            rows.data.features.row(static_cast<index_t>(j)).slice(begin, static_cast<index_t>(g.length));
        const float mean = rows.scale.mean[j], inverse = rows.scale.inverse_deviation[j];
        double sums[4] = {};  // apart, so that additions overlap
        with_elements<signed char>(labels, [&](const auto& label) {
          with_elements<float>(column, [&](const auto& at) {
            for (std::size_t t = 0; t < g.length; ++t) {
              const float x = (at(static_cast<index_t>(t)) - mean) * inverse;
              to[(t * N + j) * g.width + k] = x;
              sums[t % 4] += label(static_cast<index_t>(t)) > 0 ? static_cast<double>(x) : 0.0;
            }
          });
        });
        counts[j] += (sums[0] + sums[1]) + (sums[2] + sums[3]);
      }
      std::int64_t moves[4] = {}, ones = 0;
      for (index_t t = 0; t < labels.size(); ++t) {
        ones += labels[t] > 0;
        if (t > 0) ++moves[2 * (labels[t - 1] > 0) + (labels[t] > 0)];
      }
      counts[N] += static_cast<double>(ones);
      for (std::size_t m = 0; m < 4; ++m) counts[N + 1 + m] += static_cast<double>(moves[m]);
    }
    observed_.push_back(counts);
  }

  std::vector<float> x_;
  std::vector<chain_group> groups_;
  std::vector<chain_counts<N>> observed_;
};

/// Scaled forward-backward (Rabiner 1989, section V.A) over groups, summing log Z and expected counts.
///
/// With transitions that span r and emission scores within +-s, a normalised message is never below e^-(r + s): while that is
/// a number of T, no path is lost. `sound()` is false once it was not.
template <std::size_t N, backend B, class T>
class chain_pass {
 public:
  explicit chain_pass(const chain_model<N, T>& model) : model_(model) {}

  void push(const chain_group& g, const float* x) {
    if (messages_.size() < 4 * g.width * g.length) messages_.resize(4 * g.width * g.length);
    if (g.width == 16) both_ways<16>(g.length, x, std::make_index_sequence<N>{});
    if (g.width == 4) both_ways<4>(g.length, x, std::make_index_sequence<N>{});
    if (g.width == 1) both_ways<1>(g.length, x, std::make_index_sequence<N>{});
  }

  [[nodiscard]] bool sound() const noexcept { return sound_ && is_finite(&log_z_); }
  [[nodiscard]] double log_z() const noexcept { return log_z_; }
  [[nodiscard]] const chain_counts<N>& expected() const noexcept { return expected_; }

 private:
  /// Moves the exponent of a normal number to `exponent`; leaves 1 <= x < 2.
  LAGOM_INLINE static void split(T& x, T& exponent) noexcept {
    using bits = typename float_bits<T>::type;
    constexpr int mantissa = sizeof(T) == 4 ? 23 : 52, bias = sizeof(T) == 4 ? 127 : 1023;
    const auto u = bit_cast<bits>(x);
    exponent += static_cast<T>(static_cast<std::int32_t>(u >> mantissa) - bias);
    x = bit_cast<T>((u & ((bits{1} << mantissa) - 1)) | (static_cast<bits>(bias) << mantissa));
  }

  template <std::size_t W, std::size_t... J>
  void both_ways(std::size_t n, const float* x, std::index_sequence<J...>) {
    const chain_model<N, T> m = model_;
    T* LAGOM_RESTRICT const kept =
        messages_.data();  // [step][alpha 0, alpha 1, psi 0 / c, psi 1 / c][sequence]
    T a0[W], a1[W], product[W], exponent[W], high[W], far[W];
    for (std::size_t k = 0; k < W; ++k) {
      product[k] = 1;
      a0[k] = a1[k] = exponent[k] = high[k] = far[k] = 0;
    }
    for (std::size_t t = 0; t < n; ++t) {
      const float* LAGOM_RESTRICT const row = x + t * N * W;
      T* LAGOM_RESTRICT const to = kept + t * 4 * W;
      const T start = t == 0 ? T(1) : T(0);
      for (std::size_t k = 0; k < W; ++k) {
        T d = m.bias;
        ((d = multiply_add(m.weights[J], static_cast<T>(row[J * W + k]), d)), ...);
        const T size = d < 0 ? -d : d;
        const T e = exp_nonpositive(-size);
        // One choice a lane, and products with 0 and 1: compilers branch on several choices.
        const T below = d < 0 ? T(1) : T(0), above = 1 - below;
        const T psi0 = multiply_add(above, e, below), psi1 = multiply_add(below, e, above);
        high[k] += above * d;
        far[k] = size > far[k] ? size : far[k];
        const T s0 = psi0 * (start + a0[k] * m.move[0] + a1[k] * m.move[2]);
        const T s1 = psi1 * (start + a0[k] * m.move[1] + a1[k] * m.move[3]);
        const T c = s0 + s1, r = 1 / c;
        product[k] *= c;
        split(product[k], exponent[k]);
        a0[k] = s0 * r;
        a1[k] = s1 * r;
        to[k] = a0[k];
        to[W + k] = a1[k];
        to[2 * W + k] = psi0 * r;
        to[3 * W + k] = psi1 * r;
      }
    }
    for (std::size_t k = 0; k < W; ++k) {
      const T s = (product[k] - 1) / (product[k] + 1);
      log_z_ += static_cast<double>(twice_atanh(s)) +
                0.693147180559945309 * static_cast<double>(exponent[k]) + static_cast<double>(high[k]) +
                static_cast<double>(n - 1) * m.highest;
      sound_ = sound_ && far[k] <= m.farthest;
    }
    backward<W>(n, x, std::index_sequence<J...>{});
  }

  template <std::size_t W, std::size_t... J>
  void backward(std::size_t n, const float* x, std::index_sequence<J...>) {
    const chain_model<N, T> m = model_;
    const T* LAGOM_RESTRICT const kept = messages_.data();
    T b0[W], b1[W];
    for (std::size_t k = 0; k < W; ++k) b0[k] = b1[k] = 1;
    std::size_t left = n;
    while (left > 0) {  // lanes hold so many steps before they are added up in double
      const std::size_t stop = left > 256 ? left - 256 : 0;
      T sum[N + 5][W];
      for (auto& s : sum) {
        for (std::size_t k = 0; k < W; ++k) s[k] = 0;
      }
      for (std::size_t t = left; t-- > stop;) {
        const float* LAGOM_RESTRICT const row = x + t * N * W;
        const T* LAGOM_RESTRICT const now = kept + t * 4 * W;
        const T* LAGOM_RESTRICT const before = t > 0 ? now - 4 * W : now;
        const T inside = t > 0 ? T(1) : T(0);
        for (std::size_t k = 0; k < W; ++k) {
          const T one = now[W + k] * b1[k];  // P(y_t = 1)
          ((sum[J][k] = multiply_add(one, static_cast<T>(row[J * W + k]), sum[J][k])), ...);
          sum[N][k] += one;
          const T v0 = now[2 * W + k] * b0[k], v1 = now[3 * W + k] * b1[k];
          const T m00 = m.move[0] * v0, m01 = m.move[1] * v1, m10 = m.move[2] * v0, m11 = m.move[3] * v1;
          const T p0 = inside * before[k], p1 = inside * before[W + k];
          sum[N + 1][k] = multiply_add(p0, m00, sum[N + 1][k]);
          sum[N + 2][k] = multiply_add(p0, m01, sum[N + 2][k]);
          sum[N + 3][k] = multiply_add(p1, m10, sum[N + 3][k]);
          sum[N + 4][k] = multiply_add(p1, m11, sum[N + 4][k]);
          b0[k] = m00 + m01;
          b1[k] = m10 + m11;
        }
      }
      for (std::size_t i = 0; i < N + 5; ++i) {
        for (std::size_t half = W / 2; half > 0; half /= 2) {
          for (std::size_t k = 0; k < half; ++k) sum[i][k] += sum[i][k + half];
        }
        expected_[i] += static_cast<double>(sum[i][0]);
      }
      left = stop;
    }
  }

  chain_model<N, T> model_;
  std::vector<T> messages_;
  double log_z_ = 0;
  chain_counts<N> expected_{};
  bool sound_ = true;
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
