// SPDX-License-Identifier: MIT
/// @file embed/pursuit.hpp
/// Least squares, one column after another.
#pragma once

#include <algorithm>
#include <vector>

#include "../kernel/dot.hpp"
#include "sparse_distribution.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {
namespace detail {

/// A vector x and the atoms taken so far, as an orthonormal basis: q_1 ... q_n with a_j = sum_i r_ij q_i.
class pursuit {
 public:
  template <std::floating_point T>
  explicit pursuit(vec_view<const T> x) {
    for (index_t j = 0; j < x.size(); ++j) residual_.push_back(static_cast<double>(x[j]));
    start_ = norm(residual_);
  }
  [[nodiscard]] const std::vector<double>& residual() const noexcept { return residual_; }
  [[nodiscard]] const std::vector<std::uint32_t>& taken() const noexcept { return sorted_; }
  [[nodiscard]] bool done() const noexcept { return done_ || norm(residual_) <= 1e-6 * start_; }
  void stop() noexcept { done_ = true; }

  /// Takes an atom in; one that lies in the span of the others is not taken, and ends the pursuit.
  template <std::floating_point T>
  void take(std::uint32_t id, vec_view<const T> atom) {
    std::vector<double> q, column;
    for (index_t j = 0; j < atom.size(); ++j) q.push_back(static_cast<double>(atom[j]));
    const double size = norm(q);
    column.assign(basis_.size(), 0);
    for (int pass = 0; pass < 2; ++pass) {  // the second pass takes the rounding of the first away
      for (std::size_t i = 0; i < basis_.size(); ++i) {
        const double r = dot_of(basis_[i], q);
        column[i] += r;
        for (std::size_t j = 0; j < q.size(); ++j) q[j] -= r * basis_[i][j];
      }
    }
    const double rest = norm(q);
    if (!(rest > 1e-6 * size)) return stop();
    for (double& x : q) x /= rest;
    column.push_back(rest);
    const double along = dot_of(q, residual_);
    for (std::size_t j = 0; j < q.size(); ++j) residual_[j] -= along * q[j];
    basis_.push_back(std::move(q));
    triangle_.push_back(std::move(column));
    along_.push_back(along);
    order_.push_back(id);
    sorted_.insert(std::lower_bound(sorted_.begin(), sorted_.end(), id), id);
  }

  /// The least-squares coefficients of the atoms: R c = Q^T x.
  [[nodiscard]] std::vector<scored> coefficients() const {
    std::vector<double> c = along_;
    for (std::size_t i = c.size(); i-- > 0;) {
      c[i] /= triangle_[i][i];
      for (std::size_t k = 0; k < i; ++k) c[k] -= triangle_[i][k] * c[i];
    }
    std::vector<scored> out;
    for (std::size_t i = 0; i < c.size(); ++i) out.push_back({order_[i], c[i]});
    return out;
  }

 private:
  static double dot_of(const std::vector<double>& x, const std::vector<double>& y) noexcept {
    return dot(portable{}, x, y);
  }
  static double norm(const std::vector<double>& x) noexcept { return lagom::detail::sqrt(dot_of(x, x)); }

  std::vector<double> residual_, along_;
  std::vector<std::vector<double>> basis_, triangle_;
  std::vector<std::uint32_t> order_, sorted_;
  double start_ = 0;
  bool done_ = false;
};

}  // namespace detail
}  // namespace embed
}  // namespace v0
}  // namespace lagom
