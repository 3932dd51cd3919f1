// SPDX-License-Identifier: MIT
// Any prompt as a list of its segments.
#pragma once

#include <lagom/prompt/spans.hpp>
#include <vector>

namespace pivot_data {

// Prompts of all kinds look alike from here on.
struct segment_list {
  std::vector<lagom::prompt::segment> all;

  using cursor = std::size_t;
  bool next(cursor& at, lagom::prompt::segment& out) const {
    if (at == all.size()) return false;
    out = all[at++];
    return true;
  }
  template <lagom::prompt::prompt_pieces P>
  void assign(const P& pieces) {
    all.clear();
    lagom::prompt::for_each_segment(pieces, [this](const lagom::prompt::segment& s) { all.push_back(s); });
  }
};

}  // namespace pivot_data
