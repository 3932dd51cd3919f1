// SPDX-License-Identifier: MIT
/// @file vocab/counted_piece.hpp
/// Pieces of text with how often they occur: what vocabulary training reads.
#pragma once

#include <string_view>
#include <type_traits>
#include <utility>

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// A piece, as the model of a tokenizer sees it, and its occurrences.
struct counted_piece {
  std::string_view bytes{};
  std::uint64_t count = 0;
};

namespace detail {
template <class P>
[[nodiscard]] counted_piece as_counted_piece(const P& p) {
  const auto& [bytes, count] = p;
  return {std::string_view(bytes), static_cast<std::uint64_t>(count)};
}
}  // namespace detail

/// A range of pieces with counts: of `counted_piece`, of `std::pair<std::string, std::uint64_t>`, a map from
/// strings to counts, a table of pre-tokens. A piece may come several times; its counts add up. It is read
/// more than once.
template <class C>
concept piece_counts = requires(const C& counts) {
  counts.begin() != counts.end();
  detail::as_counted_piece(*counts.begin());
};

/// Calls `visit(bytes, count)` for every piece that occurs.
template <piece_counts C, class Visit>
void for_each_piece(const C& counts, Visit visit) {
  for (const auto& entry : counts) {
    const counted_piece p = detail::as_counted_piece(entry);
    if (p.count > 0 && !p.bytes.empty()) visit(p.bytes, p.count);
  }
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
