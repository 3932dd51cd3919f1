// SPDX-License-Identifier: MIT
/// @file prompt/free_fields.hpp
/// What to do with contents that would not be read back: refuse, quote or leave out.
#pragma once

#include <string>

#include "collides.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// What becomes of a content that a parser would take for something else.
enum class on_collision : std::uint8_t {
  error,   ///< the row is refused; the caller has the place
  escape,  ///< the line is quoted (`> ` before the header); a closing mark gets a blank before its last byte
  drop,    ///< the section is left out; the target section never is, and its collision is left
};

/// Contents that are read back as they are, or the collision that is left. `changed` counts quotes and omissions.
template <std::size_t N>
struct freed_fields {
  fields<N> texts{};
  std::optional<collision> left{};
  std::size_t changed = 0;

  [[nodiscard]] constexpr explicit operator bool() const noexcept { return !left; }
};

/// Contents without collisions. Escaped texts are written to `spare`, which the result sees; the others are the
/// caller's. O(text) for each collision.
template <std::size_t N>
[[nodiscard]] freed_fields<N> free_fields(const grammar<N>& g, const fields<N>& texts, matching level,
                                          on_collision what, std::array<std::string, N>& spare) {
  freed_fields<N> out{texts, {}, 0};
  for (;;) {
    out.left = collides(g, out.texts, level);
    if (!out.left || what == on_collision::error) return out;
    const auto [section, offset] = *out.left;
    const std::string_view text = *out.texts[section];
    if (what == on_collision::drop) {
      if (section == g.target) return out;
      out.texts[section] = std::nullopt;
      ++out.changed;
      continue;
    }
    const bool exact = level == matching::exact;
    const std::string_view mark = exact ? g.closing : trimmed(g.closing);
    const std::size_t word = text.find_first_not_of(" \t\r\n", offset), from = exact ? offset : word;
    const bool closing = !mark.empty() && from < text.size() && text.substr(from).starts_with(mark);
    const std::size_t at = closing ? from + mark.size() - 1 : word;
    if (at == std::string_view::npos || at > text.size()) return out;  // no header to quote
    std::string quoted(text.substr(0, at));
    quoted += closing ? " " : "> ";
    quoted += text.substr(at);
    spare[section] = std::move(quoted);
    out.texts[section] = spare[section];
    ++out.changed;
    const std::optional<collision> next = collides(g, out.texts, level);
    if (next && next->section == section &&
        (next->offset <= offset || out.changed > texts[section]->size())) {  // quoting does not help
      out.left = next;
      return out;
    }
  }
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
