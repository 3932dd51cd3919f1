// SPDX-License-Identifier: MIT
/// @file stop/interior_point.hpp
/// The hinge loss, which has no second derivative: a primal-dual interior point method over few features.
#pragma once

#include "newton.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// The problem  min_{w,b} 1/2 |w|^2 (+ 1/2 b^2) + sum_i c_i loss(y_i (w . x_i + b)).
/// The last unknown is b.
template <std::size_t N>
struct linear_problem {
  const float* x;  ///< N x rows, feature by feature
  dataset_view data;
  class_costs costs;
  bias_term bias;

  [[nodiscard]] LAGOM_INLINE double cost(index_t i) const noexcept { return cost_of(data, costs, i); }
  /// w . x_i + b.
  [[nodiscard]] LAGOM_INLINE double decision(const small_vector<N + 1>& v, index_t i) const noexcept {
    double f = v[N];
    for (std::size_t j = 0; j < N; ++j)
      f += v[j] * static_cast<double>(x[static_cast<index_t>(j) * data.rows() + i]);
    return f;
  }
  [[nodiscard]] LAGOM_INLINE double at(std::size_t j, index_t i) const noexcept {
    return j == N ? 1.0 : static_cast<double>(x[static_cast<index_t>(j) * data.rows() + i]);
  }
  /// Diagonal of the regularisation term.
  [[nodiscard]] LAGOM_INLINE double ridge(std::size_t j) const noexcept {
    return j < N || bias == bias_term::regularised ? 1.0 : 0.0;
  }
  [[nodiscard]] LAGOM_INLINE double penalty(const small_vector<N + 1>& v) const noexcept {
    double sum = 0;
    for (std::size_t j = 0; j <= N; ++j) sum += ridge(j) * v[j] * v[j];
    return sum / 2;
  }
};

/// min 1/2 |w|^2 (+ 1/2 b^2) + sum_i c_i max(0, 1 - y_i (w . x_i + b)), to a relative duality gap of `tolerance`.
///
/// Mehrotra's predictor-corrector on the pairs (alpha_i, s_i) and (c_i - alpha_i, xi_i); every iteration solves
/// one system of N + 1 unknowns (Ferris & Munson 2002). Cost: O(rows N^2) an iteration, 20 to 100 of them.
template <std::size_t N, backend B>
class hinge_interior_point {
 public:
  hinge_interior_point(const linear_problem<N>& problem, double tolerance, int max_iterations)
      : problem_(problem), tolerance_(tolerance), max_iterations_(max_iterations) {
    const auto n = static_cast<std::size_t>(problem.data.rows());
    for (auto* column : {&alpha_, &slack_, &excess_, &d_alpha_, &d_slack_, &d_excess_}) column->resize(n);
  }

  small_vector<N + 1> minimise(fit_report& report) {
    const index_t rows = problem_.data.rows();
    for (index_t i = 0; i < rows; ++i) {
      alpha_[at(i)] = problem_.cost(i) / 2;
      slack_[at(i)] = excess_[at(i)] = 1;
    }
    small_vector<N + 1> best = v_;
    report.objective = primal_objective();
    for (report.iterations = 0; report.iterations < max_iterations_; ++report.iterations) {
      const double primal = primal_objective(), dual = dual_objective(), mu = complementarity(0);
      if (!is_finite(&primal) || !is_finite(&dual) || !is_finite(&mu))
        break;  // beyond double precision: the best stands
      if (primal <= report.objective) {
        report.objective = primal;
        best = v_;
      }
      // Either proves it: the bound of a feasible dual point, or (where rounding keeps the multipliers from balancing)
      // complementarity that is used up.
      const double enough = tolerance_ * (primal > 0 ? primal : 1);
      const bool bounded = primal - dual <= enough && balance() <= tolerance_ * scale_of_balance();
      if (bounded || mu * static_cast<double>(2 * rows) <= enough) {
        report.converged = true;
        break;
      }
      step(0, false);
      const double ratio = complementarity(longest_step()) / mu;
      step(ratio * ratio * ratio * mu, true);
      advance(0.995 * longest_step());
    }
    return best;
  }

 private:
  LAGOM_INLINE static std::size_t at(index_t i) noexcept { return static_cast<std::size_t>(i); }
  LAGOM_INLINE double label(index_t i) const noexcept { return static_cast<double>(problem_.data.labels[i]); }

  double primal_objective() const {
    double sum = problem_.penalty(v_);
    for (index_t i = 0; i < problem_.data.rows(); ++i) {
      const double loss = 1 - label(i) * problem_.decision(v_, i);
      if (loss > 0) sum += problem_.cost(i) * loss;
    }
    return sum;
  }

  /// sum_i alpha_i y_i x_i, and the sum of |alpha_i| in the last place of scale_of_balance().
  small_vector<N + 1> pulled() const {
    small_vector<N + 1> sum{};
    for (index_t i = 0; i < problem_.data.rows(); ++i) {
      const double a = alpha_[at(i)] * label(i);
      for (std::size_t j = 0; j <= N; ++j) sum[j] += a * problem_.at(j, i);
    }
    return sum;
  }

  double dual_objective() const {
    const auto w = pulled();
    double value = -problem_.penalty(w);
    for (const double a : alpha_) value += a;
    return value;
  }

  /// |sum alpha_i y_i|: must vanish where the bias is free.
  double balance() const {
    if (problem_.bias == bias_term::regularised) return 0;
    const double b = pulled()[N];
    return b < 0 ? -b : b;
  }
  double scale_of_balance() const {
    double sum = 0;
    for (const double a : alpha_) sum += a;
    return sum;
  }

  /// Mean complementarity product after a step of this length.
  double complementarity(double length) const {
    double sum = 0;
    for (index_t i = 0; i < problem_.data.rows(); ++i) {
      const auto k = at(i);
      const double a = alpha_[k] + length * d_alpha_[k];
      const double s = slack_[k] + length * d_slack_[k];
      const double e = excess_[k] + length * d_excess_[k];
      sum += a * s + (problem_.cost(i) - a) * e;
    }
    return sum / static_cast<double>(2 * problem_.data.rows());
  }

  /// Newton direction towards complementarity products `mu`; the corrector adds the predictor's second order.
  void step(double mu, bool corrector) {
    small_matrix<N + 1> matrix{};
    small_vector<N + 1> right = pulled();
    for (std::size_t j = 0; j <= N; ++j) {
      matrix[j][j] = problem_.ridge(j);
      right[j] -= problem_.ridge(j) * v_[j];
    }
    for (index_t i = 0; i < problem_.data.rows(); ++i) {
      const auto [theta, q] = reduced(i, mu, corrector);
      const double pull = label(i) * q / theta;
      for (std::size_t a = 0; a <= N; ++a) {
        const double xa = problem_.at(a, i);
        right[a] += pull * xa;
        for (std::size_t b = 0; b <= a; ++b) matrix[a][b] += xa * problem_.at(b, i) / theta;
      }
    }
    d_v_ = solve<N + 1, B>(matrix, right);
    for (index_t i = 0; i < problem_.data.rows(); ++i) {
      const auto k = at(i);
      const auto [theta, q] = reduced(i, mu, corrector);
      const auto [r1, r2] = residuals(i, mu, corrector);
      const double t = problem_.cost(i) - alpha_[k];
      const double da = (q - label(i) * problem_.decision(d_v_, i)) / theta;
      d_slack_[k] = (-r1 - slack_[k] * da) / alpha_[k];
      d_excess_[k] = (-r2 + excess_[k] * da) / t;
      d_alpha_[k] = da;
    }
  }

  struct pair {
    double first, second;
  };
  /// alpha s - mu and (c - alpha) xi - mu, with the predictor's products for the corrector.
  LAGOM_INLINE pair residuals(index_t i, double mu, bool corrector) const {
    const auto k = at(i);
    double r1 = alpha_[k] * slack_[k] - mu;
    double r2 = (problem_.cost(i) - alpha_[k]) * excess_[k] - mu;
    if (corrector) {
      r1 += d_alpha_[k] * d_slack_[k];
      r2 -= d_alpha_[k] * d_excess_[k];
    }
    return {r1, r2};
  }
  /// theta and q of the eliminated row i: d_alpha = (q - y (d_w . x + d_b)) / theta.
  LAGOM_INLINE pair reduced(index_t i, double mu, bool corrector) const {
    const auto k = at(i);
    const auto [r1, r2] = residuals(i, mu, corrector);
    const double t = problem_.cost(i) - alpha_[k];
    const double feasibility = label(i) * problem_.decision(v_, i) - 1 + excess_[k] - slack_[k];
    return {excess_[k] / t + slack_[k] / alpha_[k], -feasibility + r2 / t - r1 / alpha_[k]};
  }

  /// The longest step in (0, 1] that keeps slacks and multipliers positive. One length for both: they meet in the
  /// quadratic term.
  double longest_step() const {
    double length = 1;
    const auto limit = [&](double value, double change) {
      if (change < 0 && -value / change < length) length = -value / change;
    };
    for (index_t i = 0; i < problem_.data.rows(); ++i) {
      const auto k = at(i);
      limit(slack_[k], d_slack_[k]);
      limit(excess_[k], d_excess_[k]);
      limit(alpha_[k], d_alpha_[k]);
      limit(problem_.cost(i) - alpha_[k], -d_alpha_[k]);
    }
    return length;
  }

  void advance(double length) {
    for (std::size_t j = 0; j <= N; ++j) v_[j] += length * d_v_[j];
    for (std::size_t k = 0; k < alpha_.size(); ++k) {
      alpha_[k] += length * d_alpha_[k];
      slack_[k] += length * d_slack_[k];
      excess_[k] += length * d_excess_[k];
    }
  }

  linear_problem<N> problem_;
  double tolerance_;
  int max_iterations_;
  small_vector<N + 1> v_{}, d_v_{};
  std::vector<double> alpha_, slack_, excess_, d_alpha_, d_slack_, d_excess_;
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
