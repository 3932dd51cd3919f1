// SPDX-License-Identifier: MIT
// What was timed, for people and for machines.
#pragma once

#include <fmt/core.h>

#include <lagom/io/json.hpp>

#include "study.hpp"

namespace choose_exits {

// In microseconds.
inline void print_times(const exit_times& t, std::size_t candidates) {
  const auto [least, most] = std::minmax_element(t.certified.begin(), t.certified.end());
  fmt::print(
      "\nTimed on the decoder, one thread, one token after {} others, microseconds: a layer {:.3g}; keys and "
      "values of a skipped\nlayer {:.3g}; the whole head {:.3g}; a certified probe {:.3g}, by layer {:.3g} "
      "to "
      "{:.3g}; {}cosine of states {:.3g};\na decision {:.2g}.\n",
      t.context, 1e-3 * t.costs.block, 1e-3 * t.costs.skipped, 1e-3 * t.costs.head, 1e-3 * t.costs.certified,
      1e-3 * *least, 1e-3 * *most,
      candidates > 1 ? fmt::format("the rows of {} candidates {:.3g}; ", candidates, 1e-3 * t.costs.rows)
                     : std::string(),
      1e-3 * t.costs.cheap, 1e-3 * t.costs.decision);
}

// The share of full depth's time that keys and values of skipped layers take.
[[nodiscard]] inline double share_of_keys(const exit_times& t, int layers, double used) {
  return (layers - used) * t.costs.skipped / (layers * t.costs.block + t.costs.head);
}

inline lagom::io::json json_of(const exit_times& t) {
  return {{"unit", "nanoseconds"},      {"context", t.context},    {"block", t.costs.block},
          {"skipped", t.costs.skipped}, {"head", t.costs.head},    {"certified", t.certified},
          {"rows", t.costs.rows},       {"cosine", t.costs.cheap}, {"decision", t.costs.decision}};
}

}  // namespace choose_exits
