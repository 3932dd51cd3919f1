// SPDX-License-Identifier: MIT
// A plan applied to the stored matrices of a model: the rows of the new ones.
#pragma once

#include <algorithm>
#include <lagom/embed/plan.hpp>
#include <lagom/vocab/expansion.hpp>
#include <optional>

#include "decoder/table.hpp"
#include "source_model.hpp"

namespace expand_vocabulary {

// What is to be known of made rows beside the source's.
struct row_findings {
  std::uint64_t rows = 0, not_finite = 0, zero = 0, doubles = 0, outliers = 0;  // of tokens, not of padding
  double variability = 0, source_variability = 0;
  double median_norm = 0, source_median_norm = 0;
};

// Where a row of the target comes from.
enum class row_kind : unsigned char { copied, planned, padding };

// The rows of one matrix of the target: some copied, some made, in the matrix's own type.
struct matrix_rows {
  std::vector<std::int64_t> from;  // by target row: the source row, or lagom::io::made_row
  std::vector<row_kind> kinds;     // by target row
  std::vector<std::byte> made;

  [[nodiscard]] std::size_t count(row_kind kind) const {
    return static_cast<std::size_t>(std::count(kinds.begin(), kinds.end(), kind));
  }
};

// The rows of all matrices of a model.
struct model_rows {
  matrix_rows input;
  std::optional<matrix_rows> head;  // where the model has one of its own
  std::vector<std::byte> bias;      // made elements of the head's bias, where it has one
};

// Applies one plan to the input embedding and one to the head and its bias, up to a height. Rows that a plan
// copies for the same token are taken from the source; rows that are no tokens never win: they are the mean row, and -infinity in a bias.
// Memory: the made rows. Fails with `wrong_dtype` for a matrix that is no plain floating point.
[[nodiscard]] lagom::result<model_rows> rows_of_model(const source_model& source,
                                                      const lagom::vocab::expansion& change,
                                                      const lagom::embed::plan& input,
                                                      const lagom::embed::plan& head, std::size_t height);

// Looks at the rows that were made for tokens. Cost: a few passes over the source matrix.
[[nodiscard]] row_findings look_at(const lagom::io::tensor_view& source, lagom::index_t source_tokens,
                                   const matrix_rows& rows);

// The same rows as a matrix of the decoder.
[[nodiscard]] lagom::result<decoder::table> table_of(const lagom::io::tensor_view& source,
                                                     const matrix_rows& rows);

}  // namespace expand_vocabulary
