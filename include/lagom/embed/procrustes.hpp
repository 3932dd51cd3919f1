// SPDX-License-Identifier: MIT
/// @file embed/procrustes.hpp
/// The rotation that best carries one set of vectors onto another.
#pragma once

#include <vector>

#include "../core/linear_algebra.hpp"
#include "../vocab/token_vectors.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// A square matrix that turns vectors: row vectors times `rotation`.
class rotation {
 public:
  explicit rotation(index_t width) : width_(width), elements_(static_cast<std::size_t>(width * width)) {}

  [[nodiscard]] index_t width() const noexcept { return width_; }
  [[nodiscard]] mat_view<const double> matrix() const noexcept { return {elements_.data(), width_, width_}; }
  [[nodiscard]] mat_view<double> matrix() noexcept { return {elements_.data(), width_, width_}; }

  /// to = from R. Precondition: both `width()` long and apart. O(width^2).
  void apply(vec_view<const float> from, vec_view<float> to) const {
    std::vector<double> sum(static_cast<std::size_t>(width_));
    for (index_t i = 0; i < width_; ++i) {
      const double x = static_cast<double>(from[i]);
      const double* const row = elements_.data() + i * width_;
      for (index_t j = 0; j < width_; ++j) sum[static_cast<std::size_t>(j)] += x * row[j];
    }
    for (index_t j = 0; j < width_; ++j) to[j] = static_cast<float>(sum[static_cast<std::size_t>(j)]);
  }

 private:
  index_t width_;
  std::vector<double> elements_;
};

/// The orthogonal Procrustes problem: R = argmin ||X R - Y||_F over R^T R = I (Schoenemann, Psychometrika 31,
/// 1966): with X^T Y = U S V^T, R = U V^T. Pair after pair, so that the matrices X and Y need not exist: a
/// mergeable value of width^2 sums.
/// ```cpp
/// lagom::embed::procrustes pairs{300};
/// for (auto& [a, b] : dictionary) pairs.push(vector_of(a), vector_of(b));
/// auto r = pairs.solve(lagom::xtensor_blas{});
/// ```
class procrustes {
 public:
  explicit procrustes(index_t width) : products_(width) {}

  [[nodiscard]] index_t width() const noexcept { return products_.width(); }
  [[nodiscard]] std::uint64_t pairs() const noexcept { return pairs_; }

  /// One row of X and its row of Y. Precondition: both `width()` long. O(width^2).
  void push(vec_view<const float> x, vec_view<const float> y) {
    LAGOM_ASSERT(x.size() == width() && y.size() == width());
    const mat_view<double> sums = products_.matrix();
    for (index_t i = 0; i < width(); ++i) {
      const double a = static_cast<double>(x[i]);
      for (index_t j = 0; j < width(); ++j) sums(i, j) += a * static_cast<double>(y[j]);
    }
    ++pairs_;
  }

  /// Precondition: equal widths.
  void merge(const procrustes& other) {
    LAGOM_ASSERT(width() == other.width());
    for (index_t i = 0; i < width(); ++i) {
      for (index_t j = 0; j < width(); ++j) products_.matrix()(i, j) += other.products_.matrix()(i, j);
    }
    pairs_ += other.pairs_;
  }

  /// R. Where the pairs leave directions open (fewer pairs than the width, zero vectors) R is one of the best
  /// rotations, orthogonal all the same. Fails with `empty` (no pair), `not_finite` or `not_converged`.
  template <linear_algebra<double> B>
  [[nodiscard]] result<rotation> solve(const B& b) const {
    if (pairs_ == 0 || width() == 0) return failure{.code = errc::empty, .key = "dictionary"};
    const auto n = static_cast<std::size_t>(width());
    std::vector<double> u(n * n), s(n), vt(n * n);
    const mat_view<double> left(u.data(), n, n), right(vt.data(), n, n);
    if (auto ok = b.svd(products_.matrix(), left, vec_view<double>(s), right); !ok) return ok.error();
    rotation r(width());
    b.gemm(1.0, mat_view<const double>(left), mat_view<const double>(right), 0.0, r.matrix());
    return r;
  }

 private:
  rotation products_;
  std::uint64_t pairs_ = 0;
};

/// The same vectors, turned. Precondition: vectors.width() == r.width(). O(tokens x width^2).
[[nodiscard]] inline vocab::token_vectors rotated(const vocab::token_vectors& vectors, const rotation& r) {
  vocab::token_vectors out(vectors.size(), vectors.width());
  for (std::size_t t = 0; t < static_cast<std::size_t>(vectors.size()); ++t) {
    if (vectors.has(t)) r.apply(vectors[t], out.set(t));
  }
  return out;
}

}  // namespace embed
}  // namespace v0
}  // namespace lagom
