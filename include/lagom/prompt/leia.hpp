// SPDX-License-Identifier: MIT
/// @file prompt/leia.hpp
/// LEIA: texts of a language with the English names of the entities that they link to.
#pragma once

#include <span>

#include "../core/random.hpp"
#include "segment.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// A linked entity: bytes [begin, end) of the text, and its English name.
struct entity_anchor {
  std::size_t begin = 0, end = 0;
  std::string_view name;

  friend constexpr bool operator==(const entity_anchor&, const entity_anchor&) = default;
};

/// Where the name goes.
enum class name_side : std::uint8_t {
  right,    ///< after the entity: the paper's default
  left,     ///< before it
  replace,  ///< instead of it
  none,     ///< nowhere
};

/// A text with `open name close` at its anchors (arXiv 2402.11485). The marks are never trained, the name is where
/// `train_names` says so, the text is. One walk over text and anchors: O(anchors). Precondition: anchors in order,
/// without overlap, within the text. Sees text and anchors.
struct leia_text {
  std::string_view text;
  std::span<const entity_anchor> anchors{};
  name_side side = name_side::right;
  bool train_names = true;
  std::string_view language = {}, name_language = "en";
  std::string_view open = "<translate>", close = "</translate>";

  struct cursor {
    std::size_t anchor = 0, at = 0;
    std::uint8_t part = 0;
  };

  constexpr bool next(cursor& c, segment& out) const {
    while (c.anchor < anchors.size() && side != name_side::none) {
      const entity_anchor& a = anchors[c.anchor];
      const std::size_t cut = side == name_side::right ? a.end : a.begin;
      switch (c.part++) {
        case 0:
          out = plain(c.at, cut);
          break;
        case 1:
          out = {open, role::none, {}, {}, false, origin::literal};
          break;
        case 2:
          out = {a.name, role::none, "name", name_language, train_names, origin::content};
          break;
        case 3:
          out = {close, role::none, {}, {}, false, origin::literal};
          break;
        default:
          c = {c.anchor + 1, side == name_side::left ? a.begin : a.end, 0};
          continue;
      }
      if (!out.text.empty()) return true;
    }
    if (c.at >= text.size()) return false;
    out = plain(c.at, text.size());
    c.at = text.size();
    return true;
  }

 private:
  [[nodiscard]] constexpr segment plain(std::size_t begin, std::size_t end) const {
    return {text.substr(begin, end - begin), role::none, "text", language, true, origin::content};
  }
};

/// Whether anchor `i` of document `document` is kept in pass `epoch`: with probability `share`, drawn anew in each pass;
/// a function of its arguments alone.
[[nodiscard]] constexpr bool keeps_anchor(const philox& random, std::uint64_t document, std::uint64_t epoch,
                                          std::uint64_t i, double share = 0.5) noexcept {
  return random.uniform(document, (epoch << 32) | i) < share;
}

/// Whether a title is one of an article: none of a namespace (`File:x`), no list.
[[nodiscard]] constexpr bool is_article_title(std::string_view title) noexcept {
  constexpr std::string_view namespaces[] = {
      "Category:", "File:",  "Help:", "Portal:",    "Special:", "Talk:",
      "Template:", "Media:", "User:", "Wikipedia:", "Module:",  "Draft:"};
  for (const std::string_view n : namespaces) {
    if (title.starts_with(n)) return false;
  }
  return !title.empty() && !title.starts_with("List of ");
}
/// A title without what stands in parentheses at its end: "Mercury (planet)" is "Mercury".
[[nodiscard]] constexpr std::string_view plain_title(std::string_view title) noexcept {
  if (!title.ends_with(')')) return title;
  const std::size_t open = title.rfind(" (");
  return open == std::string_view::npos || open == 0 ? title : title.substr(0, open);
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
