// SPDX-License-Identifier: MIT
/// @file prompt/collides.hpp
/// Whether contents would be read back as they are, and what to do where they would not.
#pragma once

#include "parse_sections.hpp"
#include "sectioned.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Where a content would be taken for something else: byte `offset` of section `section`.
struct collision {
  std::size_t section = 0, offset = 0;

  friend constexpr bool operator==(const collision&, const collision&) = default;
};

/// The first place of the contents that a parser of this level would read as a header or a closing mark, or would not
/// read back. None: what is built of them is read back as they are, at tolerant levels without the white space around
/// them. O(text); nothing is allocated. Precondition: `scannable(g)`.
template <std::size_t N>
[[nodiscard]] constexpr std::optional<collision> collides(const grammar<N>& g, const fields<N>& texts,
                                                          matching level) {
  const sectioned<N> built{&g, texts, trained_part::none};
  std::array<span, N> expected{};
  for_each_span(built, [&](span at, const segment& s) {
    for (std::size_t i = 0; i < N; ++i) {
      if (s.origin != origin::content || !texts[i] || s.section != g.sections[i].name) continue;
      expected[i] = at;
      if (level != matching::exact)  // white space at the end belongs to the header that follows
        expected[i].end = at.begin + s.text.find_last_not_of(" \t\r\n") + 1;
    }
  });
  const auto inside = [&](std::size_t offset) -> std::optional<collision> {
    for (std::size_t i = 0; i < N; ++i) {
      if (expected[i].size() > 0 && offset >= expected[i].begin && offset < expected[i].end)
        return collision{i, offset - expected[i].begin};
    }
    return std::nullopt;
  };
  const auto look = [&](auto reader) -> std::optional<collision> {
    std::optional<collision> first;
    const auto watch = [&](const section_event& e) {
      if (!first && e.what == section_event::kind::open) first = inside(e.offset);
    };
    for_each_segment(built, [&](const segment& s) { reader.feed(s.text, watch); });
    reader.finish(watch);
    const sections_found<N>& found = reader.found();
    std::optional<collision>
        other;  // no header inside: a closing mark, or an end that was not read as content
    bool same = found.preamble.size() == 0 && !found.cut_in_header;
    for (std::size_t i = N; i-- > 0;) {
      const found_section& s = found.sections[i];
      if (!texts[i]) {
        same = same && s.count == 0;
        continue;
      }
      const std::size_t size = level == matching::exact ? texts[i]->size() : trimmed(*texts[i]).size();
      if (s.count == 1 && s.content.size() == size) continue;
      same = false;
      const std::size_t end = s.content.end > expected[i].begin ? s.content.end - expected[i].begin : 0;
      if (size > 0) other = collision{i, (std::min)(end, texts[i]->size())};
    }
    if (same) return std::nullopt;
    return first ? first : other;
  };
  return level == matching::exact ? look(exact_reader<N>(g)) : look(tolerant_reader<N>(g, level));
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
