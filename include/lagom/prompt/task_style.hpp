// SPDX-License-Identifier: MIT
/// @file prompt/task_style.hpp
/// How a task is written: leads of question and answer, names of options, words around a chain of thought.
#pragma once

#include <string>

#include "../core/random.hpp"
#include "instruction_task.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Around one demonstration: `question_lead q question_end answer_lead a`; `separator` between demonstrations.
struct demo_style {
  std::string_view question_lead = "Q: ", question_end = "\n", answer_lead = "A: ", separator = "\n\n";
};

/// What options are named by.
enum class option_names : std::uint8_t { none, upper, lower, digits };

/// A list of options: `lead`, then `before name after text` for each. With `names == none` all items look alike, and
/// the answer stays text; otherwise the answer is the item's name without white space around.
struct option_style {
  std::string_view lead = "Options:";
  std::string_view before = "\n(", after = ") ";
  option_names names = option_names::upper;
};

/// Around a chain of thought: `invite` ends the question, `conclude` stands between the rationale and the answer.
struct chain_style {
  std::string_view invite = "\nLet's think step by step.";
  std::string_view conclude = "\nTherefore, the answer is ";
};

/// All of it. A value like any other: pools of styles are arrays of your own.
struct task_style {
  demo_style demo{};
  option_style options{};
  chain_style chain{};
  std::string_view none_of_these = "None of these";
};

namespace detail {

inline void append_option_name(std::string& out, const option_style& s, std::size_t i) {
  switch (s.names) {
    case option_names::upper:
      out += static_cast<char>('A' + i);
      break;
    case option_names::lower:
      out += static_cast<char>('a' + i);
      break;
    case option_names::digits:
      out += std::to_string(i + 1);
      break;
    case option_names::none:
      break;
  }
}

}  // namespace detail

/// The order in which the options of a task are written: a permutation that is a function of (key, stream) alone.
struct option_order {
  std::array<std::uint8_t, instruction_task::most_options> at{};

  /// As they were given.
  [[nodiscard]] static constexpr option_order given() noexcept {
    option_order out;
    for (std::size_t i = 0; i < out.at.size(); ++i) out.at[i] = static_cast<std::uint8_t>(i);
    return out;
  }
  /// Fisher and Yates' shuffle of the first `n`.
  [[nodiscard]] static constexpr option_order drawn(std::size_t n, const philox& random, std::uint64_t stream,
                                                    std::uint64_t slot) noexcept {
    option_order out = given();
    for (std::size_t i = n; i > 1; --i) std::swap(out.at[i - 1], out.at[random.below(i, stream, slot + i)]);
    return out;
  }
};

/// Appends the question with its options and its invitation to think.
inline void append_question(std::string& out, const instruction_task& t, const task_style& s,
                            const option_order& order) {
  out += t.question;
  if (t.has_options()) {
    out += '\n';
    out += s.options.lead;
    for (std::size_t i = 0; i < t.option_count; ++i) {
      out += s.options.before;
      detail::append_option_name(out, s.options, i);
      out += s.options.after;
      out += t.options[order.at[i]];
    }
  }
  if (t.has_chain()) out += s.chain.invite;
}

/// Appends the answer: the rationale and its conclusion first where there is one; an option by its name.
inline void append_answer(std::string& out, const instruction_task& t, const task_style& s,
                          const option_order& order) {
  if (t.has_chain()) {
    out += t.rationale;
    out += s.chain.conclude;
  }
  if (!t.has_options()) {
    out += t.answer;
  } else if (!t.right) {
    out += s.none_of_these;
  } else if (s.options.names == option_names::none) {
    out += t.options[*t.right];
  } else {
    std::size_t i = 0;
    while (order.at[i] != *t.right) ++i;
    std::string name(s.options.before);
    detail::append_option_name(name, s.options, i);
    name += s.options.after;
    out += trimmed(name);
  }
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
