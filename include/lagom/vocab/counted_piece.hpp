// SPDX-License-Identifier: MIT
/// @file vocab/counted_piece.hpp
/// Pieces of text with how often they occur: what vocabulary training reads.
#pragma once

#include <concepts>

#include "byte_counts.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

namespace detail {

template <class P>
[[nodiscard]] counted_bytes as_counted_bytes(const P& p) {
  const auto& [bytes, count] = p;
  return {std::string_view(bytes), static_cast<std::uint64_t>(count)};
}

template <class C>
concept piece_range = requires(const C& counts) {
  counts.begin() != counts.end();
  as_counted_bytes(*counts.begin());
};

}  // namespace detail

/// Pieces with counts, as the model of a tokenizer sees them: `byte_counts` (`corpus_counts::pre_tokens()`), or
/// a range of `counted_bytes`, of `std::pair<std::string, std::uint64_t>`, a map from strings to counts. A
/// piece may come several times: its counts add up. It is read more than once, and its order does not matter.
template <class C>
concept piece_counts = std::same_as<C, byte_counts> || detail::piece_range<C>;

/// Calls `visit(bytes, count)` for every piece that occurs.
template <piece_counts C, class Visit>
void for_each_piece(const C& counts, Visit visit) {
  const auto each = [&](std::string_view bytes, std::uint64_t count) {
    if (count > 0 && !bytes.empty()) visit(bytes, count);
  };
  if constexpr (std::same_as<C, byte_counts>) {
    counts.for_each_unordered(each);
  } else {
    for (const auto& entry : counts) {
      const counted_bytes p = detail::as_counted_bytes(entry);
      each(p.bytes, p.count);
    }
  }
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
