// SPDX-License-Identifier: MIT
/// @file stop/crf_objective.hpp
/// The likelihood of a two-label chain over logarithms: slow, and right however sure the model is.
#pragma once

#include <array>

#include "fit.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Objective and gradient of the CRF, by forward-backward over logarithms in double: no path is lost, however unlikely.
template <std::size_t N, backend B>
class crf_objective {
 public:
  /// [weights of label 0, of label 1, biases, transitions 00 01 10 11].
  static constexpr std::size_t parameters = 2 * N + 6;
  using vector = std::array<double, parameters>;

  crf_objective(const float* x, const dataset_view& data, double c2) : x_(x), data_(data), c2_(c2) {
    index_t longest = 0;
    for (index_t s = 0; s < data.sequence_count(); ++s) {
      const index_t n = data.sequence_end(s) - data.sequence_begin(s);
      longest = n > longest ? n : longest;
    }
    emission_.resize(2 * static_cast<std::size_t>(longest));
    forward_.resize(2 * static_cast<std::size_t>(longest));
  }

  double operator()(const vector& theta, vector& gradient) {
    double value = 0;
    for (std::size_t p = 0; p < parameters; ++p) {
      value += c2_ * theta[p] * theta[p];
      gradient[p] = 2 * c2_ * theta[p];
    }
    for (index_t s = 0; s < data_.sequence_count(); ++s) value += sequence(theta, gradient, s);
    return value;
  }

 private:
  static constexpr std::size_t bias0 = 2 * N, trans0 = 2 * N + 2;

  /// log(e^a + e^b).
  LAGOM_INLINE static double joined(double a, double b) noexcept {
    return a > b ? a + softplus(b - a) : b + softplus(a - b);
  }
  /// A probability from its logarithm, which rounding may lift above 0.
  LAGOM_INLINE static double probability(double log_p) noexcept {
    return exp_nonpositive(log_p < 0 ? log_p : 0.0);
  }

  double sequence(const vector& theta, vector& gradient, index_t s) {
    const index_t begin = data_.sequence_begin(s);
    const auto n = static_cast<std::size_t>(data_.sequence_end(s) - begin);
    if (n == 0) return 0;
    const double* const transition = theta.data() + trans0;  // [2 from + to]
    double gold = 0;
    for (std::size_t t = 0; t < n; ++t) {
      const index_t row = begin + static_cast<index_t>(t);
      for (std::size_t y = 0; y < 2; ++y) {
        double e = theta[bias0 + y];
        for (std::size_t j = 0; j < N; ++j) e += theta[y * N + j] * at(j, row);
        emission_[2 * t + y] = forward_[2 * t + y] = e;
        if (t > 0)
          forward_[2 * t + y] +=
              joined(forward_[2 * t - 2] + transition[y], forward_[2 * t - 1] + transition[2 + y]);
      }
      const auto y = static_cast<std::size_t>(data_.labels[row] > 0);
      gold += emission_[2 * t + y];
      if (t > 0) gold += transition[2 * static_cast<std::size_t>(data_.labels[row - 1] > 0) + y];
    }
    const double log_z = joined(forward_[2 * n - 2], forward_[2 * n - 1]);
    // Backward, adding expected minus observed counts on the way.
    double beta[2] = {0, 0};
    for (std::size_t t = n; t-- > 0;) {
      const index_t row = begin + static_cast<index_t>(t);
      for (std::size_t y = 0; y < 2; ++y) {
        const bool observed = (data_.labels[row] > 0) == (y == 1);
        const double surplus = probability(forward_[2 * t + y] + beta[y] - log_z) - (observed ? 1 : 0);
        gradient[bias0 + y] += surplus;
        for (std::size_t j = 0; j < N; ++j) gradient[y * N + j] += surplus * at(j, row);
      }
      if (t == 0) break;
      double next[2];
      for (std::size_t from = 0; from < 2; ++from) {
        double flow[2];
        for (std::size_t to = 0; to < 2; ++to) {
          flow[to] = transition[2 * from + to] + emission_[2 * t + to] + beta[to];
          const bool observed =
              (data_.labels[row - 1] > 0) == (from == 1) && (data_.labels[row] > 0) == (to == 1);
          gradient[trans0 + 2 * from + to] +=
              probability(forward_[2 * t - 2 + from] + flow[to] - log_z) - (observed ? 1 : 0);
        }
        next[from] = joined(flow[0], flow[1]);
      }
      beta[0] = next[0];
      beta[1] = next[1];
    }
    return log_z - gold;
  }

  [[nodiscard]] LAGOM_INLINE double at(std::size_t j, index_t row) const noexcept {
    return static_cast<double>(x_[static_cast<index_t>(j) * data_.rows() + row]);
  }

  const float* x_;
  dataset_view data_;
  double c2_;
  std::vector<double> emission_, forward_;
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
