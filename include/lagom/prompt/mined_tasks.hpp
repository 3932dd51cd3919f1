// SPDX-License-Identifier: MIT
/// @file prompt/mined_tasks.hpp
/// Tasks mined from one English text by rules: the baseline that Instruction Pre-Training is compared with.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "../core/token_counter.hpp"
#include "few_shot.hpp"
#include "losses.hpp"
#include "sentences.hpp"
#include "template_text.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// What a task asks. The six types are those of arXiv 2309.09530 (section 3): summary, word to text,
/// inference, common sense, paraphrase, completion. The split below them, the cues and all wording are ours.
enum class mined_kind : std::uint8_t {
  title,          ///< summary: a title for the text
  keywords,       ///< word to text: a sentence from three of its long words
  definition,     ///< word to text: what a term means
  entailment,     ///< inference: "Therefore, ..." follows from the sentence before
  contradiction,  ///< inference: "However, ..."
  neutral,        ///< inference: "Meanwhile, ..."
  effect,         ///< common sense: "..., so ..."; "As a result, ..."
  cause,          ///< common sense: "... because ..."; "... due to ..."
  paraphrase,     ///< "In other words, ..."
  completion,     ///< how the text goes on
};
inline constexpr std::size_t mined_kinds = 10;
[[nodiscard]] constexpr std::array<std::string_view, mined_kinds> names_of(mined_kind) noexcept {
  return {"title",   "keywords", "definition", "entailment", "contradiction",
          "neutral", "effect",   "cause",      "paraphrase", "completion"};
}

/// The question of each kind. Replace one by a template with the same placeholders in the same order.
using mined_questions = std::array<template_view, mined_kinds>;
inline constexpr mined_questions english_questions{
    template_text<"{text}\n\nGive this text a title.">,
    template_text<"Write a sentence with these words: {first}, {second}, {third}.">,
    template_text<"What does \"{term}\" mean?">,
    template_text<"\"{premise}\" Does it follow that \"{hypothesis}\"? Yes, no, or maybe?">,
    template_text<"\"{premise}\" Does it follow that \"{hypothesis}\"? Yes, no, or maybe?">,
    template_text<"\"{premise}\" Does it follow that \"{hypothesis}\"? Yes, no, or maybe?">,
    template_text<"\"{cause}\" What comes of that?">,
    template_text<"\"{effect}\" Why is that so?">,
    template_text<"Say it in other words: \"{sentence}\"">,
    template_text<"How does this text go on?\n\n{text}">,
};

/// A task: views of the text, in the order of the placeholders, and the answer.
struct mined_task {
  mined_kind kind{};
  std::array<template_value, 3> values{};
  std::string_view answer;

  /// The question, a line feed and the answer, as a prompt; without the answer where `asked` is set. Sees the task.
  [[nodiscard]] constexpr few_shot prompt(const mined_questions& questions = english_questions,
                                          bool asked = false, bool trained = true) const {
    const template_view form = questions[static_cast<std::size_t>(kind)];
    return {.form = form,
            .question = {std::span<const template_value>(values).first(form.slots.size()),
                         asked ? template_value{} : template_value{answer, {}, trained}},
            .lead = "\n",
            .end = {},
            .language = "en"};
  }
};

/// How much is taken.
struct mining {
  std::size_t per_kind = 2;       ///< as in the paper's code
  std::size_t least_words = 4;    ///< of a sentence or clause that a task uses
  std::size_t keyword_bytes = 8;  ///< a word this long is a keyword
};

namespace detail {

struct cue {
  std::string_view text;
  mined_kind kind;
};
/// At the begin of a sentence; the sentence before it is the other part.
inline constexpr cue opening_cues[] = {
    {"Therefore,", mined_kind::entailment},
    {"Thus,", mined_kind::entailment},
    {"Hence,", mined_kind::entailment},
    {"It follows that", mined_kind::entailment},
    {"However,", mined_kind::contradiction},
    {"In contrast,", mined_kind::contradiction},
    {"On the contrary,", mined_kind::contradiction},
    {"Meanwhile,", mined_kind::neutral},
    {"Separately,", mined_kind::neutral},
    {"At the same time,", mined_kind::neutral},
    {"As a result,", mined_kind::effect},
    {"Consequently,", mined_kind::effect},
    {"In other words,", mined_kind::paraphrase},
    {"Put differently,", mined_kind::paraphrase},
    {"That is to say,", mined_kind::paraphrase},
};
/// Inside a sentence. Before it stands: the effect (cause), the cause (effect), the term (definition).
inline constexpr cue inner_cues[] = {
    {" because of ", mined_kind::cause},
    {" because ", mined_kind::cause},
    {" due to ", mined_kind::cause},
    {" results in ", mined_kind::effect},
    {" leads to ", mined_kind::effect},
    {", so that ", mined_kind::effect},
    {" is defined as ", mined_kind::definition},
    {" refers to ", mined_kind::definition},
    {" means that ", mined_kind::definition},
};

[[nodiscard]] constexpr std::size_t count_words(std::string_view text) noexcept {
  std::size_t words = 0;
  bool inside = false;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!blank && !inside) ++words;
    inside = !blank;
  }
  return words;
}

/// Three different long words after the first word, in order; false when there are fewer.
[[nodiscard]] constexpr bool long_words(std::string_view sentence, std::size_t least,
                                        std::array<template_value, 3>& out) noexcept {
  std::size_t found = 0;
  for (std::size_t i = (std::min)(sentence.find(' '), sentence.size()); i < sentence.size() && found < 3;) {
    const auto letter = [&](std::size_t k) {
      const char c = k < sentence.size() ? sentence[k] : ' ';
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
    };
    std::size_t end = i;
    while (letter(end)) ++end;
    const std::string_view word = sentence.substr(i, end - i);
    bool fresh = word.size() >= least;
    for (std::size_t k = 0; k < found; ++k) fresh = fresh && out[k].text != word;
    if (fresh) out[found++] = template_value(word);
    i = end + 1;
  }
  return found == 3;
}

}  // namespace detail

/// The tasks of a text, in the order of `mined_kind`, at most `per_kind` of each, the first ones of the text.
/// `title` may be empty. Matching is by ASCII cues to the byte: texts in other languages give title, keywords
/// and completion at most. O(bytes x cues).
[[nodiscard]] inline std::vector<mined_task> mine_tasks(std::string_view title, std::string_view text,
                                                        mining how = {}) {
  std::array<std::vector<mined_task>, mined_kinds> found;
  const auto add = [&](mined_kind kind, std::array<template_value, 3> values, std::string_view answer) {
    std::vector<mined_task>& of = found[static_cast<std::size_t>(kind)];
    if (of.size() < how.per_kind) of.push_back({kind, values, answer});
  };
  const auto full = [&](std::string_view clause) { return detail::count_words(clause) >= how.least_words; };
  const std::string_view body = strip(text);
  std::vector<std::string_view> sentences;
  for_each_sentence(body, [&](std::string_view s) { sentences.push_back(s); });

  if (!strip(title).empty() && full(body)) add(mined_kind::title, {body}, strip(title));
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    const std::string_view s = sentences[i];
    if (!full(s)) continue;
    std::array<template_value, 3> words;
    if (detail::long_words(s, how.keyword_bytes, words)) add(mined_kind::keywords, words, s);
    for (const detail::cue& c : detail::opening_cues) {
      if (i == 0 || s.substr(0, c.text.size()) != c.text) continue;
      const std::string_view before = sentences[i - 1], after = strip(s.substr(c.text.size()));
      if (!full(before) || !full(after)) break;
      if (c.kind == mined_kind::effect || c.kind == mined_kind::paraphrase) {
        add(c.kind, {before}, after);
      } else {
        add(c.kind, {before, after},
            c.kind == mined_kind::entailment      ? "Yes"
            : c.kind == mined_kind::contradiction ? "No"
                                                  : "Maybe");
      }
      break;
    }
    for (const detail::cue& c : detail::inner_cues) {
      const std::size_t at = s.find(c.text);
      if (at == std::string_view::npos) continue;
      const std::string_view before = strip(s.substr(0, at)), after = strip(s.substr(at + c.text.size()));
      const bool term = c.kind == mined_kind::definition;
      if ((term ? before.empty() || detail::count_words(before) > 5 : !full(before)) ||
          detail::count_words(after) < 2)
        continue;
      add(c.kind, {before}, after);
      break;
    }
  }
  // The text up to the sentence end nearest to its middle, and the rest.
  std::size_t cut = 0;
  const auto from_middle = [&](std::size_t at) {
    return at * 2 > body.size() ? at * 2 - body.size() : body.size() - at * 2;
  };
  for (std::size_t i = 1; i < sentences.size(); ++i) {
    const auto at = static_cast<std::size_t>(sentences[i].data() - body.data());
    if (cut == 0 || from_middle(at) < from_middle(cut)) cut = at;
  }
  if (cut > 0 && full(body.substr(0, cut)) && full(body.substr(cut)))
    add(mined_kind::completion, {strip(body.substr(0, cut))}, body.substr(cut));

  std::vector<mined_task> out;
  for (const std::vector<mined_task>& of : found) out.insert(out.end(), of.begin(), of.end());
  return out;
}

/// Why a mined task is left out.
enum class mining_loss : std::uint8_t { over_budget };
[[nodiscard]] constexpr std::array<std::string_view, 1> names_of(mining_loss) noexcept {
  return {"over_budget"};
}

/// Keeps tasks, in order, as long as the text and they have at most `limit` tokens together (the paper: 2048 less 200
/// for what is added); one that does not fit is passed over, and counted. `separator` is what stands before each.
template <token_counter Counter>
[[nodiscard]] losses<mining_loss> fit_tasks(std::string_view text, std::vector<mined_task>& tasks,
                                            const Counter& counter, std::size_t limit,
                                            std::string_view separator = "\n\n",
                                            const mined_questions& questions = english_questions) {
  losses<mining_loss> account;
  std::size_t used = counter.count(text), kept = 0;
  const std::size_t between = counter.count(separator);
  for (const mined_task& t : tasks) {
    std::size_t need = between;
    for_each_segment(t.prompt(questions), [&](const segment& s) { need += counter.count(s.text); });
    if (used <= limit && need <= limit - used) {
      used += need;
      tasks[kept++] = t;
      account.keep();
    } else {
      account.drop(mining_loss::over_budget);
    }
  }
  tasks.resize(kept);
  return account;
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
