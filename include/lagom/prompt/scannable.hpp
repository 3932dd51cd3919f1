// SPDX-License-Identifier: MIT
/// @file prompt/scannable.hpp
/// Whether the sections of a grammar can be told apart.
#pragma once

#include "match_header.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Longest header, with what stands around it, in bytes.
inline constexpr std::size_t longest_delimiter = 160;

/// Whether a text of this grammar can be read: every section has a header, none is so long that it could not be kept
/// back, and no header begins another one.
template <std::size_t N>
[[nodiscard]] constexpr bool scannable(const grammar<N>& g) noexcept {
  const std::size_t around = g.separator.size() + g.header_end.size();
  if (g.closing.size() > longest_delimiter) return false;
  for (std::size_t i = 0; i < N; ++i) {
    const header& h = g.sections[i].header;
    if (h.text.empty() || h.text.size() + around > longest_delimiter ||
        h.decomposed.size() > longest_delimiter)
      return false;
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
