// SPDX-License-Identifier: MIT
/// @file kernel/quantize.hpp
/// Vectors and rows as int8 with one scale: symmetric, round to nearest.
#pragma once

#include "../core/backend.hpp"
#include "../core/mat_view.hpp"
#include "../core/math.hpp"

namespace lagom {
inline namespace v0 {

/// A vector as int8 with one scale: x_j = scale * values[j] + error, |error| <= scale / 2 (and a rounding of x_j).
struct int8_vec {
  vec_view<const std::int8_t> values{};
  float scale = 0;   ///< max |x| / 127; 0 for a vector without a direction
  bool bad = false;  ///< NaN or infinity seen: the values are all 0 and say nothing
};

namespace detail {

/// The largest magnitude of a vector, and whether anything in it is NaN or infinite. Parts merge.
struct magnitude {
  std::uint32_t bits = 0;  // magnitudes of floats order as integers do, NaN and infinity above all

  LAGOM_LEAF void push(float x) noexcept {
    const std::uint32_t m = bit_cast<std::uint32_t>(x) & float_bits<float>::magnitude_mask;
    bits = m > bits ? m : bits;
  }
  [[nodiscard]] LAGOM_LEAF bool bad() const noexcept { return bits >= float_bits<float>::infinity; }
  /// Below 2^-100 there is no direction left: the scale would leave the normal numbers.
  [[nodiscard]] LAGOM_LEAF bool flat() const noexcept { return bits < (27u << 23); }
  [[nodiscard]] LAGOM_LEAF float scale() const noexcept {
    return bad() || flat() ? 0.0f : bit_cast<float>(bits) / 127.0f;
  }
  /// What an element is multiplied with before it is rounded.
  [[nodiscard]] LAGOM_LEAF float inverse() const noexcept {
    return bad() || flat() ? 0.0f : 127.0f / bit_cast<float>(bits);
  }
};

/// Nearest integer, halves away from zero. |x * inverse| is at most 127 and a rounding.
LAGOM_LEAF std::int8_t nearest_int8(float x, float inverse) noexcept {
  const float v = x * inverse;
  return static_cast<std::int8_t>(static_cast<int>(v + (v < 0 ? -0.5f : 0.5f)));
}

struct quantize_fn {
  template <backend B, tensor<1> Xs>
  LAGOM_HD int8_vec operator()(const B& b, const Xs& xs, vec_view<std::int8_t> out) const noexcept {
    const auto x = as_vec(xs);
    LAGOM_ASSERT(x.size() == out.size());
    if constexpr (requires { b.quantize(x, out); }) {
      return b.quantize(x, out);
    } else {
      magnitude largest;
      for (index_t j = 0; j < x.size(); ++j) largest.push(static_cast<float>(x[j]));
      const float inverse = largest.inverse();
      const bool none = largest.scale() == 0.0f;  // a NaN times 0 is not 0
      for (index_t j = 0; j < x.size(); ++j) {
        out[j] = none ? std::int8_t{0} : nearest_int8(static_cast<float>(x[j]), inverse);
      }
      return {out, largest.scale(), largest.bad()};
    }
  }
};

struct quantize_rows_fn {
  template <backend B, tensor<2> Rows>
  LAGOM_HD index_t operator()(const B& b, const Rows& matrix, mat_view<std::int8_t> out,
                              vec_view<float> scales) const noexcept {
    const auto rows = as_mat(matrix);
    LAGOM_ASSERT(rows.rows() == out.rows() && rows.cols() == out.cols() && scales.size() == rows.rows());
    index_t bad = 0;
    for (index_t r = 0; r < rows.rows(); ++r) {
      const int8_vec row = quantize_fn{}(b, rows.row(r), out.row(r));
      scales[r] = row.bad ? bit_cast<float>(float_bits<float>::infinity) : row.scale;
      bad += row.bad ? 1 : 0;
    }
    return bad;
  }
};

}  // namespace detail

/// `quantize(backend, x, out)`: x as int8 with one scale, written to `out`; returns the view of it with its scale.
///
/// q_j = round(x_j * 127 / max|x|), halves away from zero, in [-127, 127]. Reads any element type as float.
/// A vector that is empty, or all of whose elements are below 2^-100 in magnitude, has scale 0 and zeros. A vector
/// with NaN or infinity is `bad`, with scale 0 and zeros. Cost: two passes over x.
/// Precondition: equal sizes. Overridden by a backend's `quantize(x, out)`.
LAGOM_OBJECT detail::quantize_fn quantize{};

/// `quantize_rows(backend, matrix, out, scales)`: every row by itself, for an `int8_head`. A row with NaN or
/// infinity gets an infinite scale, so that a probe flags it as it would have flagged the row; returns how many
/// there were. Precondition: `out` has the matrix' shape, `scales` one element a row.
LAGOM_OBJECT detail::quantize_rows_fn quantize_rows{};

}  // namespace v0
}  // namespace lagom
