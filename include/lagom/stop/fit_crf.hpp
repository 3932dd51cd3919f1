// SPDX-License-Identifier: MIT
/// @file stop/fit_crf.hpp
/// Fitting a linear-chain conditional random field.
#pragma once

#include <array>

#include "crf.hpp"
#include "fit.hpp"

namespace lagom {
inline namespace v0 {

/// min -sum over sequences of log P(y | x) + c2 |theta|^2, theta being all weights, biases and transitions: what
/// CRFsuite minimises with algorithm=lbfgs, c1=0, feature.possible_states and feature.possible_transitions on and
/// a constant attribute (the bias) in every item.
struct crf_config {
  double c2 = 1;
  bool standardize = true;
  double tolerance = 1e-12;  ///< of the objective, relative
  int max_iterations = 1000;
};

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

/// BFGS with the inverse Hessian held whole (a few dozen unknowns) and a halving line search. The problem is
/// convex; the result does not depend on the start.
template <std::size_t P, class Objective>
std::array<double, P> bfgs(Objective& objective, double tolerance, int max_iterations, fit_report& report) {
  using vector = std::array<double, P>;
  const auto inner = [](const vector& a, const vector& b) {
    double sum = 0;
    for (std::size_t i = 0; i < P; ++i) sum += a[i] * b[i];
    return sum;
  };
  std::array<vector, P> inverse{};
  vector theta{}, gradient{}, next{}, next_gradient{}, direction{}, s{}, y{}, hy{};
  double value = objective(theta, gradient);
  const auto reset = [&] {
    const double size = sqrt(inner(gradient, gradient));
    for (std::size_t i = 0; i < P; ++i) {
      inverse[i] = {};
      inverse[i][i] = 1 / (size > 1 ? size : 1);
    }
  };
  reset();
  bool fresh = true;
  for (report.iterations = 0; report.iterations < max_iterations; ++report.iterations) {
    for (std::size_t i = 0; i < P; ++i) direction[i] = -inner(inverse[i], gradient);
    const double slope = inner(direction, gradient);  // minus twice the gain that the model predicts
    if (!(-slope > tolerance * (1e-300 + (value < 0 ? -value : value)))) {
      report.converged = true;
      break;
    }
    double t = 1, next_value = value;
    bool fell = false;
    for (int halving = 0; halving < 60 && !fell; ++halving, t /= 2) {
      for (std::size_t i = 0; i < P; ++i) next[i] = theta[i] + t * direction[i];
      next_value = objective(next, next_gradient);
      fell = next_value <= value + 1e-4 * t * slope;
    }
    if (!fell) {
      if (fresh) {  // not even along the gradient: the minimum, in double precision
        report.converged = true;
        break;
      }
      reset();
      fresh = true;
      continue;
    }
    fresh = false;
    for (std::size_t i = 0; i < P; ++i) {
      s[i] = next[i] - theta[i];
      y[i] = next_gradient[i] - gradient[i];
    }
    const double sy = inner(s, y);
    if (sy > 1e-14 * inner(y, y)) {
      for (std::size_t i = 0; i < P; ++i) hy[i] = inner(inverse[i], y);
      const double yhy = inner(y, hy);
      for (std::size_t i = 0; i < P; ++i) {
        for (std::size_t k = 0; k < P; ++k) {
          inverse[i][k] += (1 + yhy / sy) * s[i] * s[k] / sy - (hy[i] * s[k] + s[i] * hy[k]) / sy;
        }
      }
    }
    theta = next;
    gradient = next_gradient;
    value = next_value;
  }
  report.objective = value;
  return theta;
}

}  // namespace detail

/// Fits the CRF on the first N features. Sequences are those of the data set. Deterministic.
/// Cost: O(rows N) an evaluation, some 50 to 200 evaluations, many more where c2 is small and the labels are nearly
/// separable. Fails like `fit(linear_svm_config, ...)`, with `bad_value` for a c2 that is negative or not finite and
/// `unsupported` for rows of other weight than 1: a chain has no weights within.
template <std::size_t N, backend B = portable>
result<fitted<standardized<crf<N>>>> fit(const crf_config& config, const dataset_view& data) {
  if (config.c2 != 0) {
    if (auto ok = detail::check_positive<B>(config.c2, "c2"); !ok) return ok.error();
  }
  if (auto ok = detail::check_shape<B>(data, N); !ok) return ok.error();
  for (index_t i = 0; i < data.rows(); ++i) {
    if (data.weight(i) != 1)
      return failure{.code = errc::unsupported, .key = "weight", .row = static_cast<std::uint64_t>(i)};
  }
  auto rows = detail::prepare<N, B>(data, config.standardize);
  if (!rows) return rows.error();
  fitted<standardized<crf<N>>> out{.model = {.scale = rows->scale}, .report = rows->report};
  using objective = detail::crf_objective<N, B>;
  const std::vector<float> x = detail::scaled_features<N, B>(*rows);
  objective f(x.data(), rows->data, config.c2);
  const auto theta =
      detail::bfgs<objective::parameters>(f, config.tolerance, config.max_iterations, out.report);
  auto& rule = out.model.rule;
  for (std::size_t y = 0; y < 2; ++y) {
    for (std::size_t j = 0; j < N; ++j) rule.weights[y][j] = static_cast<float>(theta[y * N + j]);
    rule.bias[y] = static_cast<float>(theta[2 * N + y]);
    for (std::size_t to = 0; to < 2; ++to)
      rule.transitions[y][to] = static_cast<float>(theta[2 * N + 2 + 2 * y + to]);
  }
  return detail::finished<B>(
      std::move(out), {vec_view<const float>(rule.weights[0], N), vec_view<const float>(rule.weights[1], N),
                       vec_view<const float>(rule.bias, 2), vec_view<const float>(rule.transitions[0], 2),
                       vec_view<const float>(rule.transitions[1], 2)});
}

}  // namespace v0
}  // namespace lagom
