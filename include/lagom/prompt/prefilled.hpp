// SPDX-License-Identifier: MIT
/// @file prompt/prefilled.hpp
/// A prompt that already holds the beginning of its answer: what a model goes on from.
#pragma once

#include "segment.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// The pieces of a row up to and with the header of a section; its content, and what follows, is the model's to write.
/// With the pivot sections at hand (from another model, or a cache) a prompt prefilled to "y_t" reads them instead of
/// writing them. Nothing of it is trained. The row's field of that section may hold anything, an empty text too; without
/// such a section all pieces are given. Holds the pieces; read the output with `section_reader::prefill`.
///
/// ```cpp
/// prefilled<pivot_row> ask{row, "y_t"};
/// std::string output = model(text_of(ask));
/// auto read = parse_sections(grammar, output, matching::nfc, 2);
/// ```
template <prompt_pieces P>
struct prefilled {
  P pieces;
  std::string_view section = "y_t";

  struct cursor {
    typename P::cursor at{};
    bool begun = false, over = false;
  };
  constexpr bool next(cursor& c, segment& out) const {
    if (c.over || !pieces.next(c.at, out)) return false;
    const bool header = out.origin == origin::literal && out.section == section;
    c.over = (c.begun && !header) || (out.origin == origin::content && out.section == section);
    c.begun = c.begun || header;
    out.trained = false;
    return !c.over;
  }
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
