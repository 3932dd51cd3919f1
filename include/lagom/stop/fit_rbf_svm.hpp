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
///
/// Kept for every row is v = -y gradient, which an update changes by multiples of two rows of the kernel matrix; the same
/// pass finds the next i. Rows beyond the last, up to whole lanes, are in neither set.
template <std::size_t N, backend B>
class smo {
  static constexpr index_t lanes = kernel_cache<N, B>::lanes;
  using lane_values = typename kernel_cache<N, B>::lane_values;

 public:
  smo(const float* x, const dataset_view& data, const rbf_svm_config& config, class_costs costs, float gamma)
      : data_(data), config_(config), costs_(costs), cache_(x, data.rows(), gamma, config.cache_bytes) {
    const auto rows = static_cast<std::size_t>((data.rows() + lanes - 1) / lanes * lanes);
    alpha_.resize(rows, 0.0);
    value_.resize(rows, 0.0);
    grow_.resize(rows, -outside);
    shrink_.resize(rows, outside);
    for (index_t t = 0; t < data.rows(); ++t) {
      value_[at(t)] = label(t);  // the gradient is -1
      place(t);
    }
  }

  void minimise(fit_report& report) {
    candidate i = highest(0, grow_.data(), 0, grow_.data());
    for (report.iterations = 0; report.iterations < config_.max_iterations; ++report.iterations) {
      if (i.row < 0) {
        report.converged = true;
        break;
      }
      const float* const ki = cache_.row(i.row);
      double lowest = 0;
      const index_t j = partner(i.value, ki, lowest);
      if (j < 0 || !(i.value - lowest >= config_.tolerance)) {
        report.converged = true;
        break;
      }
      i = update(i.row, j, ki, cache_.row(j));
    }
    report.objective = 0;
    for (index_t t = 0; t < data_.rows(); ++t) report.objective += alpha(t) * (gradient(t) - 1) / 2;
  }

  [[nodiscard]] double alpha(index_t i) const noexcept { return alpha_[at(i)]; }

  /// -rho: from the free multipliers, or the middle of the interval that optimality leaves.
  [[nodiscard]] double bias() const noexcept {
    double upper = 1e300, lower = -1e300, sum = 0;
    index_t free = 0;
    for (index_t i = 0; i < data_.rows(); ++i) {
      const double yg = -value_[at(i)];
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
  static constexpr double outside = 1e300;
  struct candidate {
    double value = 0;
    index_t row = -1;
  };

  LAGOM_INLINE static std::size_t at(index_t i) noexcept { return static_cast<std::size_t>(i); }
  [[nodiscard]] double label(index_t i) const noexcept { return static_cast<double>(data_.labels[i]); }
  [[nodiscard]] double gradient(index_t i) const noexcept { return -label(i) * value_[at(i)]; }
  [[nodiscard]] double cost(index_t i) const noexcept { return cost_of(data_, costs_, i); }
  [[nodiscard]] bool at_upper(index_t i) const noexcept { return alpha(i) >= cost(i); }
  [[nodiscard]] bool at_bound(index_t i) const noexcept { return alpha(i) <= 0 || at_upper(i); }

  /// Which sets a row is in: those whose v may grow, and those whose v may shrink.
  void place(index_t t) noexcept {
    const bool positive = data_.labels[t] > 0, low = alpha(t) <= 0, high = at_upper(t);
    grow_[at(t)] = (positive ? !high : !low) ? 0.0 : -outside;
    shrink_[at(t)] = (positive ? !low : !high) ? 0.0 : outside;
  }

  /// v -= pull_i K_i + pull_j K_j, and the first of the highest v that may grow.
  template <class Row>
  candidate highest(double pull_i, const Row* LAGOM_RESTRICT ki, double pull_j,
                    const Row* LAGOM_RESTRICT kj) noexcept {
    double* LAGOM_RESTRICT const v = value_.data();
    const double* LAGOM_RESTRICT const grow = grow_.data();
    lane_values best, where, here;
    for (index_t k = 0; k < lanes; ++k) {
      best[k] = -outside / 2;
      where[k] = -1;
      here[k] = static_cast<double>(k);
    }
    const auto rows = static_cast<index_t>(value_.size());
    for (index_t t = 0; t < rows; t += lanes) {
      for (index_t k = 0; k < lanes; ++k) {
        const double next =
            v[t + k] - (pull_i * static_cast<double>(ki[t + k]) + pull_j * static_cast<double>(kj[t + k]));
        v[t + k] = next;
        const double c = next + grow[t + k];
        where[k] = c > best[k] ? here[k] : where[k];
        best[k] = c > best[k] ? c : best[k];
        here[k] += static_cast<double>(lanes);
      }
    }
    return first_of(best, where);
  }

  /// The j that gains most with i, and the lowest v that may shrink.
  index_t partner(double high, const float* LAGOM_RESTRICT ki, double& lowest) const noexcept {
    const double* LAGOM_RESTRICT const v = value_.data();
    const double* LAGOM_RESTRICT const shrink = shrink_.data();
    lane_values best, where, low, here;
    for (index_t k = 0; k < lanes; ++k) {
      best[k] = 0;
      where[k] = -1;
      low[k] = outside;
      here[k] = static_cast<double>(k);
    }
    const auto rows = static_cast<index_t>(value_.size());
    for (index_t t = 0; t < rows; t += lanes) {
      for (index_t k = 0; k < lanes; ++k) {
        const double c = v[t + k] + shrink[t + k];
        low[k] = c < low[k] ? c : low[k];
        const double difference = high - c > 0 ? high - c : 0.0;
        const double bend = 2 - 2 * static_cast<double>(ki[t + k]);
        const double gain = difference * difference / (bend > 1e-12 ? bend : 1e-12);
        where[k] = gain > best[k] ? here[k] : where[k];
        best[k] = gain > best[k] ? gain : best[k];
        here[k] += static_cast<double>(lanes);
      }
    }
    lowest = outside;
    for (const double l : low) lowest = l < lowest ? l : lowest;
    return first_of(best, where).row;
  }

  /// The best lane, of equal ones that of the first row.
  static candidate first_of(const lane_values& best, const lane_values& where) noexcept {
    candidate c;
    for (index_t k = 0; k < lanes; ++k) {
      const auto row = static_cast<index_t>(where[k]);
      if (row >= 0 && (c.row < 0 || best[k] > c.value || (!(best[k] < c.value) && row < c.row)))
        c = {best[k], row};
    }
    return c;
  }

  /// The two-variable subproblem, clipped to the box; returns the next i.
  candidate update(index_t i, index_t j, const float* ki, const float* kj) {
    const double yi = label(i), yj = label(j), ci = cost(i), cj = cost(j);
    double curvature = 2 - 2 * static_cast<double>(ki[j]);
    if (!(curvature > 1e-12)) curvature = 1e-12;
    const double old_i = alpha(i), old_j = alpha(j);
    // Along alpha_i += yi * d, alpha_j -= yj * d the equality constraint holds.
    double d = (value_[at(i)] - value_[at(j)]) / curvature;
    const double room_i = yi > 0 ? ci - old_i : old_i;
    const double room_j = yj > 0 ? old_j : cj - old_j;
    if (d > room_i) d = room_i;
    if (d > room_j) d = room_j;
    double ai = old_i + yi * d, aj = old_j - yj * d;
    if (d == room_i) ai = yi > 0 ? ci : 0;  // land on the bound itself, not beside it
    if (d == room_j) aj = yj > 0 ? 0 : cj;
    alpha_[at(i)] = ai;
    alpha_[at(j)] = aj;
    place(i);
    place(j);
    return highest(yi * (ai - old_i), ki, yj * (aj - old_j), kj);
  }

  dataset_view data_;
  rbf_svm_config config_;
  class_costs costs_;
  kernel_cache<N, B> cache_;
  std::vector<double> alpha_, value_;
  std::vector<double> grow_, shrink_;  ///< added to v: 0 in the set, far away outside
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
