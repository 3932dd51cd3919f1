// SPDX-License-Identifier: MIT
/// @file kernel/head.hpp
/// The unembedding of a model, as the probe sees it.
#pragma once

#include "../core/mat_view.hpp"
#include "norm.hpp"

namespace lagom {
inline namespace v0 {

/// View of a language-model head: z = scale * (rows . norm(hidden)). Owns nothing.
///
/// Whether the final norm comes before the probe is part of the type: `head{rows, rms_norm{weight, eps}}` probes
/// through the norm (what logit lens, AdaInfer's followers and this library's decoder do), `head{rows}` does not.
///
/// - `rows`: V x h, float, double, bf16 or f16; row-major, padded or transposed.
/// - `scale`: multiplies every logit (Cohere's logit scale, 1 / temperature). 1 for Llama.
/// - `first_token`: id of row 0; shards of a vocabulary merge their statistics.
template <scalar W, final_norm Norm = no_norm>
struct head {
  using weight_type = W;
  mat_view<const W> rows{};
  Norm norm{};
  float scale = 1;
  token_id first_token = 0;
};

template <class M>
head(const M&) -> head<typename decltype(as_mat(std::declval<M>()))::value_type>;
template <class M, final_norm Norm>
head(const M&, Norm) -> head<typename decltype(as_mat(std::declval<M>()))::value_type, Norm>;
template <class M, final_norm Norm>
head(const M&, Norm, float) -> head<typename decltype(as_mat(std::declval<M>()))::value_type, Norm>;
template <class M, final_norm Norm>
head(const M&, Norm, float, token_id) -> head<typename decltype(as_mat(std::declval<M>()))::value_type, Norm>;

namespace detail {
template <class T>
inline constexpr bool is_head = false;
template <class W, class Norm>
inline constexpr bool is_head<head<W, Norm>> = true;
}  // namespace detail

/// Any `head<W, Norm>` or `int8_head<Norm, Hidden>`.
template <class T>
concept head_view = detail::is_head<T>;

}  // namespace v0
}  // namespace lagom
