// SPDX-License-Identifier: MIT
/// @file prompt/parallel_training.hpp
/// MathOctopus: mathematical problems asked and solved in one language, or asked in English and solved in another.
#pragma once

#include "number_answer.hpp"
#include "plug.hpp"
#include "template_text.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Question and solution in the target language (arXiv 2310.20246).
using parallel_training = pivot_method<pair_kind::t_to_t>;
/// The question in the pivot language, the solution in the target language.
using cross_training = pivot_method<pair_kind::p_to_t>;

/// A preamble, the question and the solution under headings. The order is the paper's, the words are ours; the preamble
/// is the `target_system` of the method.
inline constexpr chat_style math_style{
    .begin = {},
    .system = {.before = {}, .lead = {}, .end = {}, .after = "\n\n"},
    .user = {.before = "### Problem:\n", .lead = {}, .end = {}, .after = "\n\n"},
    .assistant = {.before = "### Solution:", .lead = "\n", .end = "</s>", .after = {}}};

/// A preamble that names the language of the solution, as MathOctopus's does; in our words. The method sees its text:
/// ```cpp
/// const std::string preamble = text_of(math_preamble(value<"language">("Swahili")));
/// parallel_training method{.target = "sw", .target_system = preamble, .style = math_style};
/// ```
inline constexpr auto math_preamble = template_text<
    "Here is a problem. Solve it in {language}, step by step, and end with the number that is the answer.">;

/// Whether the last numbers of two solutions are the same: of a generated one and the wanted one, or of the two halves
/// of a quad, whose numbers have to agree. A text without a number agrees with nothing. O(bytes).
[[nodiscard]] inline bool same_answer(std::string_view solution, std::string_view wanted,
                                      numerals way = numerals::any) {
  const std::optional<number> answer = number_answer(wanted, way);
  return answer && is_right(number_answer(solution, way), *answer);
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
