// SPDX-License-Identifier: MIT
/// @file prompt/instruction_task.hpp
/// What kind of task a question-answer pair is: free form, with options, with a chain of thought, or both.
#pragma once

#include <algorithm>
#include <array>
#include <optional>

#include "held_bytes.hpp"
#include "losses.hpp"
#include "question_answer.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// The four modes of templated pairs (arXiv 2406.14491, appendix).
enum class task_mode : std::uint8_t { free_form, options, chain_of_thought, options_chain };

/// Whether a pair is a task, or why it is none.
enum class task_check : std::uint8_t {
  ok,
  half_cot,          ///< asks for a chain of thought and has none, or has one unasked
  two_option_lists,  ///< more than one list of options
  no_option_match,   ///< the answer is none of the options
  too_many_options,  ///< more than 26, which letters cannot name
};
[[nodiscard]] constexpr std::array<std::string_view, 5> names_of(task_check) noexcept {
  return {"ok", "half_cot", "two_option_lists", "no_option_match", "too_many_options"};
}

/// The texts by which tasks are told apart: those of FLAN that the synthesizer learned.
struct task_marks {
  std::string_view think = "\nLet's think step by step.";
  std::string_view therefore = "\nTherefore, the answer is ";
  std::string_view options = "\nOptions:\n- ";
  std::string_view option = "\n- ";
};

/// A pair taken apart. Sees its texts.
struct instruction_task {
  static constexpr std::size_t most_options = 26;

  task_mode mode = task_mode::free_form;
  std::string_view question;   ///< without marks and options
  std::string_view rationale;  ///< of a chain of thought, without its last full stop
  std::string_view answer;
  std::array<std::string_view, most_options> options{};
  std::size_t option_count = 0;
  std::optional<std::size_t> right{};  ///< the option that is the answer; none: "none of these"

  [[nodiscard]] constexpr bool has_options() const noexcept {
    return mode == task_mode::options || mode == task_mode::options_chain;
  }
  [[nodiscard]] constexpr bool has_chain() const noexcept {
    return mode == task_mode::chain_of_thought || mode == task_mode::options_chain;
  }
};

namespace detail {

// Ways to say that no option is right, in lower case.
inline constexpr std::string_view none_phrases[] = {"none",
                                                    "none of these",
                                                    "none of those",
                                                    "none of them",
                                                    "none of the above",
                                                    "none of the options",
                                                    "none of the choices",
                                                    "none of the given options",
                                                    "no option is right",
                                                    "no option is correct",
                                                    "no correct option",
                                                    "not listed",
                                                    "not among the options",
                                                    "not given"};

[[nodiscard]] constexpr bool says_none(std::string_view text) noexcept {
  text = trimmed(text);
  while (!text.empty() && text.back() == '.') text.remove_suffix(1);
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  for (const std::string_view phrase : none_phrases) {
    if (std::equal(phrase.begin(), phrase.end(), text.begin(), text.end(),
                   [lower](char a, char b) { return a == lower(b); }))
      return true;
  }
  return false;
}

// The place of the only occurrence of `mark`; npos for none, npos - 1 for several.
inline constexpr std::size_t several = std::string_view::npos - 1;
[[nodiscard]] constexpr std::size_t only(std::string_view text, std::string_view mark) noexcept {
  const std::size_t at = text.find(mark);
  if (at == std::string_view::npos) return at;
  return text.find(mark, at + 1) == std::string_view::npos ? at : several;
}

}  // namespace detail

/// A task, or why the pair is none.
struct checked_task {
  task_check check = task_check::ok;
  instruction_task task{};
};

/// Takes a pair apart: a chain of thought where the question ends with `think` and the answer has `therefore` once,
/// options where the question has `options` once and the answer is one of them (or says that none is). O(pair).
[[nodiscard]] constexpr checked_task read_task(const question_answer& pair,
                                               const task_marks& marks = {}) noexcept {
  constexpr std::size_t none = std::string_view::npos;
  checked_task out;
  instruction_task& t = out.task;
  std::string_view question = trimmed(pair.question), answer = trimmed(pair.answer);
  const bool asked = question.ends_with(marks.think);
  const std::size_t therefore = detail::only(answer, marks.therefore);
  if (asked != (therefore != none) || therefore == detail::several) return {task_check::half_cot, {}};
  if (asked) {
    question.remove_suffix(marks.think.size());
    t.rationale = trimmed(answer.substr(0, therefore));
    if (t.rationale.ends_with('.')) t.rationale.remove_suffix(1);
    answer = trimmed(answer.substr(therefore + marks.therefore.size()));
    if (answer.ends_with('.')) answer.remove_suffix(1);
  }
  t.answer = answer;
  t.mode = asked ? task_mode::chain_of_thought : task_mode::free_form;
  const std::size_t list = detail::only(question, marks.options);
  if (list == detail::several) return {task_check::two_option_lists, {}};
  if (list == none) {
    t.question = question;
    return out;
  }
  t.mode = asked ? task_mode::options_chain : task_mode::options;
  std::string_view rest = question.substr(list + marks.options.size());
  t.question = trimmed(question.substr(0, list));
  for (bool more = true; more;) {
    const std::size_t end = rest.find(marks.option);
    more = end != none;
    if (t.option_count == instruction_task::most_options) return {task_check::too_many_options, {}};
    t.options[t.option_count] = trimmed(rest.substr(0, end));
    if (!t.right && t.options[t.option_count] == answer) t.right = t.option_count;
    ++t.option_count;
    if (more) rest.remove_prefix(end + marks.option.size());
  }
  if (!t.right && !detail::says_none(answer)) return {task_check::no_option_match, {}};
  return out;
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
