// SPDX-License-Identifier: MIT
/// @file embed/padding.hpp
/// Rows beyond the last token: there for the hardware, never to be picked.
#pragma once

#include "apply.hpp"
#include "plan_builder.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// The height of a matrix of `rows` tokens whose height is a multiple of `multiple`; `rows` itself for 0 and 1.
[[nodiscard]] constexpr index_t padded_height(index_t rows, index_t multiple) noexcept {
  return multiple > 1 ? (rows + multiple - 1) / multiple * multiple : rows;
}

/// A plan for rows `first` ... `height` - 1: each the mean of the `source_size` source rows, tagged `padding`.
///
/// A row of zeros has logit 0 and takes all the probability from a head whose logits are negative. The mean row
/// has the mean of the other rows' logits: it never wins, and takes at most 1/source_size of their mass (Jensen).
[[nodiscard]] inline plan padding_plan(index_t source_size, index_t first, index_t height) {
  plan_builder out(source_size);
  for (index_t row = first; row < height; ++row) {
    out.add(gaussian{.deviation = 0});
    out.end_row(static_cast<target_id>(row), {method::padding, reason::none});
  }
  return std::move(out).build();
}

/// Makes the rows of `matrix` from `used` on its padding: each becomes the mean of the rows before. Nothing
/// happens to the others. Precondition: 0 <= used <= rows.
template <tensor<2> Matrix, executor Run = seq>
void fill_padding(Matrix&& matrix, index_t used, const Run& run = {}) {
  const auto m = mat_view(matrix);
  LAGOM_ASSERT(0 <= used && used <= m.rows());
  apply(padding_plan(used, used, m.rows()), m.slice_rows(0, used), m.slice_rows(used, m.rows() - used), run);
}

/// The same for a head's bias, which can say it outright: -infinity from `used` on. Half types and float keep
/// it in their bits whatever the compiler assumes of numbers; who adds it up under fast-math should mask instead.
template <tensor<1> Bias>
void fill_padding_bias(Bias&& bias, index_t used) {
  const auto b = vec_view(bias);
  using T = typename decltype(b)::value_type;
  const auto minus_infinity = lagom::detail::bit_cast<float>(0xff800000u);
  for (index_t row = used; row < b.size(); ++row) b[row] = static_cast<T>(minus_infinity);
}

/// Is this id a padding row: a row of the matrix that is no token?
[[nodiscard]] constexpr bool is_padding(target_id id, index_t target_size) noexcept {
  return static_cast<index_t>(id) >= target_size;
}

}  // namespace embed
}  // namespace v0
}  // namespace lagom
