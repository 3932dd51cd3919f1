// SPDX-License-Identifier: MIT
/// @file stop/newton.hpp
/// Exact Newton for linear models with a twice (almost everywhere) differentiable loss.
#pragma once

#include "linear_derivatives.hpp"

namespace lagom {
inline namespace v0 {

/// Is the bias part of the regularisation term? liblinear says yes, libsvm and scikit-learn's
/// LogisticRegression say no; the two give different classifiers.
enum class bias_term : std::uint8_t { unregularised, regularised };

namespace detail {

/// Damped Newton on  F(w, b) = 1/2 |w|^2 (+ 1/2 b^2) + sum_i c_i loss(y_i (w . x_i + b)); the last unknown is b.
///
/// A step of the full Hessian, halved until F falls enough; done when the predicted gain is below `tolerance` times F.
/// Stages, each starting where the one before ended: every 64th tile of the rows, then every fourth (many rows only), then
/// all, in float; all in double. Those in float only find the neighbourhood of the minimum: F and its gradient,
/// by which the end is judged, are in double, and where float got lost the last stage begins at zero.
/// Cost: 4 passes over many rows, 7 over few.
///
/// `Loss::at(m, value, slope, curvature)` of the margin m = y (w . x + b), for float and double; `Loss::slow` if an exponential.
template <std::size_t N, backend B, class Loss, executor E>
class newton {
  using vector = small_vector<N + 1>;

 public:
  newton(const training_rows<N>& rows, class_costs costs, bias_term bias, double tolerance,
         int max_iterations, const E& run)
      : rows_(rows),
        costs_(costs),
        bias_(bias),
        tolerance_(tolerance),
        max_iterations_(max_iterations),
        run_(run),
        at_zero_(value_at_zero()) {}

  /// The minimum. Steps on a share of the rows are not counted.
  vector minimise(fit_report& report) {
    report.iterations = 0;
    vector start{};
    for (const index_t every : {64, 4}) {
      if (rows_.data.rows() >= every * stretch)
        start = descend<float>(start, every, 1e-2 / static_cast<double>(every), 10).v;
    }
    point at = descend<float>(start, 1, 1e-5, max_iterations_);
    report.iterations = at.steps;
    const bool near = sound(at) && refine(at, report);  // at the minimum, by F in double
    if (!near) {
      at = descend<double>(sound(at) ? at.v : vector{}, 1, tolerance_, max_iterations_ - report.iterations);
      report.iterations += at.steps;
    }
    report.converged = near || at.done;
    report.objective = at.value;
    return at.v;
  }

 private:
  static constexpr index_t stretch = 1024;  ///< rows of which a share is worth a look

  struct point {
    vector v{};
    double value = 0;
    linear_derivatives<N> sums{};
    int steps = 0;
    bool done = false;
  };
  struct move {
    vector step;
    double gain;  ///< twice what the quadratic model promises
  };

  [[nodiscard]] LAGOM_INLINE double ridge(std::size_t j) const noexcept {
    return j < N || bias_ == bias_term::regularised ? 1.0 : 0.0;
  }

  /// F at v, of every `every`-th tile and as large a share of the regularisation.
  template <class T, bool Second = true, class Margin = T>
  point evaluate(const vector& v, index_t every) const {
    point p{.v = v, .sums = linear_sums<N, B, Loss, T, Margin, Second>(rows_, costs_, v, every, run_)};
    const double share = 1 / static_cast<double>(every);
    p.value = p.sums.value;
    for (std::size_t j = 0; j <= N; ++j) {
      p.value += share * ridge(j) * v[j] * v[j] / 2;
      p.sums.gradient[j] += share * ridge(j) * v[j];
      if constexpr (Second) p.sums.hessian[j][j] += share * ridge(j);
    }
    return p;
  }

  /// F and its gradient. Where the loss takes long in double, and there are many rows for its rounding to cancel (F is
  /// then right to 3e-8), only the margins are in double.
  point gradient(const vector& v) const {
    if (Loss::slow && rows_.data.rows() >= 16 * stretch) return evaluate<float, false, double>(v, 1);
    return evaluate<double, false>(v, 1);
  }

  [[nodiscard]] double value_at_zero() const {
    double value = 0, slope = 0, curvature = 0, cost = 0;
    Loss::at(0.0, value, slope, curvature);
    for (index_t i = 0; i < rows_.data.rows() && !rows_.data.weights.empty(); ++i)
      cost += cost_of(rows_.data, costs_, i);
    if (rows_.data.weights.empty()) {
      const auto positives = static_cast<double>(rows_.report.positives);
      cost = costs_.positive * positives +
             costs_.negative * (static_cast<double>(rows_.report.rows) - positives);
    }
    return cost * value;
  }

  [[nodiscard]] static bool sound(const point& p) noexcept {
    bool finite = is_finite(&p.value);
    for (std::size_t a = 0; a <= N; ++a) {
      finite = finite && is_finite(&p.v[a]) && is_finite(&p.sums.gradient[a]);
      for (std::size_t b = 0; b <= a; ++b) finite = finite && is_finite(&p.sums.hessian[a][b]);
    }
    return finite;
  }

  /// The step of the Hessian scaled to a diagonal of ones: features may differ in size by orders of magnitude.
  [[nodiscard]] static move newton_step(const point& p) noexcept {
    vector scale{}, minus{};
    small_matrix<N + 1> hessian{};
    for (std::size_t a = 0; a <= N; ++a) {
      const double h = p.sums.hessian[a][a];
      scale[a] = h > 0 ? 1 / sqrt(h) : 1;
      minus[a] = -p.sums.gradient[a] * scale[a];
      for (std::size_t b = 0; b <= a; ++b) hessian[a][b] = p.sums.hessian[a][b] * scale[a] * scale[b];
    }
    move m{solve<N + 1, B>(hessian, minus), 0};
    for (std::size_t j = 0; j <= N; ++j) {
      m.gain += minus[j] * m.step[j];
      m.step[j] *= scale[j];
    }
    return m;
  }
  [[nodiscard]] static vector moved(const vector& v, const vector& step, double t) noexcept {
    vector next{};
    for (std::size_t j = 0; j <= N; ++j) next[j] = v[j] + t * step[j];
    return next;
  }

  /// Newton until a step promises less than `enough` of F. In float that last step is taken and not looked at, and a
  /// step that does not lower F ends the stage; in double such a step ends the fit: F has no lower value nearby.
  template <class T>
  point descend(const vector& start, index_t every, double enough, int max_steps) const {
    constexpr bool exact = sizeof(T) == sizeof(double);
    point at = evaluate<T>(start, every);
    if (!sound(at) || at.value > at_zero_ / static_cast<double>(every)) at = evaluate<T>(vector{}, every);
    while (sound(at) && !at.done && at.steps < max_steps) {
      const move m = newton_step(at);
      at.done = !(m.gain > enough * (1e-300 + at.value));
      if (at.done) {
        if constexpr (!exact) at.v = moved(at.v, m.step, 1);
        break;
      }
      point next;
      bool fell = false;
      double t = 1;
      for (int halving = 0; halving < 60 && !fell; ++halving, t /= 2) {
        next = evaluate<T>(moved(at.v, m.step, t), every);
        fell = sound(next) && next.value <= at.value - 1e-4 * t * m.gain;
      }
      if (!fell) {
        at.done = true;
        break;
      }
      next.steps = at.steps + 1;
      at = next;
    }
    return at;
  }

  /// Steps in double by the Hessian in float: one, or a few, where float came close; false where that is not enough.
  bool refine(point& at, fit_report& report) const {
    double largest = 0;
    for (std::size_t j = 0; j <= N; ++j)
      largest = at.sums.hessian[j][j] > largest ? at.sums.hessian[j][j] : largest;
    if (!at.done || largest > 1e6) return false;  // rounding beside a regularisation of 1
    const auto hessian = at.sums.hessian;
    double before = 1e300;
    at = gradient(at.v);
    for (;;) {
      at.sums.hessian = hessian;
      if (!sound(at)) return false;
      const move m = newton_step(at);
      if (!(m.gain > tolerance_ * (1e-300 + at.value))) return true;
      if (!(m.gain < before / 16) || report.iterations >= max_iterations_) return false;
      before = m.gain;
      at = gradient(moved(at.v, m.step, 1));
      ++report.iterations;
    }
  }

  const training_rows<N>& rows_;
  class_costs costs_;
  bias_term bias_;
  double tolerance_;
  int max_iterations_;
  const E& run_;
  double at_zero_;
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
