// SPDX-License-Identifier: MIT
/// @file stop/fit_linear_svm.hpp
/// Fitting a linear support vector machine.
#pragma once

#include "interior_point.hpp"
#include "linear_svm.hpp"

namespace lagom {
inline namespace v0 {

/// Loss of a margin m: hinge max(0, 1 - m), or its square.
enum class svm_loss : std::uint8_t { hinge, squared_hinge };

/// min 1/2 |w|^2 (+ 1/2 b^2 if the bias is regularised) + C sum_i weight_i loss(y_i (w . x_i + b)).
///
/// - hinge + unregularised = libsvm's and scikit-learn's `SVC(kernel="linear")`;
/// - hinge or squared_hinge + regularised = liblinear's and scikit-learn's `LinearSVC`.
///
/// `positive_weight` multiplies C for the rows labelled +1, `negative_weight` for the others: a larger
/// `negative_weight` makes stopping rarer and safer. `balanced` first gives both classes the same total weight:
/// where nearly every layer is right, the few wrong ones would otherwise hardly count.
struct linear_svm_config {
  double C = 1;
  svm_loss loss = svm_loss::squared_hinge;
  bias_term bias = bias_term::unregularised;
  double positive_weight = 1;
  double negative_weight = 1;
  bool balanced = false;
  bool standardize = true;   ///< fit, and later apply, to (x - mean) / deviation
  double tolerance = 1e-10;  ///< of the objective, relative
  int max_iterations = 200;
};

namespace detail {
struct squared_hinge_loss {
  static constexpr bool slow = false;
  template <class T>
  LAGOM_INLINE static void at(T m, T& value, T& slope, T& curvature) noexcept {
    const T short_of = m < 1 ? 1 - m : T(0);
    value = short_of * short_of;
    slope = -2 * short_of;
    curvature = m < 1 ? T(2) : T(0);
  }
};

/// What linear classifiers share: rows, costs, and the solution in float, as it will run.
template <template <std::size_t> class Model, std::size_t N, backend B, class Config, class Solve>
result<fitted<standardized<Model<N>>>> fit_linear(const Config& config, const dataset_view& data,
                                                  const Solve& solve) {
  if (auto ok = check_costs<B>(config); !ok) return ok.error();
  const auto rows = prepare<N, B>(data, config.standardize);
  if (!rows) return rows.error();
  fitted<standardized<Model<N>>> out{.model = {.scale = rows->scale}, .report = rows->report};
  const small_vector<N + 1> v = solve(*rows, costs_of(config, out.report), out.report);
  auto& rule = out.model.rule;
  for (std::size_t j = 0; j < N; ++j) rule.weights[j] = static_cast<float>(v[j]);
  rule.bias = static_cast<float>(v[N]);
  return finished<B>(std::move(out),
                     {vec_view<const float>(rule.weights, N), vec_view<const float>(&rule.bias, 1)});
}

/// The same by Newton.
template <template <std::size_t> class Model, std::size_t N, backend B, class Loss, class Config, executor E>
auto fit_by_newton(const Config& config, const dataset_view& data, const E& run) {
  return fit_linear<Model, N, B>(
      config, data, [&](const training_rows<N>& rows, class_costs costs, fit_report& report) {
        return newton<N, B, Loss, E>(rows, costs, config.bias, config.tolerance, config.max_iterations, run)
            .minimise(report);
      });
}
}  // namespace detail

/// Fits a linear SVM on the first N features: exactly, by Newton (squared hinge) or an interior point method
/// (hinge). Deterministic: `run` spreads Newton's passes over threads and changes no bit.
/// Cost: squared hinge, 4 to 8 passes of N (N + 5) / 2 multiply-adds a row, in float lanes but the last; hinge, O(rows N^2)
/// an iteration in double, 20 to 100 of them.
/// Fails with `empty`, `wrong_width`, `wrong_shape`, `one_class`, `not_finite`, `bad_value` (C or a weight that is not
/// positive and finite), `not_converged` (numbers beyond double precision). Reaching `max_iterations` is no failure: the
/// report says so.
template <std::size_t N, backend B = portable, executor E = seq>
result<fitted<standardized<linear_svm<N>>>> fit(const linear_svm_config& config, const dataset_view& data,
                                                const E& run = {}) {
  if (config.loss == svm_loss::squared_hinge) {
    return detail::fit_by_newton<linear_svm, N, B, detail::squared_hinge_loss>(config, data, run);
  }
  return detail::fit_linear<linear_svm, N, B>(
      config, data, [&](const auto& rows, auto costs, fit_report& report) {
        const auto x = detail::scaled_features<N, B>(rows);
        const detail::linear_problem<N> problem{x.data(), rows.data, costs, config.bias};
        return detail::hinge_interior_point<N, B>(problem, config.tolerance, config.max_iterations)
            .minimise(report);
      });
}

}  // namespace v0
}  // namespace lagom
