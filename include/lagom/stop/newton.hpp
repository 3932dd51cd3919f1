// SPDX-License-Identifier: MIT
/// @file stop/newton.hpp
/// Exact Newton for linear models with a twice (almost everywhere) differentiable loss.
#pragma once

#include "cholesky.hpp"
#include "fit.hpp"

namespace lagom {
inline namespace v0 {

/// Is the bias part of the regularisation term? liblinear says yes, libsvm and scikit-learn's
/// LogisticRegression say no; the two give different classifiers.
enum class bias_term : std::uint8_t { unregularised, regularised };

namespace detail {

/// The problem  min_{w,b} 1/2 |w|^2 (+ 1/2 b^2) + sum_i c_i loss(y_i (w . x_i + b)).
/// The last unknown is b.
template <std::size_t N>
struct linear_problem {
  const float* x;  ///< N x rows, feature by feature
  dataset_view data;
  class_costs costs;
  bias_term bias;

  [[nodiscard]] LAGOM_INLINE double cost(index_t i) const noexcept {
    return (data.labels[i] > 0 ? costs.positive : costs.negative) * static_cast<double>(data.weight(i));
  }
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

/// Damped Newton from zero: a step of the full Hessian, halved until the objective falls enough. Stops when the
/// predicted gain is below `tolerance` times the objective.
///
/// Loss: `value(m)`, `slope(m)`, `curvature(m)` of the margin m = y (w . x + b).
template <std::size_t N, backend B, class Loss>
small_vector<N + 1> newton(const linear_problem<N>& problem, double tolerance, int max_iterations,
                           fit_report& report) {
  const index_t rows = problem.data.rows();
  small_vector<N + 1> v{};
  std::vector<double> margin(static_cast<std::size_t>(rows)), direction(static_cast<std::size_t>(rows));
  const auto objective = [&](const small_vector<N + 1>& at, double t) {
    double sum = 0;
    for (index_t i = 0; i < rows; ++i) {
      const auto k = static_cast<std::size_t>(i);
      sum += problem.cost(i) * Loss::value(margin[k] + t * direction[k]);
    }
    return problem.penalty(at) + sum;
  };
  double current = objective(v, 0);
  for (report.iterations = 0; report.iterations < max_iterations; ++report.iterations) {
    small_vector<N + 1> gradient{};
    small_matrix<N + 1> hessian{};
    for (std::size_t j = 0; j <= N; ++j) {
      gradient[j] = problem.ridge(j) * v[j];
      hessian[j][j] = problem.ridge(j);
    }
    for (index_t i = 0; i < rows; ++i) {
      const auto k = static_cast<std::size_t>(i);
      const double c = problem.cost(i);
      const double g = c * Loss::slope(margin[k]) * static_cast<double>(problem.data.labels[i]);
      const double h = c * Loss::curvature(margin[k]);
      for (std::size_t a = 0; a <= N; ++a) {
        const double xa = problem.at(a, i);
        gradient[a] += g * xa;
        for (std::size_t b = 0; b <= a; ++b) hessian[a][b] += h * xa * problem.at(b, i);
      }
    }
    small_vector<N + 1> minus{};
    for (std::size_t j = 0; j <= N; ++j) minus[j] = -gradient[j];
    const auto step = solve<N + 1, B>(hessian, minus);
    double slope = 0;
    for (std::size_t j = 0; j <= N; ++j) slope += gradient[j] * step[j];
    if (!(-slope > tolerance * (1e-300 + current))) {
      report.converged = true;
      break;
    }
    for (index_t i = 0; i < rows; ++i) {
      direction[static_cast<std::size_t>(i)] =
          static_cast<double>(problem.data.labels[i]) * problem.decision(step, i);
    }
    double t = 1;
    small_vector<N + 1> next{};
    double value = current;
    bool fell = false;
    for (int halving = 0; halving < 60 && !fell; ++halving, t /= 2) {
      for (std::size_t j = 0; j <= N; ++j) next[j] = v[j] + t * step[j];
      value = objective(next, t);
      fell = value <= current + 1e-4 * t * slope;
      if (fell) break;
    }
    if (!fell) {  // no progress in double precision: this is the minimum
      report.converged = true;
      break;
    }
    for (std::size_t k = 0; k < margin.size(); ++k) margin[k] += t * direction[k];
    v = next;
    current = value;
  }
  report.objective = current;
  return v;
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
