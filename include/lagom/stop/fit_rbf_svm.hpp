// SPDX-License-Identifier: MIT
/// @file stop/fit_rbf_svm.hpp
/// Fitting a Gaussian-kernel support vector machine by SMO.
#pragma once

#include "fit.hpp"
#include "kernel_cache.hpp"
#include "rbf_svm.hpp"

namespace lagom {
inline namespace v0 {

/// The dual of the C-SVC with kernel exp(-gamma |x - z|^2) and a free bias, as in libsvm:
/// min 1/2 alpha' Q alpha - sum alpha, 0 <= alpha_i <= C weight_i, sum alpha_i y_i = 0.
///
/// `gamma` = 0 means scikit-learn's "scale": 1 / (N * variance of all features together), after standardisation.
/// `max_rows` > 0 trains on that many rows at most, one drawn from each of as many equal stretches (always the same
/// ones): the cost grows faster than rows^2, and a data set of layers is highly redundant.
struct rbf_svm_config {
  double C = 1;
  double gamma = 0;
  double positive_weight = 1;
  double negative_weight = 1;
  bool balanced = false;
  bool standardize = true;
  double tolerance = 1e-3;  ///< of the optimality conditions, as libsvm's -e
  int max_iterations = 10'000'000;
  std::size_t cache_bytes = std::size_t{100} << 20;
  index_t max_rows = 0;
};

namespace detail {

/// Sequential minimal optimisation, second-order working sets (Fan, Chen & Lin, JMLR 2005).
template <std::size_t N, backend B>
class smo {
 public:
  smo(const float* x, const dataset_view& data, const rbf_svm_config& config, class_costs costs, float gamma)
      : data_(data), config_(config), costs_(costs), cache_(x, data.rows(), gamma, config.cache_bytes) {
    alpha_.resize(static_cast<std::size_t>(data.rows()), 0.0);
    gradient_.resize(static_cast<std::size_t>(data.rows()), -1.0);
  }

  void minimise(fit_report& report) {
    for (report.iterations = 0; report.iterations < config_.max_iterations; ++report.iterations) {
      index_t i, j;
      if (!working_set(i, j)) {
        report.converged = true;
        break;
      }
      update(i, j);
    }
    report.objective = 0;
    for (index_t i = 0; i < data_.rows(); ++i) report.objective += alpha(i) * (gradient(i) - 1) / 2;
  }

  [[nodiscard]] double alpha(index_t i) const noexcept { return alpha_[static_cast<std::size_t>(i)]; }

  /// -rho: from the free multipliers, or the middle of the interval that optimality leaves.
  [[nodiscard]] double bias() const noexcept {
    double upper = 1e300, lower = -1e300, sum = 0;
    index_t free = 0;
    for (index_t i = 0; i < data_.rows(); ++i) {
      const double yg = label(i) * gradient(i);
      if (at_bound(i)) {
        const bool bounds_above = at_upper(i) ? label(i) < 0 : label(i) > 0;
        if (bounds_above) {
          upper = yg < upper ? yg : upper;
        } else {
          lower = yg > lower ? yg : lower;
        }
      } else {
        ++free;
        sum += yg;
      }
    }
    return -(free > 0 ? sum / static_cast<double>(free) : (upper + lower) / 2);
  }

 private:
  [[nodiscard]] double label(index_t i) const noexcept { return static_cast<double>(data_.labels[i]); }
  [[nodiscard]] double gradient(index_t i) const noexcept { return gradient_[static_cast<std::size_t>(i)]; }
  [[nodiscard]] double cost(index_t i) const noexcept {
    return (data_.labels[i] > 0 ? costs_.positive : costs_.negative) * static_cast<double>(data_.weight(i));
  }
  [[nodiscard]] bool at_upper(index_t i) const noexcept { return alpha(i) >= cost(i); }
  [[nodiscard]] bool at_bound(index_t i) const noexcept { return alpha(i) <= 0 || at_upper(i); }

  /// The most violating i, and the j that gains most with it; false when optimal to the tolerance.
  bool working_set(index_t& i, index_t& j) {
    double highest = -1e300;
    i = -1;
    for (index_t t = 0; t < data_.rows(); ++t) {
      const bool may_grow = data_.labels[t] > 0 ? !at_upper(t) : alpha(t) > 0;
      const double value = -label(t) * gradient(t);
      if (may_grow && value > highest) {
        highest = value;
        i = t;
      }
    }
    if (i < 0) return false;
    const float* ki = cache_.row(i);
    double lowest = 1e300, best = 0;
    j = -1;
    for (index_t t = 0; t < data_.rows(); ++t) {
      const bool may_shrink = data_.labels[t] > 0 ? alpha(t) > 0 : !at_upper(t);
      if (!may_shrink) continue;
      const double value = -label(t) * gradient(t);
      lowest = value < lowest ? value : lowest;
      const double difference = highest - value;
      if (difference <= 0) continue;
      const double curvature = 2 - 2 * static_cast<double>(ki[t]);
      const double gain = difference * difference / (curvature > 1e-12 ? curvature : 1e-12);
      if (gain > best) {
        best = gain;
        j = t;
      }
    }
    return j >= 0 && highest - lowest >= config_.tolerance;
  }

  /// The two-variable subproblem, clipped to the box.
  void update(index_t i, index_t j) {
    const float* ki = cache_.row(i);
    const float* kj = cache_.row(j);
    const double yi = label(i), yj = label(j), ci = cost(i), cj = cost(j);
    double curvature = 2 - 2 * static_cast<double>(ki[j]);
    if (!(curvature > 1e-12)) curvature = 1e-12;
    const double old_i = alpha(i), old_j = alpha(j);
    // Along alpha_i += yi * d, alpha_j -= yj * d the equality constraint holds.
    double d = (-yi * gradient(i) + yj * gradient(j)) / curvature;
    const double room_i = yi > 0 ? ci - old_i : old_i;
    const double room_j = yj > 0 ? old_j : cj - old_j;
    if (d > room_i) d = room_i;
    if (d > room_j) d = room_j;
    double ai = old_i + yi * d, aj = old_j - yj * d;
    if (d == room_i) ai = yi > 0 ? ci : 0;  // land on the bound itself, not beside it
    if (d == room_j) aj = yj > 0 ? 0 : cj;
    alpha_[static_cast<std::size_t>(i)] = ai;
    alpha_[static_cast<std::size_t>(j)] = aj;
    const double pull_i = yi * (ai - old_i), pull_j = yj * (aj - old_j);
    double* LAGOM_RESTRICT g = gradient_.data();
    const signed char* LAGOM_RESTRICT y = data_.labels.data();
    for (index_t t = 0; t < data_.rows(); ++t) {
      g[t] += static_cast<double>(y[t]) *
              (pull_i * static_cast<double>(ki[t]) + pull_j * static_cast<double>(kj[t]));
    }
  }

  dataset_view data_;
  rbf_svm_config config_;
  class_costs costs_;
  kernel_cache<N, B> cache_;
  std::vector<double> alpha_, gradient_;
};

/// 1 / (N * variance of all scaled features together), scikit-learn's gamma="scale".
template <std::size_t N, backend B>
double scale_gamma(const std::vector<float>& x) noexcept {
  double mean = 0, variance = 0;
  for (const float v : x) mean += static_cast<double>(v);
  mean /= static_cast<double>(x.size());
  for (const float v : x) variance += (static_cast<double>(v) - mean) * (static_cast<double>(v) - mean);
  variance /= static_cast<double>(x.size());
  return variance > 0 ? 1 / (static_cast<double>(N) * variance) : 1.0;
}

}  // namespace detail

/// Fits a Gaussian-kernel SVM on the first N features by SMO. Deterministic. Cost: O(rows) an iteration plus
/// O(rows N) for a kernel row that is not cached; iterations grow with the number of support vectors.
/// Fails like `fit(linear_svm_config, ...)`, with `bad_value` also for a negative gamma.
template <std::size_t N, backend B = portable>
result<fitted<standardized<rbf_svm<N>>>> fit(const rbf_svm_config& config, const dataset_view& all) {
  if (auto ok = detail::check_costs<B>(config); !ok) return ok.error();
  if (config.gamma != 0) {
    if (auto ok = detail::check_positive<B>(config.gamma, "gamma"); !ok) return ok.error();
  }
  auto rows = detail::prepare<N, B>(all, config.standardize, config.max_rows);
  if (!rows) return rows.error();
  const dataset_view& data = rows->data;
  const std::vector<float> x = detail::scaled_features<N, B>(*rows);
  fitted<standardized<rbf_svm<N>>> out{.model = {.scale = rows->scale}, .report = rows->report};
  const double gamma = config.gamma > 0 ? config.gamma : detail::scale_gamma<N, B>(x);
  auto& rule = out.model.rule;
  rule.gamma = static_cast<float>(gamma);
  detail::smo<N, B> solver(x.data(), data, config, detail::costs_of(config, out.report), rule.gamma);
  solver.minimise(out.report);
  rule.bias = static_cast<float>(solver.bias());
  for (index_t i = 0; i < data.rows(); ++i) {
    if (solver.alpha(i) <= 0) continue;
    rule.coefficients.push_back(static_cast<float>(solver.alpha(i) * static_cast<double>(data.labels[i])));
  }
  for (std::size_t f = 0; f < N; ++f) {
    for (index_t i = 0; i < data.rows(); ++i) {
      if (solver.alpha(i) > 0)
        rule.support.push_back(x[f * static_cast<std::size_t>(data.rows()) + static_cast<std::size_t>(i)]);
    }
  }
  return detail::finished<B>(std::move(out),
                             {as_vec(std::as_const(rule.coefficients)), vec_view<const float>(&rule.bias, 1),
                              vec_view<const float>(&rule.gamma, 1)});
}

}  // namespace v0
}  // namespace lagom
