// SPDX-License-Identifier: MIT
/// @file prompt/packed.hpp
/// Samples side by side in rows of fixed capacity, and what attention has to know of them.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "losses.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Tokens [begin, begin + size) of a sample: all of it, unless it was split.
struct packed_piece {
  std::uint32_t sample = 0, begin = 0, size = 0;
  friend constexpr bool operator==(const packed_piece&, const packed_piece&) = default;
};

/// Why a sample is in no bin.
enum class pack_loss : std::uint8_t { empty, too_long };
[[nodiscard]] constexpr std::array<std::string_view, 2> names_of(pack_loss) noexcept {
  return {"empty", "too_long"};
}

/// Bins of pieces.
struct packed_bins {
  std::vector<packed_piece> pieces;          ///< bin after bin
  std::vector<std::size_t> bin_begin = {0};  ///< where each bin begins in `pieces`, and the end of the last
  losses<pack_loss> account;                 ///< of samples

  [[nodiscard]] std::size_t size() const noexcept { return bin_begin.size() - 1; }
  [[nodiscard]] std::span<const packed_piece> operator[](std::size_t bin) const noexcept {
    return std::span<const packed_piece>(pieces).subspan(bin_begin[bin], bin_begin[bin + 1] - bin_begin[bin]);
  }
};

/// Appends 0 and the ends of the pieces: what attention over variable lengths takes as `cu_seqlens`.
inline void append_cu_seqlens(std::span<const packed_piece> bin, std::vector<std::uint32_t>& out) {
  std::uint32_t end = 0;
  out.push_back(end);
  for (const packed_piece& p : bin) out.push_back(end += p.size);
}

/// Appends positions that begin at 0 in each piece.
inline void append_position_ids(std::span<const packed_piece> bin, std::vector<std::uint32_t>& out) {
  for (const packed_piece& p : bin) {
    for (std::uint32_t i = 0; i < p.size; ++i) out.push_back(i);
  }
}

/// One bin, ready for a model.
struct packed_row {
  std::vector<token_id> ids, labels;
  std::vector<std::uint32_t> cu_seqlens, position_ids;
  void clear() noexcept {
    ids.clear();
    labels.clear();
    cu_seqlens.clear();
    position_ids.clear();
  }
};

/// Writes a bin. `row_of(sample)` gives something with `ids` and `labels` that lives while it is copied (a
/// `token_row`). The label of each piece's first token becomes `ignore`: the token before it belongs to another sample, and
/// models predict each label from the token before.
template <class RowOf>
void gather(std::span<const packed_piece> bin, RowOf&& row_of, packed_row& out, token_id ignore = -100) {
  out.clear();
  for (const packed_piece& p : bin) {
    const auto& row = row_of(p.sample);
    LAGOM_ASSERT(row.ids.size() >= std::size_t{p.begin} + p.size && row.labels.size() == row.ids.size());
    for (std::size_t i = p.begin; i < std::size_t{p.begin} + p.size; ++i) {
      out.ids.push_back(row.ids[i]);
      out.labels.push_back(i == p.begin ? ignore : row.labels[i]);
    }
  }
  append_cu_seqlens(bin, out.cu_seqlens);
  append_position_ids(bin, out.position_ids);
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
