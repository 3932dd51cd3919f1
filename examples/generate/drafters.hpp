// SPDX-License-Identifier: MIT
// Trained drafters: which one is for a text.
#pragma once

#include <algorithm>
#include <array>
#include <lagom/io/labelled_modules.hpp>
#include <string_view>
#include <vector>

namespace generate {

// Drafters that were trained for one model, a set of modules a language: what fit_drafters writes.
using drafter_sets = std::vector<lagom::io::labelled_modules>;

// The drafter of a text, by the language that was named or else by how the text is spelled: an index. Precondition: there
// is one.
[[nodiscard]] inline std::size_t drafter_for(const drafter_sets& sets, std::string_view language,
                                             std::string_view text) {
  const auto named =
      std::find_if(sets.begin(), sets.end(), [&](const auto& set) { return set.label == language; });
  if (!language.empty() && named != sets.end()) return static_cast<std::size_t>(named - sets.begin());
  const int closest = lagom::closest_profile(
      text, static_cast<int>(sets.size()),
      [&](int k) -> const lagom::text_profile& { return sets[static_cast<std::size_t>(k)].profile; });
  return static_cast<std::size_t>(std::max(0, closest));
}

// Numbers of layers that may draft: those that a trained drafter has modules for, in turn; else an eighth, a quarter, a half and
// three quarters of all.
[[nodiscard]] inline std::array<int, 4> draft_candidates(int n, const lagom::exit_modules* trained) {
  std::vector<int> known;
  for (int l = 0; trained != nullptr && l < trained->layers(); ++l) {
    if (trained->trained(lagom::layer_index(l))) known.push_back(l + 1);
  }
  std::array<int, 4> out{(n + 7) / 8, (n + 3) / 4, (n + 1) / 2, (3 * n + 3) / 4};
  for (std::size_t k = 0; k < out.size() && !known.empty(); ++k) out[k] = known[k % known.size()];
  return out;
}

}  // namespace generate
