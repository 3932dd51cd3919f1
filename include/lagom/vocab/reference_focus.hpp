// SPDX-License-Identifier: MIT
/// @file vocab/reference_focus.hpp
/// What a released FOCUS for low-resource languages does before it begins: compat modes.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "../core/types.hpp"
#include "../text/utf8.hpp"
#include "ids.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// Compat: which source token a target token is, by equal *spellings* in the files ("Ġhouse" is not "▁house"),
/// in the form of `expansion::same`. The right overlap is by bytes: tokenizers of two kinds share next to no
/// spelling, and a byte token's name is a literal's text.
///
/// `source(id)` and `target(id)` give spellings as `std::string_view`s that last; of several source tokens with
/// one spelling the first counts.
template <class Source, class Target>
[[nodiscard]] std::vector<source_id> same_by_spelling(index_t source_size, const Source& source,
                                                      index_t target_size, const Target& target) {
  struct entry {
    std::string_view text;
    token_id id;
  };
  std::vector<entry> known;
  for (token_id id = 0; id < source_size; ++id) known.push_back({source(id), id});
  std::stable_sort(known.begin(), known.end(),
                   [](const entry& a, const entry& b) { return a.text < b.text; });
  std::vector<source_id> out;
  for (token_id id = 0; id < target_size; ++id) {
    const std::string_view text = target(id);
    const auto at = std::lower_bound(known.begin(), known.end(), text,
                                     [](const entry& a, std::string_view b) { return a.text < b; });
    out.push_back(at != known.end() && at->text == text ? source_id{at->id} : source_id::none);
  }
  return out;
}

/// Compat: whether a line is kept for training auxiliary vectors: five words or more, or, in languages without
/// spaces, five characters or more. What is rare stands in short lines too, and loses its vector with them.
[[nodiscard]] constexpr bool keeps_line(std::string_view line, bool without_spaces) noexcept {
  int found = 0;
  bool inside = false;
  for (std::size_t at = 0; at < line.size() && found < 5;) {
    const auto c = decode_utf8(line, at);
    const bool space = c.code == ' ' || (c.code >= 9 && c.code <= 13);
    found += without_spaces || (!space && !inside) ? 1 : 0;
    inside = !space;
    at += c.length;
  }
  return found >= 5;
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
