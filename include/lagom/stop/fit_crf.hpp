// SPDX-License-Identifier: MIT
/// @file stop/fit_crf.hpp
/// Fitting a linear-chain conditional random field.
#pragma once

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

/// Objective and gradient of the CRF, by scaled forward-backward in double.
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
    scale_.resize(static_cast<std::size_t>(longest));
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

  double sequence(const vector& theta, vector& gradient, index_t s) {
    const index_t begin = data_.sequence_begin(s);
    const auto n = static_cast<std::size_t>(data_.sequence_end(s) - begin);
    if (n == 0) return 0;
    double a[2][2], shift = 0, log_z = 0, gold = 0;
    for (std::size_t k = 0; k < 4; ++k) shift = theta[trans0 + k] > shift ? theta[trans0 + k] : shift;
    for (std::size_t k = 0; k < 4; ++k) a[k / 2][k % 2] = exp_nonpositive(theta[trans0 + k] - shift);
    // Forward: messages normalised at every step; log Z is the sum of the logs of the norms.
    for (std::size_t t = 0; t < n; ++t) {
      const index_t row = begin + static_cast<index_t>(t);
      double e[2];
      for (std::size_t y = 0; y < 2; ++y) {
        e[y] = theta[bias0 + y];
        for (std::size_t j = 0; j < N; ++j) e[y] += theta[y * N + j] * at(j, row);
      }
      const auto y = static_cast<std::size_t>(data_.labels[row] > 0);
      gold += e[y];
      if (t > 0) gold += theta[trans0 + 2 * static_cast<std::size_t>(data_.labels[row - 1] > 0) + y];
      const double top = e[0] > e[1] ? e[0] : e[1];
      double norm = 0;
      for (std::size_t k = 0; k < 2; ++k) {
        emission_[2 * t + k] = exp_nonpositive(e[k] - top);
        const double in = t == 0 ? 1 : forward_[2 * t - 2] * a[0][k] + forward_[2 * t - 1] * a[1][k];
        forward_[2 * t + k] = in * emission_[2 * t + k];
        norm += forward_[2 * t + k];
      }
      forward_[2 * t] /= norm;
      forward_[2 * t + 1] /= norm;
      scale_[t] = norm;
      log_z += log(norm) + top + (t > 0 ? shift : 0);
    }
    // Backward, adding expected minus observed counts on the way.
    double beta[2] = {1, 1};
    for (std::size_t t = n; t-- > 0;) {
      const index_t row = begin + static_cast<index_t>(t);
      for (std::size_t y = 0; y < 2; ++y) {
        const bool observed = (data_.labels[row] > 0) == (y == 1);
        const double surplus = forward_[2 * t + y] * beta[y] - (observed ? 1 : 0);
        gradient[bias0 + y] += surplus;
        for (std::size_t j = 0; j < N; ++j) gradient[y * N + j] += surplus * at(j, row);
      }
      if (t == 0) break;
      double next[2];
      for (std::size_t from = 0; from < 2; ++from) {
        next[from] = 0;
        for (std::size_t to = 0; to < 2; ++to) {
          const double flow = a[from][to] * emission_[2 * t + to] * beta[to] / scale_[t];
          const bool observed =
              (data_.labels[row - 1] > 0) == (from == 1) && (data_.labels[row] > 0) == (to == 1);
          gradient[trans0 + 2 * from + to] += forward_[2 * t - 2 + from] * flow - (observed ? 1 : 0);
          next[from] += flow;
        }
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
  std::vector<double> emission_, forward_, scale_;
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
/// Cost: O(rows N) an evaluation, some 50 to 200 evaluations. Fails like `fit(linear_svm_config, ...)`, with
/// `bad_value` for a negative c2.
template <std::size_t N, backend B = portable>
result<fitted<standardized<crf<N>>>> fit(const crf_config& config, const dataset_view& data) {
  if (auto ok = detail::check_dataset<B>(data, N); !ok) return ok.error();
  if (!(config.c2 >= 0)) return failure{.code = errc::bad_value, .key = "c2"};
  fitted<standardized<crf<N>>> out;
  out.report = {.rows = data.rows(), .positives = detail::count_positives<B>(data)};
  out.model.scale = detail::fit_scaler<N, B>(data, config.standardize);
  const auto x = detail::scaled_features<N, B>(data, out.model.scale);
  using objective = detail::crf_objective<N, B>;
  objective f(x.data(), data, config.c2);
  const auto theta =
      detail::bfgs<objective::parameters>(f, config.tolerance, config.max_iterations, out.report);
  auto& rule = out.model.rule;
  for (std::size_t y = 0; y < 2; ++y) {
    for (std::size_t j = 0; j < N; ++j) rule.weights[y][j] = static_cast<float>(theta[y * N + j]);
    rule.bias[y] = static_cast<float>(theta[2 * N + y]);
    for (std::size_t to = 0; to < 2; ++to)
      rule.transitions[y][to] = static_cast<float>(theta[2 * N + 2 + 2 * y + to]);
  }
  return out;
}

}  // namespace v0
}  // namespace lagom
