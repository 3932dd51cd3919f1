// SPDX-License-Identifier: MIT
/// @file prompt/grammar.hpp
/// The shape of an answer in labelled sections: one value for the builder, the parser and the streaming parser.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace lagom {
inline namespace v0 {
namespace prompt {

/// The label that a section begins with. A text of another normal form is another spelling of the same label, so no
/// Unicode tables are needed to read both: builders write `text`, parsers take either where they fold NFC.
struct header {
  std::string_view text{};        ///< as it is written, in NFC; empty: the section has none
  std::string_view decomposed{};  ///< in NFD, where that differs

  friend constexpr bool operator==(const header&, const header&) = default;
};

/// One section of an answer.
struct section {
  std::string_view name{};      ///< the field that it holds: "x_p", "y_p", "y_t"
  std::string_view language{};  ///< BCP 47 tag; empty where it has none
  prompt::header header{};
  bool optional = false;  ///< its absence is no loss

  friend constexpr bool operator==(const section&, const section&) = default;
};

/// An answer of `N` sections, written in this order:
/// `[separator] header header_end content`, the separator from the second section on, `closing` after the last.
/// A grammar of literals is a constant; one with labels chosen at run time is a value like any other.
template <std::size_t N>
struct grammar {
  static_assert(N > 0 && N <= 16);

  std::array<section, N> sections{};
  std::size_t target = N - 1;          ///< the section that is the answer; the others lead to it
  std::string_view header_end = "\n";  ///< between a header and its content
  std::string_view separator = "\n\n";
  std::string_view closing = {};
  bool target_to_end =
      false;  ///< once the target section has begun, all the rest is its content, headers included

  [[nodiscard]] static constexpr std::size_t size() noexcept { return N; }
  friend constexpr bool operator==(const grammar&, const grammar&) = default;
};

/// The contents of the sections of a grammar; a section without a value is not written.
template <std::size_t N>
using fields = std::array<std::optional<std::string_view>, N>;

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
