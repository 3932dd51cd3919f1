// SPDX-License-Identifier: MIT
/// @file adapt/streaming.hpp
/// A backend that writes combined rows past the caches, for matrices that are larger than them.
#pragma once

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "../kernel/combine_rows.hpp"

namespace lagom {
inline namespace v0 {

namespace detail {

/// Copies bytes to memory that nobody will read soon: no cache line of it is fetched, none stays.
LAGOM_INLINE void stream_bytes(char* to, const char* from, std::size_t n) noexcept {
#if defined(__SSE2__)
#if defined(__AVX512F__)
  constexpr std::size_t width = 64;
#elif defined(__AVX__)
  constexpr std::size_t width = 32;
#else
  constexpr std::size_t width = 16;
#endif
  const std::size_t gap = (width - reinterpret_cast<std::uintptr_t>(to) % width) % width;
  const std::size_t head = gap < n ? gap : n;
  __builtin_memcpy(to, from, head);
  std::size_t i = head;
  for (; i + width <= n; i += width) {
#if defined(__AVX512F__)
    _mm512_stream_si512(reinterpret_cast<__m512i*>(to + i), _mm512_loadu_si512(from + i));
#elif defined(__AVX__)
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to + i),
                        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i)));
#else
    _mm_stream_si128(reinterpret_cast<__m128i*>(to + i),
                     _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i)));
#endif
  }
  __builtin_memcpy(to + i, from + i, n - i);
#else
  __builtin_memcpy(to, from, n);
#endif
}

}  // namespace detail

/// Overrides `combine_rows`: the same sums, to the bit, stored without reading the memory they go to. Worth it
/// where the new rows are more than the last-level cache holds; below that, `portable` leaves them at hand.
/// ```cpp
/// lagom::embed::apply(plan, source_rows, new_rows, lagom::seq{}, lagom::streaming{});
/// ```
/// What it writes is visible to other threads when the call returns. Without SSE2 it is `portable`.
template <target Target>
struct basic_streaming : basic_portable<Target> {
  template <scalar S, weighted_row Term, scalar T>
  void combine_rows(mat_view<const S> rows, const Term* terms, index_t n, vec_view<T> out,
                    index_t ahead = 0) const noexcept {
    using Acc = accumulator_t<S, T>;
    const bool adjacent = (rows.col_stride() == 1 || rows.cols() < 2) && out.contiguous();
    if (n == 0 || !adjacent)
      return detail::combine_rows_fn{}(basic_portable<Target>{}, rows, terms, n, out, ahead);
    constexpr index_t block = detail::combine_block;
    const bool copies = std::same_as<S, T> && n == 1 && static_cast<float>(terms[0].weight) == 1.0f;
    alignas(64) T done[static_cast<std::size_t>(block)];
    for (index_t first = 0; first < out.size(); first += block) {
      const index_t left = out.size() - first, cols = left < block ? left : block;
      const S* const from = rows.data() + first;
      detail::fetch_ahead(from, rows.row_stride(), terms + n, ahead, cols);
      const void* made = from + static_cast<index_t>(terms[0].id) * rows.row_stride();
      if (!copies) {
        detail::combine_block_of<basic_streaming, Acc>(from, rows.row_stride(), terms, n, done, cols);
        made = done;
      }
      detail::stream_bytes(reinterpret_cast<char*>(out.data() + first), static_cast<const char*>(made),
                           static_cast<std::size_t>(cols) * sizeof(T));
    }
#if defined(__SSE2__)
    _mm_sfence();
#endif
  }
};

/// The streaming backend of this translation unit.
using streaming = basic_streaming<this_target>;

}  // namespace v0
}  // namespace lagom
