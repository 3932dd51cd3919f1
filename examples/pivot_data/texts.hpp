// SPDX-License-Identifier: MIT
// Raw texts with the question-answer pairs made of them.
#pragma once

#include <functional>
#include <lagom/prompt/synthesizer.hpp>
#include <optional>
#include <string>

#include "report.hpp"

namespace pivot_data {

enum class text_loss : std::uint8_t {
  bad_row,        // no JSON, no object
  missing_field,  // no id or no text
  wrong_type,
  empty_text,
  collision,    // a text that holds a mark of the synthesizer
  no_pairs,     // where pairs are needed
  over_budget,  // longer than --max-tokens by itself
};
[[nodiscard]] constexpr std::array<std::string_view, 7> names_of(text_loss) noexcept {
  return {"bad_row", "missing_field", "wrong_type", "empty_text", "collision", "no_pairs", "over_budget"};
}

struct text_row {
  std::string id, set, text;
  struct pair {
    std::string question, answer;
  };
  std::vector<pair> pairs;

  // Views for the library; of this row, which must not move meanwhile.
  [[nodiscard]] std::vector<lagom::prompt::question_answer> views() const;
};

struct text_input {
  std::string path;
  bool needs_pairs = false, checks_marks = false;
};

// Calls `visit(row)` for the good rows of a file of {id, text, pairs: [{question, answer}], set}; a visit that gives a
// loss loses the row.
using text_visit = std::function<std::optional<text_loss>(text_row&&)>;
[[nodiscard]] lagom::prompt::losses<text_loss> read_texts(const text_input& in, complaints& complain,
                                                          const text_visit& visit);

}  // namespace pivot_data
