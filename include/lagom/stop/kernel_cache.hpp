// SPDX-License-Identifier: MIT
/// @file stop/kernel_cache.hpp
/// Rows of a Gaussian kernel matrix, computed on demand and kept while there is room.
#pragma once

#include <array>
#include <vector>

#include "../core/backend.hpp"
#include "../core/math.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Least-recently-used cache of K(i, .) = exp(-gamma |x_i - x_j|^2) in float.
template <std::size_t N, backend B>
class kernel_cache {
 public:
  kernel_cache(const float* x, index_t rows, float gamma, std::size_t bytes)
      : x_(x), rows_(rows), gamma_(gamma), slot_of_(static_cast<std::size_t>(rows), none) {
    const std::size_t row_bytes = static_cast<std::size_t>(rows) * sizeof(float);
    std::size_t slots = bytes / (row_bytes > 0 ? row_bytes : 1);
    if (slots < 2) slots = 2;  // two rows are alive at a time
    if (slots > static_cast<std::size_t>(rows)) slots = static_cast<std::size_t>(rows);
    slots_.resize(slots);
    values_.resize(slots * static_cast<std::size_t>(rows));
  }

  /// K(i, 0 ... rows - 1); valid until two other rows have been asked for.
  const float* row(index_t i) {
    auto& held = slot_of_[static_cast<std::size_t>(i)];
    if (held == none) {
      held = take_slot();
      slots_[held].row = i;
      compute(i, values_.data() + held * static_cast<std::size_t>(rows_));
    }
    slots_[held].used = ++clock_;
    return values_.data() + held * static_cast<std::size_t>(rows_);
  }

 private:
  static constexpr std::size_t none = ~std::size_t{0};
  struct slot {
    index_t row = -1;
    std::uint64_t used = 0;
  };

  std::size_t take_slot() {
    if (filled_ < slots_.size()) return filled_++;
    std::size_t oldest = 0;
    for (std::size_t s = 1; s < slots_.size(); ++s) {
      if (slots_[s].used < slots_[oldest].used) oldest = s;
    }
    slot_of_[static_cast<std::size_t>(slots_[oldest].row)] = none;
    return oldest;
  }

  void compute(index_t i, float* LAGOM_RESTRICT out) const noexcept {
    for (index_t j = 0; j < rows_; ++j) out[j] = 0;
    for (std::size_t f = 0; f < N; ++f) {
      const float* LAGOM_RESTRICT column = x_ + static_cast<index_t>(f) * rows_;
      const float xi = column[i];
      for (index_t j = 0; j < rows_; ++j) out[j] += (column[j] - xi) * (column[j] - xi);
    }
    for (index_t j = 0; j < rows_; ++j) out[j] = exp_nonpositive(-gamma_ * out[j]);
  }

  const float* x_;
  index_t rows_;
  float gamma_;
  std::vector<std::size_t> slot_of_;
  std::vector<slot> slots_;
  std::vector<float> values_;
  std::size_t filled_ = 0;
  std::uint64_t clock_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
