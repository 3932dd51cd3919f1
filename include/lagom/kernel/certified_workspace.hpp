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

/// What certified probes of one prepared head write into: allocated once, one a thread that probes. 4 bytes a row and
/// 18 a column. A new head needs a new workspace.
class certified_workspace {
 public:
  template <backend B>
  certified_workspace(const B& b, const prepared_rows& rows)
      : upper(size(rows.rows)),
        sizes(size((rows.rows + tile - 1) / tile)),
        y(size(rows.cols)),
        dither(size(rows.cols)),
        high(size(padded(rows))),
        low(size(padded(rows))) {
    if (rows.code == row_code::int4) {
      for (index_t j = 0; j < rows.cols; ++j) dither[size(j)] = prepared_rows::dither(b, rows.key, j);
    }
  }

  /// Rows a task. Fixed: the order of work depends on the head alone.
  static constexpr index_t tile = 256;

  std::vector<float> upper;       ///< largest logit a row may have
  std::vector<float> sizes;       ///< of a tile of rows: the largest magnitude that a logit may have
  std::vector<double> y, dither;  ///< the state, normed and rotated; what the rows were dithered with
  std::vector<std::int8_t> high, low;
  certified_account account;  ///< of all probes that used this workspace

 private:
  static std::size_t size(index_t n) noexcept { return static_cast<std::size_t>(n); }
  static index_t padded(const prepared_rows& r) noexcept {
    const index_t line = prepared_rows::line(r.code);
    return (r.cols + line - 1) / line * line;
  }
};

}  // namespace v0
}  // namespace lagom
