// SPDX-License-Identifier: MIT
/// @file kernel/head_products.hpp
/// Logits of a few rows of a head for one state: what `unembed` and `unembed_rows` share.
#pragma once

#include "dot_int8.hpp"
#include "int8_head.hpp"
#include "normed_slice.hpp"
#include "quantized_slice.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// One state before one head. Called with the rows it is to multiply: row_of(0) ... row_of(n - 1).
template <backend B, scalar H, head_view Head>
class head_products;

template <backend B, scalar H, scalar W, final_norm Norm>
class head_products<B, H, head<W, Norm>> {
 public:
  using Acc = accumulator_t<H>;

  LAGOM_HD head_products(const B& b, vec_view<const H> hidden, const head<W, Norm>& to) noexcept
      : b_(b), to_(to), slices_(b, hidden, to.norm) {}

  template <class RowOf>
  LAGOM_HD void operator()(RowOf row_of, index_t n, Acc* logits) noexcept {
    for (index_t r = 0; r < n; ++r) logits[r] = 0;
    for (index_t column = 0; column < to_.rows.cols(); column += slices_.capacity) {
      const auto x = slices_.at(column);
      for (index_t r = 0; r < n; ++r) {
        if constexpr (requires {
                        b_.will_read(to_.rows.row(0));
                      }) {  // rows anywhere: memory does not see them coming
          if (r + 1 < n) b_.will_read(to_.rows.row(row_of(r + 1)).slice(column, x.size()));
        }
        logits[r] += static_cast<Acc>(dot(b_, to_.rows.row(row_of(r)).slice(column, x.size()), x));
      }
    }
    for (index_t r = 0; r < n; ++r) logits[r] *= static_cast<Acc>(to_.scale);
  }

 private:
  const B& b_;
  const head<W, Norm>& to_;
  normed_slice<B, H, Norm> slices_;
};

/// <w, x> of int8 weights.
template <backend B, std::floating_point Acc>
LAGOM_HD Acc dot_int8_weights(vec_view<const std::int8_t> w, vec_view<const Acc> x) noexcept {
  lanes<Acc> sum;
  constexpr index_t width = lanes<Acc>::width;
  index_t i = 0;
  if (w.contiguous()) {
    const std::int8_t* const row = w.data();
    for (; i + width <= x.size(); i += width) {
      for (index_t j = 0; j < width; ++j) {
        sum.value[j] = static_cast<Acc>(static_cast<int>(row[i + j])) * x.data()[i + j] + sum.value[j];
      }
    }
  }
  for (; i < x.size(); ++i) sum.value[i % width] += static_cast<Acc>(static_cast<int>(w[i])) * x[i];
  return sum.total();
}

template <backend B, scalar H, final_norm Norm>
class head_products<B, H, int8_head<Norm, float>> {
 public:
  using Acc = accumulator_t<H>;

  LAGOM_HD head_products(const B& b, vec_view<const H> hidden, const int8_head<Norm, float>& to) noexcept
      : to_(to), slices_(b, hidden, to.norm) {}

  template <class RowOf>
  LAGOM_HD void operator()(RowOf row_of, index_t n, Acc* logits) noexcept {
    for (index_t r = 0; r < n; ++r) logits[r] = 0;
    for (index_t column = 0; column < to_.rows.cols(); column += slices_.capacity) {
      const auto x = slices_.at(column);
      for (index_t r = 0; r < n; ++r) {
        logits[r] += dot_int8_weights<B>(to_.rows.row(row_of(r)).slice(column, x.size()), x);
      }
    }
    for (index_t r = 0; r < n; ++r) {
      logits[r] *= static_cast<Acc>(to_.scales[row_of(r)]) * static_cast<Acc>(to_.scale);
    }
  }

 private:
  const int8_head<Norm, float>& to_;
  normed_slice<B, H, Norm> slices_;
};

/// Exact sums of integer products as logits: (sum * (scale of the state * scale of the head)) * scale of the row. One
/// place, so that every backend rounds alike.
template <std::floating_point Acc>
LAGOM_LEAF Acc scaled_product(std::int64_t sum, Acc common, float row_scale) noexcept {
  return rounded(static_cast<Acc>(sum) * common) * static_cast<Acc>(row_scale);
}

template <backend B, scalar H, final_norm Norm>
class head_products<B, H, int8_head<Norm, std::int8_t>> {
 public:
  using Acc = accumulator_t<H>;
  using head_type = int8_head<Norm, std::int8_t>;

  LAGOM_HD head_products(const B& b, vec_view<const H> hidden, const head_type& to) noexcept
      : b_(b), to_(to), slices_(b, hidden, to.norm) {}

  template <class RowOf>
  LAGOM_HD void operator()(RowOf row_of, index_t n, Acc* logits) noexcept {
    const Acc common = static_cast<Acc>(slices_.scale()) * static_cast<Acc>(to_.scale);
    for (index_t r = 0; r < n; ++r) {
      std::int64_t sum = 0;
      const auto row = to_.rows.row(row_of(r));
      for (index_t column = 0; column < to_.rows.cols(); column += slices_.capacity) {
        const auto x = slices_.at(column);
        sum += dot_int8(b_, row.slice(column, x.size()), x);
      }
      logits[r] = scaled_product(sum, common, to_.scales[row_of(r)]);
    }
  }

 private:
  const B& b_;
  const head_type& to_;
  quantized_slice<B, H, Norm> slices_;
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
