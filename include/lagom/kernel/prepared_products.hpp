// SPDX-License-Identifier: MIT
/// @file kernel/prepared_products.hpp
/// Exact integer products of prepared rows and a quantised state.
#pragma once

#include "prepared_rows.hpp"

namespace lagom {
inline namespace v0 {

/// A state as integers p = 128 high + low, in the order of its elements, padded with zeros to whole lines of the rows.
/// |high| <= 127, -64 <= low < 64: products of the halves fit what every instruction set has.
struct split_state {
  const std::int8_t* high = nullptr;
  const std::int8_t* low = nullptr;
};

namespace detail {

template <backend B, int Bits>
LAGOM_HD void prepared_product(const std::uint8_t* codes, index_t pitch, split_state x, std::int32_t& high,
                               std::int32_t& low) noexcept {
  constexpr int planes = 8 / Bits;
  constexpr int mask = (1 << Bits) - 1;
  std::int32_t sum_high = 0, sum_low = 0;
  for (index_t line = 0; line < pitch; line += 64) {
    for (int k = 0; k < planes; ++k) {
      const std::int8_t* LAGOM_RESTRICT h = x.high + line * planes + 64 * k;
      const std::int8_t* LAGOM_RESTRICT l = x.low + line * planes + 64 * k;
      for (index_t j = 0; j < 64; ++j) {
        const int q = (codes[line + j] >> (k * Bits)) & mask;
        sum_high += q * h[j];
        sum_low += q * l[j];
      }
    }
  }
  high = sum_high;
  low = sum_low;
}

struct prepared_products_fn {
  template <backend B>
  LAGOM_HD void operator()(const B& b, const prepared_rows& rows, split_state x, index_t first, index_t n,
                           std::int32_t* high, std::int32_t* low) const noexcept {
    LAGOM_ASSERT(0 <= first && 0 <= n && first + n <= rows.rows);
    if constexpr (requires { b.prepared_products(rows, x, first, n, high, low); }) {
      b.prepared_products(rows, x, first, n, high, low);
    } else {
      const index_t pitch = rows.pitch();
      for (index_t r = 0; r < n; ++r) {
        const std::uint8_t* const codes = rows.codes + (first + r) * pitch;
        switch (rows.code) {
          case row_code::int8:
            prepared_product<B, 8>(codes, pitch, x, high[r], low[r]);
            break;
          case row_code::int4:
            prepared_product<B, 4>(codes, pitch, x, high[r], low[r]);
            break;
          case row_code::int2:
            prepared_product<B, 2>(codes, pitch, x, high[r], low[r]);
            break;
        }
      }
    }
  }
};

}  // namespace detail

/// `prepared_products(backend, rows, state, first, n, high, low)`: for r < n, high[r] = <q of row first + r, high half
/// of the state> and low[r] alike: exact integers, the same from every backend. <q, p> = 128 high[r] + low[r].
///
/// Cost: 2 n h multiply-adds of bytes; n pitch() bytes read. Precondition: the rows lie inside; the state is padded.
/// Overridden by a backend's `prepared_products(rows, state, first, n, high, low)`.
LAGOM_OBJECT detail::prepared_products_fn prepared_products{};

}  // namespace v0
}  // namespace lagom
