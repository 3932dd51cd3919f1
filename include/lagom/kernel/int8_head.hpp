// SPDX-License-Identifier: MIT
/// @file kernel/int8_head.hpp
/// The unembedding of a model in int8, with one scale a row.
#pragma once

#include "head.hpp"
#include "quantize.hpp"

namespace lagom {
inline namespace v0 {

/// View of an int8 head: z_v = scale * scales[v] * <rows[v], norm(hidden)>. Owns nothing. A quarter of the bytes of
/// float rows; `quantize_rows` makes one.
///
/// `Hidden` says how the rows see the state, and is part of the type:
/// - `float`: products of int8 weights with the normed state as it is;
/// - `std::int8_t`: the normed state is quantised too (`quantize`), products are exact integers. The fastest, at the
///   price of the state's own rounding.
///
/// - `rows`: V x h, row-major, padded or transposed; every int8 is valid.
/// - `scales`: V. A row whose scale is NaN or infinite flags the statistics.
/// - `norm`, `scale`, `first_token`: as those of `head`.
template <final_norm Norm = no_norm, class Hidden = float>
struct int8_head {
  static_assert(std::same_as<Hidden, float> || std::same_as<Hidden, std::int8_t>);
  using weight_type = std::int8_t;
  using hidden_type = Hidden;
  mat_view<const std::int8_t> rows{};
  vec_view<const float> scales{};
  Norm norm{};
  float scale = 1;
  token_id first_token = 0;
};

template <class M, class S>
int8_head(const M&, const S&) -> int8_head<>;
template <class M, class S, final_norm Norm>
int8_head(const M&, const S&, Norm) -> int8_head<Norm>;
template <class M, class S, final_norm Norm>
int8_head(const M&, const S&, Norm, float) -> int8_head<Norm>;
template <class M, class S, final_norm Norm>
int8_head(const M&, const S&, Norm, float, token_id) -> int8_head<Norm>;

namespace detail {
template <class Norm, class Hidden>
inline constexpr bool is_head<int8_head<Norm, Hidden>> = true;
}  // namespace detail

/// The same head for states that are quantised too.
/// ```cpp
/// auto stats = lagom::unembed(backend, hidden, lagom::with_int8_hidden(head));
/// ```
template <final_norm Norm, class Hidden>
LAGOM_LEAF constexpr int8_head<Norm, std::int8_t> with_int8_hidden(
    const int8_head<Norm, Hidden>& h) noexcept {
  return {h.rows, h.scales, h.norm, h.scale, h.first_token};
}

}  // namespace v0
}  // namespace lagom
