// SPDX-License-Identifier: MIT
// Quads from files: our own JSON lines, and the benchmarks MGSM, MSVAMP and XQuAD.
#pragma once

#include <functional>
#include <lagom/prompt/quad.hpp>
#include <string>

#include "report.hpp"

namespace pivot_data {

enum class quad_loss : std::uint8_t {
  bad_row,          // no JSON, no object, no tab
  missing_field,    // a text that a quad needs, or its id
  wrong_type,       // a field that is no text
  other_language,   // a row that says it is of another language
  missing_pivot,    // an id that only the target's file has
  missing_target,   // an id that only the pivot's file has
  duplicate_id,     // an id that came before
  answer_mismatch,  // answers that are numbers, and not the same one
};
[[nodiscard]] constexpr std::array<std::string_view, 8> names_of(quad_loss) noexcept {
  return {"bad_row",       "missing_field",  "wrong_type",   "other_language",
          "missing_pivot", "missing_target", "duplicate_id", "answer_mismatch"};
}

struct quad_input {
  std::string pivot_path, target_path;  // one file of quads, or two of halves
  std::string format = "auto";
  std::string pivot = "en", target;
  bool answers = true;  // needed
};

using quad_visit = std::function<void(const lagom::prompt::quad&)>;

// Calls `visit(quad)` for every quad, in the order of the (pivot's) file.
[[nodiscard]] lagom::prompt::losses<quad_loss> read_quads(const quad_input& in, complaints& complain,
                                                          const quad_visit& visit);

}  // namespace pivot_data
