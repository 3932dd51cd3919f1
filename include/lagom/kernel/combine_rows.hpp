// SPDX-License-Identifier: MIT
/// @file kernel/combine_rows.hpp
/// A weighted sum of a few rows of a matrix.
#pragma once

#include "../core/backend.hpp"
#include "../core/mat_view.hpp"
#include "../core/math.hpp"

namespace lagom {
inline namespace v0 {

/// A row of a matrix and its weight: any struct with an integer or enumeration `id` and a `weight`.
template <class T>
concept weighted_row = requires(const T t) {
  static_cast<index_t>(t.id);
  static_cast<float>(t.weight);
};

namespace detail {

/// A sum as it is stored, rounded once: double goes to a half type through a float that is rounded to odd, so
/// that the second rounding sees whether the first lost anything.
template <scalar T, std::floating_point Acc>
[[nodiscard]] LAGOM_LEAF T stored(Acc x) noexcept {
  if constexpr (sizeof(T) >= sizeof(Acc) || std::same_as<T, float>) {
    return static_cast<T>(x);
  } else if constexpr (sizeof(Acc) == 4) {
    return T(x);
  } else {
    const auto nearest = static_cast<float>(x);
    auto bits = bits_of(&nearest);
    const auto back = static_cast<double>(nearest);
    const auto was = bits_of(&x), is = bits_of(&back);
    if (is != was && (was & float_bits<double>::magnitude_mask) < float_bits<double>::infinity) {
      if ((is & float_bits<double>::magnitude_mask) > (was & float_bits<double>::magnitude_mask)) --bits;
      bits |= 1u;
    }
    return T(bit_cast<float>(bits));
  }
}

/// Columns summed at a time: the sums stay in the first-level cache.
inline constexpr index_t combine_block = 1024;

template <backend B, class Acc, scalar S, scalar T, weighted_row Term>
LAGOM_HD void combine_block_of(const S* LAGOM_RESTRICT rows, index_t pitch, const Term* terms, index_t n,
                               T* LAGOM_RESTRICT out, index_t cols) noexcept {
  Acc sum[combine_block];
  const auto row = [&](index_t t) { return rows + static_cast<index_t>(terms[t].id) * pitch; };
  const auto weight = [&](index_t t) { return static_cast<Acc>(terms[t].weight); };
  {
    const S* LAGOM_RESTRICT x = row(0);
    const Acc w = weight(0);
    for (index_t j = 0; j < cols; ++j) sum[j] = w * static_cast<Acc>(x[j]);
  }
  index_t t = 1;
  for (; t + 1 < n; t += 2) {
    const S* LAGOM_RESTRICT x = row(t);
    const S* LAGOM_RESTRICT y = row(t + 1);
    const Acc v = weight(t), w = weight(t + 1);
    for (index_t j = 0; j < cols; ++j) {
      sum[j] = multiply_add(w, static_cast<Acc>(y[j]), multiply_add(v, static_cast<Acc>(x[j]), sum[j]));
    }
  }
  if (t < n) {
    const S* LAGOM_RESTRICT x = row(t);
    const Acc w = weight(t);
    for (index_t j = 0; j < cols; ++j) sum[j] = multiply_add(w, static_cast<Acc>(x[j]), sum[j]);
  }
  for (index_t j = 0; j < cols; ++j) out[j] = stored<T>(sum[j]);
}

template <backend B, class Acc, scalar S, scalar T, weighted_row Term>
LAGOM_HD void combine_strided(mat_view<const S> rows, const Term* terms, index_t n,
                              vec_view<T> out) noexcept {
  for (index_t j = 0; j < out.size(); ++j) {
    Acc sum = n > 0 ? static_cast<Acc>(terms[0].weight) *
                          static_cast<Acc>(rows(static_cast<index_t>(terms[0].id), j))
                    : Acc(0);
    for (index_t t = 1; t < n; ++t) {
      sum = multiply_add(static_cast<Acc>(terms[t].weight),
                         static_cast<Acc>(rows(static_cast<index_t>(terms[t].id), j)), sum);
    }
    out[j] = stored<T>(sum);
  }
}

struct combine_rows_fn {
  template <backend B, tensor<2> Rows, weighted_row Term, scalar T>
  LAGOM_HD void operator()(const B& b, const Rows& matrix, const Term* terms, index_t n,
                           vec_view<T> out) const noexcept {
    const auto rows = as_mat(matrix);
    LAGOM_ASSERT(rows.cols() == out.size());
    if constexpr (requires { b.combine_rows(rows, terms, n, out); }) {
      b.combine_rows(rows, terms, n, out);
    } else {
      using S = typename decltype(rows)::value_type;
      using Acc = accumulator_t<S, T>;
      const bool adjacent = (rows.col_stride() == 1 || rows.cols() < 2) && out.contiguous();
      if (n == 0 || !adjacent) {
        combine_strided<B, Acc, S>(rows, terms, n, out);
        return;
      }
      if constexpr (std::same_as<S, T>) {
        if (n == 1 && static_cast<float>(terms[0].weight) == 1.0f) {
          __builtin_memcpy(out.data(), rows.data() + static_cast<index_t>(terms[0].id) * rows.row_stride(),
                           static_cast<std::size_t>(out.size()) * sizeof(T));
          return;
        }
      }
      for (index_t first = 0; first < out.size(); first += combine_block) {
        const index_t left = out.size() - first;
        combine_block_of<B, Acc>(rows.data() + first, rows.row_stride(), terms, n, out.data() + first,
                                 left < combine_block ? left : combine_block);
      }
    }
  }
};

}  // namespace detail

/// `combine_rows(backend, rows, terms, n, out)`: out = sum over t < n of weight_t * row(id_t).
///
/// Reads and writes float, double, bf16, f16 in any mixture, strided or not. Sums in float (in double as soon
/// as one side is double), in the order of the terms, and rounds once; the same elements give the same bits
/// whatever their strides. One row with weight 1 and one element type is copied, NaN payloads and all. No term
/// gives zeros.
/// Cost: n * cols multiply-adds; n * cols elements read, cols written.
/// Precondition: every id is a row; `out` does not overlap the rows. Overridden by a backend's
/// `combine_rows(rows, terms, n, out)`.
LAGOM_OBJECT detail::combine_rows_fn combine_rows{};

}  // namespace v0
}  // namespace lagom
