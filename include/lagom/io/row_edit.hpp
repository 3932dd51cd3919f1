// SPDX-License-Identifier: MIT
/// @file io/row_edit.hpp
/// The new rows of a stored matrix: each a row that was there, or one that was made.
#pragma once

#include "safetensors.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// Stands in `row_edit::from` for the next row of `made`.
inline constexpr std::int64_t made_row = -1;

/// What becomes of a tensor with one row a token: an embedding, a head, a bias. Expansion, replacement,
/// trimming and padding are all of this form.
///
/// Memory: 8 bytes a target row; the made rows are the caller's and must live until the edit is done.
struct row_edit {
  std::string tensor{};               ///< its name in the checkpoint
  std::vector<std::int64_t> from{};   ///< by target row: the source row, or `made_row`
  std::span<const std::byte> made{};  ///< the made rows in order, in the tensor's own type
  std::size_t axis = 0;               ///< which extent counts the rows; the extents before it are 1
};

/// Rows of a tensor and their size.
struct row_layout {
  std::uint64_t rows = 0, bytes = 0;  ///< how many, and bytes of one
};

/// The rows along an axis. Fails with `wrong_shape` where there is no such axis, or an extent before it is
/// not 1, and with `wrong_dtype` where a row is no whole number of bytes.
[[nodiscard]] inline result<row_layout> rows_of(const tensor_view& tensor, std::size_t axis = 0) {
  if (axis >= tensor.shape.size()) return failure{.code = errc::wrong_shape};
  std::uint64_t bits = static_cast<std::uint64_t>(info(tensor.type).bits);
  for (std::size_t d = 0; d < tensor.shape.size(); ++d) {
    if (d < axis && tensor.shape[d] != 1) return failure{.code = errc::wrong_shape};
    if (d > axis && __builtin_mul_overflow(bits, tensor.shape[d], &bits)) {
      return failure{.code = errc::overflow};
    }
  }
  if (bits % 8 != 0) return failure{.code = errc::wrong_dtype};
  return row_layout{tensor.shape[axis], bits / 8};
}

/// Whether an edit fits its tensor. Fails with the errors of `rows_of`, `out_of_range` for a source row that
/// is not there (naming the target row), and `size_mismatch` when the made rows are not as many as are asked
/// for.
[[nodiscard]] inline result<row_layout> check(const row_edit& edit, const tensor_view& tensor) {
  const auto fail = [&](failure f) {
    f.key = edit.tensor;
    return f;
  };
  auto layout = rows_of(tensor, edit.axis);
  if (!layout) return fail(layout.error());
  std::uint64_t made = 0, size = 0;
  for (std::size_t r = 0; r < edit.from.size(); ++r) {
    const std::int64_t from = edit.from[r];
    if (from == made_row) {
      ++made;
    } else if (from < 0 || static_cast<std::uint64_t>(from) >= layout->rows) {
      return fail({.code = errc::out_of_range,
                   .row = r,
                   .expected = layout->rows,
                   .found = static_cast<std::uint64_t>(from)});
    }
  }
  if (__builtin_mul_overflow(made, layout->bytes, &size) || size != edit.made.size()) {
    return fail({.code = errc::size_mismatch, .expected = size, .found = edit.made.size()});
  }
  if (__builtin_mul_overflow(std::uint64_t{edit.from.size()}, layout->bytes, &size)) {
    return fail({.code = errc::overflow});
  }
  return layout;
}

/// The smallest multiple of `multiple` that is not below `rows`; `rows` itself for 0 and 1. Precondition: it
/// fits.
[[nodiscard]] constexpr std::uint64_t padded_height(std::uint64_t rows, std::uint64_t multiple) noexcept {
  return multiple < 2 ? rows : (rows + multiple - 1) / multiple * multiple;
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
