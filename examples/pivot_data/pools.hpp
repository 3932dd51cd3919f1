// SPDX-License-Identifier: MIT
// Small pools of wording for instruction-augmented texts, and draws from them.
#pragma once

#include <lagom/prompt/templify.hpp>

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
// Half of the texts begin bare.
struct read_words {
  std::string_view lead, end;
};
inline constexpr read_words reads[] = {{},
                                       {},
                                       {},
                                       {},
                                       {"Read this text:\n", ""},
                                       {"Here is a passage.\n\n", ""},
                                       {"Text: ", ""},
                                       {"Beginning of the text.\n", "\nEnd of the text."}};
inline constexpr std::string_view task_leads[] = {"",
                                                  "",
                                                  "",
                                                  "",
                                                  "Questions about it:\n",
                                                  "Answer from the text:\n",
                                                  "What does it say?\n",
                                                  "Now some exercises.\n"};
struct speakers {
  std::string_view asks, replies;
};
inline constexpr speakers dialogs[] = {{"User: ", "Assistant: "}, {"A: ", "B: "}, {"Reader: ", "Guide: "}};

// Draws of one text: each from its own slot, so that no draw depends on another.
class drawer {
 public:
  drawer(std::uint64_t seed, std::uint64_t stream, std::uint64_t first_slot)
      : random_{seed}, stream_(stream), slot_(first_slot) {}
  template <class T, std::size_t N>
  [[nodiscard]] const T& from(const T (&pool)[N]) {
    return pool[random_.below(N, stream_, slot_++)];
  }
  [[nodiscard]] lp::task_style task() {
    lp::task_style out{from(demos), from(options), from(chains), from(none_of_these)};
    return out;
  }
  [[nodiscard]] lp::layout_style words() {
    lp::layout_style out;
    const read_words& read = from(reads);
    out.read_lead = read.lead;
    out.read_end = read.end;
    out.tasks_lead = from(task_leads);
    const speakers& who = from(dialogs);
    out.asks = who.asks;
    out.replies = who.replies;
    return out;
  }

 private:
  lagom::philox random_;
  std::uint64_t stream_, slot_;
};

}  // namespace pivot_data::pools
