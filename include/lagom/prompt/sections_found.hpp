// SPDX-License-Identifier: MIT
/// @file prompt/sections_found.hpp
/// What a parser found of a grammar in a text: places and deviations, no text.
#pragma once

#include "match_header.hpp"
#include "spans.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// One section of a text that was read.
struct found_section {
  span header{};   ///< with what belongs to it on both sides
  span content{};  ///< of the first header of this section
  std::uint32_t count = 0;
  deviation tolerated = deviation::none;

  friend constexpr bool operator==(const found_section&, const found_section&) = default;
};

/// All sections of a text. A plain value; offsets are bytes of the text that was read.
template <std::size_t N>
struct sections_found {
  std::array<found_section, N> sections{};
  span preamble{};            ///< what stands before the first header
  std::size_t first = N;      ///< the section that came first; N: none
  std::size_t last = N;       ///< the last one that was new
  std::size_t prefilled = N;  ///< the section that the prompt began; N: none
  std::size_t misplaced =
      N;  ///< the first section that came after one that follows it in the grammar; N: none
  bool out_of_order = false;   ///< there is such a section
  bool cut_in_header = false;  ///< the text ends within a header that was still to come
  bool closed = false;         ///< the closing mark was read

  friend constexpr bool operator==(const sections_found&, const sections_found&) = default;
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
