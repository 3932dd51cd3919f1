// SPDX-License-Identifier: MIT
/// @file kernel/certified_workspace.hpp
/// The memory of a certified probe.
#pragma once

#include <vector>

#include "certified_stats.hpp"
#include "prepared_rows.hpp"

namespace lagom {
inline namespace v0 {

/// What probes have cost so far. Accounts of threads merge.
struct certified_account {
  std::int64_t probes = 0;
  std::int64_t unknown = 0, certified = 0, exact = 0;
  std::int64_t full_reads = 0;  ///< probes that read all of the full head; they are exact
  std::int64_t rows_read = 0;   ///< of the full head
  std::uint64_t bytes_read = 0;

  LAGOM_LEAF void push(certainty how, index_t rows, std::uint64_t bytes, index_t all_rows) noexcept {
    ++probes;
    ++(how == certainty::exact ? exact : how == certainty::certified ? certified : unknown);
    full_reads += rows >= all_rows ? 1 : 0;
    rows_read += rows;
    bytes_read += bytes;
  }
  LAGOM_LEAF void merge(const certified_account& other) noexcept {
    probes += other.probes;
    unknown += other.unknown;
    certified += other.certified;
    exact += other.exact;
    full_reads += other.full_reads;
    rows_read += other.rows_read;
    bytes_read += other.bytes_read;
  }
};

/// What certified probes of one prepared head write into: allocated once, one a thread that probes. 4 bytes a row
/// (`int4`: 8) and 10 a column (`int4`: 4 more, and 2 for each of the dithers). A new head needs a new workspace.
class certified_workspace {
 public:
  template <backend B>
  certified_workspace(const B& b, const prepared_rows& rows)
      : upper(size(rows.rows)),
        sizes(size((rows.rows + tile - 1) / tile)),
        found(size(batch)),
        logits(size(batch)),
        sums(size((rows.rows + part - 1) / part * sums_of_part)),
        y(size(rows.cols)),
        high(size(padded(rows))),
        low(size(padded(rows))),
        centres(size(tile)) {
    if (rows.code == row_code::int4) {
      dither.resize(size(rows.dithers() * rows.cols));
      for (index_t k = 0; k < rows.dithers(); ++k)
        prepared_rows::dither(b, rows.key, k, dither.data() + k * rows.cols, rows.cols);
      integers.resize(size(rows.cols));
      exact.resize(size(rows.rows));
    }
  }

  /// Rows a task. Fixed: the order of work depends on the head alone. The same dithers in every tile.
  static constexpr index_t tile = 256;
  static_assert(tile % prepared_rows::most_dithers == 0);
  /// Rows of the full head that are read at a time, and those of one task.
  static constexpr index_t batch = 1024, reading = 32;
  /// Rows of a task that sums what was not read.
  static constexpr index_t part = 32 * tile;
  static constexpr index_t sums_of_part = 16 + prepared_rows::most_dithers;

  std::vector<float> upper;            ///< largest logit a row may have
  std::vector<float> sizes;            ///< of a tile of rows: the largest magnitude that a logit may have
  std::vector<float> exact;            ///< logits of the rows that were read
  std::vector<index_t> found;          ///< rows of the full head to read
  std::vector<double> logits;          ///< and what they gave
  std::vector<double> sums;            ///< of parts of the rows that were not read
  std::vector<double> y;               ///< the state, normed and rotated
  std::vector<std::int8_t> high, low;  ///< and as integers
  std::vector<float> integers;
  std::vector<std::int16_t> dither;  ///< what the rows were dithered with, one dither after the other
  std::vector<double> centres;  ///< of a tile of rows: what their products with the state are too large by
  certified_account account;    ///< of all probes that used this workspace

 private:
  LAGOM_LEAF static std::size_t size(index_t n) noexcept { return static_cast<std::size_t>(n); }
  LAGOM_LEAF static index_t padded(const prepared_rows& r) noexcept {
    const index_t line = prepared_rows::line(r.code);
    return (r.cols + line - 1) / line * line;
  }
};

}  // namespace v0
}  // namespace lagom
