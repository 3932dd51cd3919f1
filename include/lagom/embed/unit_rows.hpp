// SPDX-License-Identifier: MIT
/// @file embed/unit_rows.hpp
/// The directions of vectors, gathered for comparing.
#pragma once

#include <vector>

#include "../core/mat_view.hpp"
#include "../core/math.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// Vectors divided by their Euclidean norms, one row each: the product of two of them is their cosine.
///
/// Norms are taken in double. A vector that is zero, or has a NaN or an infinity, has no direction and gets no
/// row. Memory: 4 bytes an element, 8 a row.
class unit_rows {
 public:
  explicit unit_rows(index_t width) : width_(width) {}

  void reserve(std::size_t rows) { elements_.reserve(rows * static_cast<std::size_t>(width_)); }

  /// Whether the vector got a row. Precondition: `width` long.
  bool push(vec_view<const float> x) {
    LAGOM_ASSERT(x.size() == width_);
    double square = 0;
    for (index_t i = 0; i < width_; ++i) {
      if (!is_finite(&x[i])) return false;
      square += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    }
    if (!(square > 0)) return false;
    const double norm = lagom::detail::sqrt(square), by = 1 / norm;
    for (index_t i = 0; i < width_; ++i) {
      elements_.push_back(static_cast<float>(static_cast<double>(x[i]) * by));
    }
    lengths_.push_back(norm);
    ++rows_;
    return true;
  }

  [[nodiscard]] index_t size() const noexcept { return rows_; }
  [[nodiscard]] index_t width() const noexcept { return width_; }
  /// The norm that row `i` was divided by.
  [[nodiscard]] double length(std::size_t i) const noexcept { return lengths_[i]; }
  [[nodiscard]] mat_view<const float> matrix() const noexcept { return {elements_.data(), rows_, width_}; }

 private:
  index_t width_, rows_ = 0;
  std::vector<float> elements_;
  std::vector<double> lengths_;
};

}  // namespace embed
}  // namespace v0
}  // namespace lagom
