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

/// Columns summed at a time: the sums stay in the first-level cache, and what is fetched ahead is on its way.
inline constexpr index_t combine_block = 256;

/// Asks for `cols` elements of the rows that come next, so that they are there when their turn comes.
template <scalar S, weighted_row Term>
LAGOM_LEAF void fetch_ahead(const S* rows, index_t pitch, const Term* terms, index_t n,
                            index_t cols) noexcept {
#if LAGOM_HAS_CUDA()
  (void)rows, (void)pitch, (void)terms, (void)n, (void)cols;
#else
  constexpr index_t line = 64 / static_cast<index_t>(sizeof(S));
  for (index_t j = 0; j < cols; j += line) {
    for (index_t t = 0; t < n; ++t) {
      __builtin_prefetch(rows + static_cast<index_t>(terms[t].id) * pitch + j, 0, 2);
    }
  }
#endif
}

/// N terms at a time, so that their rows are read side by side and the sums stay in registers: onto `sum`
/// unless they are the first, into `out` if they are the last.
template <backend B, int N, bool First, bool Last, class Acc, scalar S, scalar T, weighted_row Term>
LAGOM_HD void combine_terms(const S* rows, index_t pitch, const Term* terms, Acc* LAGOM_RESTRICT sum,
                            T* LAGOM_RESTRICT out, index_t cols) noexcept {
  const S* LAGOM_RESTRICT x[static_cast<std::size_t>(N)];
  Acc w[static_cast<std::size_t>(N)];
  for (int t = 0; t < N; ++t) {
    x[t] = rows + static_cast<index_t>(terms[t].id) * pitch;
    w[t] = static_cast<Acc>(terms[t].weight);
  }
  for (index_t j = 0; j < cols; ++j) {
    Acc s = First ? w[0] * static_cast<Acc>(x[0][j]) : multiply_add(w[0], static_cast<Acc>(x[0][j]), sum[j]);
    for (int t = 1; t < N; ++t) s = multiply_add(w[t], static_cast<Acc>(x[t][j]), s);
    if constexpr (Last) {
      out[j] = stored<T>(s);
    } else {
      sum[j] = s;
    }
  }
}

/// Element types whose conversion is several operations: done by themselves, their loops are vectorised.
template <scalar T>
inline constexpr bool converts_slowly = sizeof(T) == 2 && !std::same_as<T, bf16>;

template <backend B, int N, bool First, bool Last, class Acc, scalar S, scalar T, weighted_row Term>
LAGOM_HD void combine_rest(const S* rows, index_t pitch, const Term* terms, index_t n, Acc* sum, T* out,
                           index_t cols) noexcept {
  if constexpr (N > 1) {
    if (n < N) return combine_rest<B, N - 1, First, Last>(rows, pitch, terms, n, sum, out, cols);
  }
  combine_terms<B, N, First, Last>(rows, pitch, terms, sum, out, cols);
}

/// Precondition: n > 0, cols <= combine_block.
template <backend B, class Acc, scalar S, scalar T, weighted_row Term>
LAGOM_HD void combine_block_of(const S* rows, index_t pitch, const Term* terms, index_t n, T* out,
                               index_t cols) noexcept {
  constexpr int abreast = converts_slowly<S> ? 1 : 4;
  constexpr bool at_once = !converts_slowly<T>;
  Acc sum[combine_block];
  index_t t = 0;
  if (n > abreast) {
    combine_terms<B, abreast, true, false>(rows, pitch, terms, sum, out, cols);
    for (t = abreast; n - t > abreast; t += abreast) {
      combine_terms<B, abreast, false, false>(rows, pitch, terms + t, sum, out, cols);
    }
    combine_rest<B, abreast, false, at_once>(rows, pitch, terms + t, n - t, sum, out, cols);
  } else {
    combine_rest<B, abreast, true, at_once>(rows, pitch, terms, n, sum, out, cols);
  }
  if constexpr (!at_once) {
    for (index_t j = 0; j < cols; ++j) out[j] = stored<T>(sum[j]);
  }
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

template <backend B, scalar T>
LAGOM_HD void copy_row(vec_view<const T> from, vec_view<T> to) noexcept {
  if (from.contiguous() && to.contiguous()) {
    __builtin_memcpy(to.data(), from.data(), static_cast<std::size_t>(to.size()) * sizeof(T));
  } else {
    for (index_t j = 0; j < to.size(); ++j) __builtin_memcpy(&to[j], &from[j], sizeof(T));
  }
}

struct combine_rows_fn {
  template <backend B, tensor<2> Rows, weighted_row Term, scalar T>
  LAGOM_HD void operator()(const B& b, const Rows& matrix, const Term* terms, index_t n, vec_view<T> out,
                           index_t ahead = 0) const noexcept {
    const auto rows = as_mat(matrix);
    LAGOM_ASSERT(rows.cols() == out.size());
    if constexpr (requires { b.combine_rows(rows, terms, n, out, ahead); }) {
      b.combine_rows(rows, terms, n, out, ahead);
    } else {
      using S = typename decltype(rows)::value_type;
      using Acc = accumulator_t<S, T>;
      if constexpr (std::same_as<S, T>) {
        if (n == 1 && static_cast<float>(terms[0].weight) == 1.0f) {
          return copy_row<B>(rows.row(static_cast<index_t>(terms[0].id)), out);
        }
      }
      const bool adjacent = (rows.col_stride() == 1 || rows.cols() < 2) && out.contiguous();
      if (n == 0 || !adjacent) {
        combine_strided<B, Acc, S>(rows, terms, n, out);
        return;
      }
      const index_t pitch = rows.row_stride();
      for (index_t first = 0; first < out.size(); first += combine_block) {
        const index_t left = out.size() - first, cols = left < combine_block ? left : combine_block;
        const S* const from = rows.data() + first;
        fetch_ahead(from, pitch, terms + n, ahead, cols);
        combine_block_of<B, Acc>(from, pitch, terms, n, out.data() + first, cols);
      }
    }
  }
};

}  // namespace detail

/// `combine_rows(backend, rows, terms, n, out, ahead)`: out = sum over t < n of weight_t * row(id_t).
///
/// Reads and writes float, double, bf16, f16 in any mixture, strided or not. Sums in float (in double as soon
/// as one side is double), in the order of the terms, and rounds once; the same elements give the same bits
/// whatever their strides (a NaN is a NaN, perhaps another). One row with weight 1 and one element type is
/// copied, NaN payloads and all. No term gives zeros.
/// `ahead` (0 if left out) is a hint: so many terms follow in the array, and their rows are wanted next.
/// Cost: n * cols multiply-adds; n * cols elements read, cols written.
/// Precondition: every id is a row; `out` does not overlap the rows. Overridden by a backend's
/// `combine_rows(rows, terms, n, out, ahead)`.
LAGOM_OBJECT detail::combine_rows_fn combine_rows{};

}  // namespace v0
}  // namespace lagom
