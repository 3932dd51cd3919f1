// SPDX-License-Identifier: MIT
/// @file stop/kernel_cache.hpp
/// Rows of a Gaussian kernel matrix, computed on demand and kept while there is room.
#pragma once

#include <utility>
#include <vector>

#include "../core/backend.hpp"
#include "../core/math.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Least-recently-used cache of K(i, .) = exp(-gamma |x_i - x_j|^2) in float. Rows are padded to whole lanes, so that loops
/// over them need no rest; memory is taken as rows come.
template <std::size_t N, backend B>
class kernel_cache {
 public:
  static constexpr index_t lanes = 16;
  using lane_values = double[16];

  kernel_cache(const float* x, index_t rows, float gamma, std::size_t bytes)
      : x_(x), rows_(rows), gamma_(gamma), slot_of_(static_cast<std::size_t>(rows), none) {
    const std::size_t row_bytes = static_cast<std::size_t>(rows) * sizeof(float);
    std::size_t slots = bytes / (row_bytes > 0 ? row_bytes : 1);
    if (slots < 2) slots = 2;  // two rows are alive at a time
    if (slots > static_cast<std::size_t>(rows)) slots = static_cast<std::size_t>(rows);
    slots_.resize(slots);
  }

  /// K(i, 0 ... rows - 1), and anything finite up to whole lanes; valid until two other rows have been asked for.
  const float* row(index_t i) {
    auto& held = slot_of_[static_cast<std::size_t>(i)];
    if (held == none) {
      held = take_slot();
      slots_[held].row = i;
      slots_[held].values.resize(static_cast<std::size_t>((rows_ + lanes - 1) / lanes * lanes));
      compute(i, slots_[held].values.data(), std::make_index_sequence<N>{});
    }
    slots_[held].used = ++clock_;
    return slots_[held].values.data();
  }

 private:
  static constexpr std::size_t none = ~std::size_t{0};
  struct slot {
    index_t row = -1;
    std::uint64_t used = 0;
    std::vector<float> values{};
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

  template <std::size_t... J>
  void compute(index_t i, float* LAGOM_RESTRICT out, std::index_sequence<J...>) const noexcept {
    const float* const column[] = {x_ + static_cast<index_t>(J) * rows_...};
    const float at[] = {column[J][i]...};
    for (index_t t = 0; t < rows_; ++t) {
      float distance = 0;
      ((distance += (column[J][t] - at[J]) * (column[J][t] - at[J])), ...);
      out[t] = exp_nonpositive(-gamma_ * distance);
    }
  }

  const float* x_;
  index_t rows_;
  float gamma_;
  std::vector<std::size_t> slot_of_;
  std::vector<slot> slots_;
  std::size_t filled_ = 0;
  std::uint64_t clock_ = 0;
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
