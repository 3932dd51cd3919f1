// SPDX-License-Identifier: MIT
/// @file prompt/segment_list.hpp
/// A prompt whose segments lie in a vector.
#pragma once

#include <vector>

#include "segment.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// A prompt as a list of its segments: one that is made by hand, or any prompt once more, so that prompts of all kinds
/// are of one type. Owns the segments, sees their texts. Models `prompt_pieces`. Precondition: no segment is empty.
/// ```cpp
/// const lagom::prompt::segment_list p{{{.text = "Q: "}, {.text = question}, {.text = answer, .trained = true}}};
/// ```
struct segment_list {
  std::vector<segment> all;

  using cursor = std::size_t;
  bool next(cursor& at, segment& out) const {
    if (at == all.size()) return false;
    out = all[at++];
    return true;
  }
  /// The segments of another prompt in the place of those that were here. O(segments).
  template <prompt_pieces P>
  void assign(const P& pieces) {
    all.clear();
    for_each_segment(pieces, [this](const segment& s) { all.push_back(s); });
  }
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
