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
/// read back. None: what is built of them is read back as they are. At tolerant levels white space around contents is
/// not looked at. O(text); nothing is allocated.
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
    if (first) return first;
    const sections_found<N>& found = reader.found();
    for (std::size_t i = 0; i < N;
         ++i) {  // no header inside: a closing mark, or an end that was not read as content
      if (!texts[i]) continue;
      const std::size_t read = found.sections[i].content.size();
      if (level == matching::exact ? read != texts[i]->size() : read != trimmed(*texts[i]).size())
        return collision{i, (std::min)(read, texts[i]->size())};
    }
    return std::nullopt;
  };
  return level == matching::exact ? look(exact_reader<N>(g)) : look(tolerant_reader<N>(g, level));
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
