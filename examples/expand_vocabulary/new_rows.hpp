// SPDX-License-Identifier: MIT
// A plan applied to a stored matrix: the rows of the new one.
#pragma once

#include <cstring>
#include <lagom/embed.hpp>
#include <lagom/io/row_edit.hpp>

#include "decoder/table.hpp"

namespace expand_vocabulary {

// The rows of one matrix of the target: some copied, some made, in the matrix's own type.
struct matrix_rows {
  std::vector<std::int64_t> from;  // by target row: the source row, or lagom::io::made_row
  std::vector<std::byte> made;
};

namespace detail {

// A vector with an element a token is a matrix of one column.
template <class T>
std::vector<std::byte> made_rows_as(const lagom::io::tensor_view& source, const lagom::embed::plan& plan) {
  const auto rows = static_cast<lagom::index_t>(source.shape[0]),
             cols = static_cast<lagom::index_t>(source.elements()) / rows;
  std::vector<T> copy;  // only where the file does not align its tensors
  auto elements = source.in_place<T>();
  if (!elements) {
    copy.resize(static_cast<std::size_t>(rows * cols));
    std::memcpy(copy.data(), source.bytes.data(), source.bytes.size());
    elements = copy;
  }
  std::vector<T> made(plan.rows() * static_cast<std::size_t>(cols));
  lagom::embed::apply(plan, lagom::mat_view<const T>(elements->data(), rows, cols),
                      lagom::mat_view<T>(made.data(), static_cast<lagom::index_t>(plan.rows()), cols));
  const auto bytes = std::as_bytes(std::span<const T>(made));
  return {bytes.begin(), bytes.end()};
}

inline lagom::result<std::vector<std::byte>> made_rows(const lagom::io::tensor_view& source,
                                                       const lagom::embed::plan& plan) {
  switch (source.type) {
    case lagom::io::dtype::f32:
      return made_rows_as<float>(source, plan);
    case lagom::io::dtype::f64:
      return made_rows_as<double>(source, plan);
    case lagom::io::dtype::f16:
      return made_rows_as<lagom::f16>(source, plan);
    case lagom::io::dtype::bf16:
      return made_rows_as<lagom::bf16>(source, plan);
    default:
      return lagom::failure{.code = lagom::errc::wrong_dtype};
  }
}

}  // namespace detail

// Rows 0 ... height - 1 of the target: those that the plan makes, those that the expansion keeps, and for ids that are no
// tokens the mean row, which never wins. Fails with `wrong_dtype` for a matrix that is no plain floating point.
[[nodiscard]] inline lagom::result<matrix_rows> rows_of_target(const lagom::io::tensor_view& source,
                                                               const lagom::vocab::expansion& change,
                                                               const lagom::embed::plan& plan,
                                                               std::size_t height) {
  namespace embed = lagom::embed;
  matrix_rows out;
  out.from.assign(height, lagom::io::made_row);
  embed::plan_builder filler(change.source_size);
  std::vector<bool> planned(height);
  for (std::size_t t = 0; t < height; ++t) {
    const auto id = static_cast<lagom::vocab::target_id>(t);
    planned[t] = plan.find(id) < plan.rows();
    if (planned[t]) continue;
    if (t < change.same.size() && change.same[t] != lagom::vocab::source_id::none) {
      out.from[t] = static_cast<std::int64_t>(change.same[t]);
    } else {
      filler.add(embed::gaussian{.deviation = 0});
      filler.end_row(id, {embed::method::padding, embed::reason::none});
    }
  }
  auto made = detail::made_rows(source, plan);
  if (!made) return made.error();
  auto fill = detail::made_rows(source, std::move(filler).build());
  if (!fill) return fill.error();
  const std::size_t width = source.bytes.size() / source.shape[0];
  out.made.reserve(made->size() + fill->size());
  std::size_t next_made = 0, next_fill = 0;
  for (std::size_t t = 0; t < height; ++t) {
    if (out.from[t] != lagom::io::made_row) continue;
    const std::byte* const at =
        planned[t] ? made->data() + width * next_made++ : fill->data() + width * next_fill++;
    out.made.insert(out.made.end(), at, at + width);
  }
  return out;
}

// The made elements of a head's bias: what its plan says for tokens, -infinity for ids that are none.
[[nodiscard]] inline lagom::result<std::vector<std::byte>> bias_of_target(
    const lagom::io::tensor_view& source, const lagom::vocab::expansion& change,
    const lagom::embed::plan& plan, std::size_t height) {
  lagom::io::tensor_view flat = source;
  flat.shape = {source.elements()};
  auto rows = rows_of_target(flat, change, plan, height);
  if (!rows) return rows.error();
  const std::size_t width = flat.bytes.size() / flat.shape[0];
  std::size_t made = 0;
  for (std::size_t t = 0; t < height; ++t) {
    if (rows->from[t] != lagom::io::made_row) continue;
    std::byte* const at = rows->made.data() + width * made++;
    if (plan.find(static_cast<lagom::vocab::target_id>(t)) < plan.rows()) continue;
    const auto put = [&](auto element) {
      lagom::embed::fill_padding_bias(lagom::vec_view(&element, 1), 0);
      std::memcpy(at, &element, sizeof element);
    };
    switch (source.type) {
      case lagom::io::dtype::f32:
        put(float{});
        break;
      case lagom::io::dtype::f64:
        put(double{});
        break;
      case lagom::io::dtype::f16:
        put(lagom::f16{});
        break;
      default:
        put(lagom::bf16{});
    }
  }
  return std::move(rows->made);
}

// The same rows as a matrix of the decoder.
[[nodiscard]] inline lagom::result<decoder::table> table_of(const lagom::io::tensor_view& source,
                                                            const matrix_rows& rows) {
  const std::size_t width = source.bytes.size() / source.shape[0];
  std::vector<std::byte> bytes(rows.from.size() * width);
  std::size_t next = 0;
  for (std::size_t r = 0; r < rows.from.size(); ++r) {
    const bool made = rows.from[r] == lagom::io::made_row;
    const std::byte* const at = made ? rows.made.data() + width * next++
                                     : source.bytes.data() + width * static_cast<std::size_t>(rows.from[r]);
    std::memcpy(bytes.data() + r * width, at, width);
  }
  return decoder::table::load(
      {.type = source.type, .shape = {rows.from.size(), source.shape[1]}, .bytes = bytes});
}

}  // namespace expand_vocabulary
