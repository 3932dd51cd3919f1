// SPDX-License-Identifier: MIT
/// @file stop/bfgs.hpp
/// Quasi-Newton minimisation of a smooth convex function of a few dozen unknowns.
#pragma once

#include <array>

#include "fit.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// BFGS (Nocedal & Wright 2006, section 6.1) with the inverse Hessian held whole and a halving line search, in stages:
/// what one stage learnt of the curvature the next one uses.
template <backend B, std::size_t P>
class bfgs {
 public:
  using vector = std::array<double, P>;

  vector theta{};
  double value = 0;
  int iterations = 0;

  enum class end : std::uint8_t { minimum, stuck, unsound, limit };

  /// `objective(theta, gradient, value)` is false where it cannot be computed. Ends where the model promises less than
  /// `enough` of the value: at the minimum; where a step does not lower it: `stuck`, or the minimum if `exact`; where the
  /// objective fails; or after `limit` steps in all.
  template <class Objective>
  end descend(Objective& objective, double enough, int limit, bool exact) {
    vector gradient{}, next{}, next_gradient{}, direction{};
    if (!objective(theta, gradient, value)) return end::unsound;
    if (!scaled_) reset(gradient);
    for (; iterations < limit; ++iterations) {
      for (std::size_t i = 0; i < P; ++i) direction[i] = -inner(inverse_[i], gradient);
      const double slope = inner(direction, gradient);  // minus twice the gain that the model predicts
      if (!(-slope > enough * (1e-300 + (value < 0 ? -value : value)))) return end::minimum;
      double t = 1, next_value = value;
      bool fell = false;
      for (int halving = 0; halving < 60 && !fell; ++halving, t /= 2) {
        for (std::size_t i = 0; i < P; ++i) next[i] = theta[i] + t * direction[i];
        if (!objective(next, next_gradient, next_value)) return end::unsound;
        fell = next_value <= value + 1e-4 * t * slope;
        if (!exact && halving == 4) break;
      }
      if (!fell) {
        if (!exact) return end::stuck;
        if (fresh_) return end::minimum;  // not even along the gradient: the minimum, in double precision
        reset(gradient);
        continue;
      }
      learn(next, next_gradient, gradient);
      theta = next;
      gradient = next_gradient;
      value = next_value;
    }
    return end::limit;
  }

  /// The objective becomes `factor` times as large.
  void scale(double factor) noexcept {
    for (auto& row : inverse_) {
      for (double& v : row) v /= factor;
    }
  }

 private:
  static double inner(const vector& a, const vector& b) noexcept {
    double sum = 0;
    for (std::size_t i = 0; i < P; ++i) sum += a[i] * b[i];
    return sum;
  }

  void reset(const vector& gradient) noexcept {
    const double size = sqrt(inner(gradient, gradient));
    for (std::size_t i = 0; i < P; ++i) {
      inverse_[i] = {};
      inverse_[i][i] = 1 / (size > 1 ? size : 1);
    }
    scaled_ = fresh_ = true;
  }

  void learn(const vector& next, const vector& next_gradient, const vector& gradient) noexcept {
    fresh_ = false;
    vector s{}, y{}, hy{};
    for (std::size_t i = 0; i < P; ++i) {
      s[i] = next[i] - theta[i];
      y[i] = next_gradient[i] - gradient[i];
    }
    const double sy = inner(s, y);
    if (!(sy > 1e-14 * inner(y, y))) return;
    for (std::size_t i = 0; i < P; ++i) hy[i] = inner(inverse_[i], y);
    const double yhy = inner(y, hy);
    for (std::size_t i = 0; i < P; ++i) {
      for (std::size_t k = 0; k < P; ++k)
        inverse_[i][k] += (1 + yhy / sy) * s[i] * s[k] / sy - (hy[i] * s[k] + s[i] * hy[k]) / sy;
    }
  }

  std::array<vector, P> inverse_{};
  bool scaled_ = false, fresh_ = false;
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
