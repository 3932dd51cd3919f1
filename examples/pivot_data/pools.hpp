// SPDX-License-Identifier: MIT
// Small pools of wording for instruction-augmented texts.
#pragma once

#include <lagom/prompt/templify_draws.hpp>

namespace pivot_data::pools {

namespace lp = lagom::prompt;

inline constexpr lp::demo_style demos[] = {
    {"Q: ", "\n", "A: ", "\n\n"},
    {"Question: ", "\n", "Answer: ", "\n\n"},
    {"Question: ", "\n\n", "Answer: ", "\n\n"},
    {"", "\n", "", "\n\n"},
    {"", " ", "", "\n"},
    {"Problem: ", "\n", "Solution: ", "\n\n"},
    {"Asked: ", "\n", "Answered: ", "\n\n"},
    {"* ", "\n  ", "", "\n"},
};
inline constexpr lp::option_style options[] = {
    {"Options:", "\n(", ") ", lp::option_names::upper},
    {"Options:", "\n- ", "", lp::option_names::none},
    {"Choose from:", "\n", ". ", lp::option_names::upper},
    {"Pick one:", "\n", ") ", lp::option_names::lower},
    {"One of these:", "\n", ". ", lp::option_names::digits},
    {"Possible answers:", "\n[", "] ", lp::option_names::digits},
};
inline constexpr lp::chain_style chains[] = {
    {"\nLet's think step by step.", "\nTherefore, the answer is "},
    {"\nGive your reasons first.", "\nSo the answer is "},
    {"\nExplain how you get there.", "\nThat makes it "},
    {" Show your work.", "\nResult: "},
};
inline constexpr std::string_view none_of_these[] = {"None of these", "None of the above", "Not listed",
                                                     "No option is right"};
// Half of the texts begin bare, and half of the tasks.
inline constexpr lp::layout_style words[] = {
    {},
    {"Read this text:\n", "", "", "User: ", "Assistant: "},
    {"", "", "Questions about it:\n", "Reader: ", "Guide: "},
    {"Here is a passage.\n\n", "", "Answer from the text:\n", "A: ", "B: "},
    {"", "", "", "Reader: ", "Guide: "},
    {"Text: ", "", "", "A: ", "B: "},
    {"", "", "Now some exercises.\n", "User: ", "Assistant: "},
    {"Beginning of the text.\n", "\nEnd of the text.", "What does it say?\n", "User: ", "Assistant: "},
};

inline constexpr lp::style_pools all{
    .words = words, .demos = demos, .options = options, .chains = chains, .none_of_these = none_of_these};

}  // namespace pivot_data::pools
