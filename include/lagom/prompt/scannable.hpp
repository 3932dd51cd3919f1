// SPDX-License-Identifier: MIT
/// @file prompt/scannable.hpp
/// Whether the sections of a grammar can be told apart.
#pragma once

#include <algorithm>

#include "match_header.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Longest header, with what stands around it, in bytes.
inline constexpr std::size_t longest_delimiter = 160;

namespace detail {

// Whether neither of a mark and `before text` begins with the other; an empty mark is none.
[[nodiscard]] constexpr bool apart(std::string_view mark, std::string_view before,
                                   std::string_view text) noexcept {
  if (mark.empty()) return true;
  const std::size_t n = (std::min)(mark.size(), before.size() + text.size());
  for (std::size_t i = 0; i < n; ++i) {
    if (mark[i] != (i < before.size() ? before[i] : text[i - before.size()])) return true;
  }
  return false;
}

}  // namespace detail

/// Whether a text of this grammar can be read: its target is a section, every section has a header, none is so long that
/// it could not be kept back, no header begins another one, and neither does the closing mark begin a header or the
/// white space before one, nor a header the closing mark.
template <std::size_t N>
[[nodiscard]] constexpr bool scannable(const grammar<N>& g) noexcept {
  const std::size_t around = g.separator.size() + g.header_end.size();
  if (g.target >= N || g.closing.size() > longest_delimiter) return false;
  if (!g.closing.empty() && g.separator.starts_with(g.closing)) return false;
  for (std::size_t i = 0; i < N; ++i) {
    const header& h = g.sections[i].header;
    if (h.text.empty() || h.text.size() + around > longest_delimiter ||
        h.decomposed.size() > longest_delimiter)
      return false;
    if (!detail::apart(g.closing, g.separator, h.text) || !detail::apart(g.closing, {}, h.text)) return false;
    for (std::size_t j = 0; j < N; ++j) {
      if (i != j && match_header(g.sections[j].header.text, h, matching::letter_case, true).is ==
                        header_match::state::full)
        return false;
    }
  }
  return true;
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
