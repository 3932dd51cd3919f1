// SPDX-License-Identifier: MIT
/// @file stop/lbfgs.hpp
/// Quasi-Newton minimisation of a smooth function of any number of unknowns.
#pragma once

#include <vector>

#include "../core/backend.hpp"
#include "../core/math.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Limited-memory BFGS (Nocedal & Wright 2006, algorithm 7.4), the last `kept` steps, with a line search that doubles a
/// step which is too short (weak Wolfe) and halves one which is too long (Armijo). Pairs of negative curvature are left
/// out, so that a function that is not convex is descended too. Memory: (2 kept + 5) vectors.
template <backend B>
class lbfgs {
 public:
  using vector = std::vector<double>;
  static constexpr int kept = 16;

  vector theta;
  double value = 0;
  int iterations = 0;

  enum class end : std::uint8_t { minimum, unsound, limit };

  /// `objective(theta, gradient, value)` is false where it cannot be computed. Ends where no element of the gradient is
  /// larger than `tolerance`, or where not even a step along the gradient lowers the value: the minimum, in double precision.
  template <class Objective>
  end descend(const Objective& objective, double tolerance, int limit) {
    const std::size_t n = theta.size();
    vector gradient(n), next(n), next_gradient(n), direction(n);
    if (!objective(theta, gradient, value)) return end::unsound;
    pairs_ = 0;
    for (; iterations < limit; ++iterations) {
      if (!(largest(gradient) > tolerance)) return end::minimum;
      const bool fresh = pairs_ == 0;
      const double slope = aim(gradient, direction);
      double t = fresh ? 1 / (1 + sqrt(inner(gradient, gradient))) : 1;
      double low = 0, high = 0, next_value = 0;  // a step between: none too long yet where high is 0
      bool fell = false;
      for (int trial = 0; trial < 60; ++trial) {
        for (std::size_t i = 0; i < n; ++i) next[i] = theta[i] + t * direction[i];
        const bool sound = objective(next, next_gradient, next_value);
        const double next_slope = inner(next_gradient, direction);
        // Where values differ by rounding alone, slopes say whether a step is too long (Hager & Zhang 2005).
        const double rounding = 1e-13 * (value < 0 ? -value : value);
        fell = sound && (next_value <= value + 1e-4 * t * slope ||
                         (next_value <= value + rounding && next_slope <= -0.9998 * slope));
        if (!fell) {
          high = t;
        } else if (next_slope < 0.9 * slope && trial < 20) {
          low = t;
        } else {
          break;
        }
        t = high > 0 ? (low + high) / 2 : 2 * t;
      }
      if (!fell) {
        if (fresh) return end::minimum;
        pairs_ = 0;  // forget, and try along the gradient
        continue;
      }
      learn(next, gradient, next_gradient);
      theta.swap(next);
      gradient.swap(next_gradient);
      value = next_value;
    }
    return end::limit;
  }

 private:
  struct pair {
    vector s, y;
    double sy = 0;
  };

  static double inner(const vector& a, const vector& b) noexcept {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  }
  static double largest(const vector& a) noexcept {
    double most = 0;
    for (const double x : a) {
      const double size = x < 0 ? -x : x;
      most = size > most ? size : most;
    }
    return most;
  }

  /// direction = -H gradient; the slope along it.
  double aim(const vector& gradient, vector& direction) noexcept {
    for (std::size_t i = 0; i < gradient.size(); ++i) direction[i] = -gradient[i];
    const int first = pairs_ > kept ? pairs_ - kept : 0;
    double along[kept] = {};
    for (int k = pairs_; k-- > first;) {
      const pair& p = pair_[k % kept];
      along[k % kept] = inner(p.s, direction) / p.sy;
      for (std::size_t i = 0; i < direction.size(); ++i) direction[i] -= along[k % kept] * p.y[i];
    }
    if (pairs_ > 0) {
      const pair& p = pair_[(pairs_ - 1) % kept];
      const double scale = p.sy / inner(p.y, p.y);
      for (double& d : direction) d *= scale;
    }
    for (int k = first; k < pairs_; ++k) {
      const pair& p = pair_[k % kept];
      const double back = along[k % kept] - inner(p.y, direction) / p.sy;
      for (std::size_t i = 0; i < direction.size(); ++i) direction[i] += back * p.s[i];
    }
    return inner(gradient, direction);
  }

  void learn(const vector& next, const vector& gradient, const vector& next_gradient) {
    pair& p = pair_[pairs_ % kept];
    p.s.resize(next.size());
    p.y.resize(next.size());
    for (std::size_t i = 0; i < next.size(); ++i) {
      p.s[i] = next[i] - theta[i];
      p.y[i] = next_gradient[i] - gradient[i];
    }
    p.sy = inner(p.s, p.y);
    if (p.sy > 1e-14 * inner(p.y, p.y)) ++pairs_;
  }

  pair pair_[kept];
  int pairs_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
