// SPDX-License-Identifier: MIT
/// @file prompt/sectioned.hpp
/// The builder of a grammar: contents in, segments out.
#pragma once

#include "grammar.hpp"
#include "segment.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Which part of an answer carries loss.
enum class trained_part : std::uint8_t {
  all,                 ///< headers, separators, all sections, the end mark: PLUG (arXiv 2311.08711)
  target,              ///< the content of the target section, the grammar's closing and the end mark
  target_with_header,  ///< its header too
  content,             ///< the content of every section, no header, no closing and no end mark
  none,                ///< nothing: demonstrations, previews
};

/// Whether the mark that ends an answer is trained.
[[nodiscard]] constexpr bool trains_end(trained_part part) noexcept {
  return part == trained_part::all || part == trained_part::target ||
         part == trained_part::target_with_header;
}

/// An answer in sections as segments. Sees its grammar and its texts; both have to outlive it.
///
/// ```cpp
/// constexpr auto taco = lagom::prompt::taco_grammar("ne", "Response in Nepali:");
/// std::string text = text_of(lagom::prompt::sectioned<3>{&taco, {x_p, y_p, y_t}});
/// ```
template <std::size_t N>
struct sectioned {
  const prompt::grammar<N>* grammar = nullptr;
  prompt::fields<N> fields{};
  trained_part trained = trained_part::all;

  struct cursor {
    std::uint8_t section = 0, part = 0;
    bool written = false;  ///< a section stands before this one
  };

  constexpr bool next(cursor& at, segment& out) const {
    for (; at.section < N; ++at.section, at.part = 0) {
      const std::size_t i = at.section;
      if (!fields[i]) continue;
      const prompt::section& s = grammar->sections[i];
      while (at.part < parts) {
        const std::uint8_t part = at.part++;
        out = {text(i, part, at.written),
               role::assistant,
               part == separator ? std::string_view{} : s.name,
               part == separator ? std::string_view{} : s.language,
               trains(i, part),
               part == content ? origin::content : origin::literal};
        if (!out.text.empty()) return true;
      }
      at.written = true;
    }
    if (at.section == N && at.written) {
      ++at.section;
      out = {grammar->closing, role::assistant, {}, {}, trains_end(trained), origin::literal};
      return !out.text.empty();
    }
    return false;
  }

 private:
  enum : std::uint8_t { separator, label, label_end, content, parts };

  [[nodiscard]] constexpr std::string_view text(std::size_t i, std::uint8_t part, bool written) const {
    const prompt::section& s = grammar->sections[i];
    switch (part) {
      case separator:
        return written ? grammar->separator : std::string_view{};
      case label:
        return s.header.text;
      case label_end:
        return s.header.text.empty() ? std::string_view{} : grammar->header_end;
      default:
        return *fields[i];
    }
  }
  [[nodiscard]] constexpr bool trains(std::size_t i, std::uint8_t part) const {
    switch (trained) {
      case trained_part::all:
        return true;
      case trained_part::target:
        return i == grammar->target && part == content;
      case trained_part::target_with_header:
        return i == grammar->target && part != separator;
      case trained_part::content:
        return part == content;
      default:
        return false;
    }
  }
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
