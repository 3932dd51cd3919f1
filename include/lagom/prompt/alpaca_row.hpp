// SPDX-License-Identifier: MIT
/// @file prompt/alpaca_row.hpp
/// A row of instruction, optional input and output under Alpaca's headings.
#pragma once

#include "grammar.hpp"
#include "segment.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// The words around the fields. The preambles are tatsu-lab/stanford_alpaca's (Apache-2.0), one for rows with an input
/// and one for rows without.
struct alpaca_words {
  std::string_view preamble_input =
      "Below is an instruction that describes a task, paired with an input that provides further context. "
      "Write a response that appropriately completes the request.\n\n";
  std::string_view preamble =
      "Below is an instruction that describes a task. Write a response that appropriately completes the "
      "request.\n\n";
  std::string_view instruction = "### Instruction:\n", input = "\n\n### Input:\n",
                   response = "\n\n### Response:";
  std::string_view
      lead{};  ///< after the response's heading; trained. Nothing: the output follows the heading at once
  std::string_view end{};  ///< after the output; trained
};

/// Bactrian-X's words (arXiv 2305.15011): no preamble, the instruction under `Input`, the answer under `Output`.
inline constexpr alpaca_words bactrian_words{.preamble_input = {},
                                             .preamble = {},
                                             .instruction = "### Input:\n",
                                             .input = "\n\n",
                                             .response = "\n\n### Output:\n",
                                             .lead = {},
                                             .end = {}};

/// What is read back of a prompt with its answer: an answer that repeats the heading stays whole.
inline constexpr grammar<2> bactrian_grammar{
    .sections = {{{.name = "instruction", .language = {}, .header = {"### Input:", {}}},
                  {.name = "output", .language = {}, .header = {"### Output:", {}}}}},
    .target = 1,
    .header_end = "\n",
    .separator = "\n\n",
    .closing = {},
    .target_to_end = true};

/// One row. The output is trained with what is around it, the rest is not. `asks_literally`: the instruction is the
/// template's own (a translation request). `tag` is a literal at the end of the input, which makes it an input even
/// where there is no other. Sees everything.
struct alpaca_row {
  std::string_view instruction{}, input{}, output{};
  std::string_view tag{};
  bool asks_literally = false;
  std::string_view input_language{}, output_language{};
  alpaca_words words{};
  bool answered = true;

  using cursor = std::uint8_t;
  constexpr bool next(cursor& at, segment& out) const {
    const bool with_input = !input.empty() || !tag.empty();
    const auto literal = [](std::string_view text, bool trained = false, role who = role::user) {
      return segment{text, who, {}, {}, trained, origin::literal};
    };
    while (at < (answered ? 10 : 7)) {
      switch (at++) {
        case 0:
          out = literal(with_input ? words.preamble_input : words.preamble, false, role::system);
          break;
        case 1:
          out = literal(words.instruction);
          break;
        case 2:
          out = {instruction,   role::user,
                 "instruction", asks_literally ? std::string_view{} : input_language,
                 false,         asks_literally ? origin::literal : origin::content};
          break;
        case 3:
          out = literal(with_input ? words.input : std::string_view{});
          break;
        case 4:
          out = {input, role::user, "input", input_language, false, origin::content};
          break;
        case 5:
          out = literal(tag);
          break;
        case 6:
          out = literal(words.response, false, role::assistant);
          break;
        case 7:
          out = literal(words.lead, true, role::assistant);
          break;
        case 8:
          out = {output, role::assistant, "output", output_language, true, origin::content};
          break;
        default:
          out = literal(words.end, true, role::assistant);
      }
      if (!out.text.empty()) return true;
    }
    return false;
  }
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
