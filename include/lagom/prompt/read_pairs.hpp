// SPDX-License-Identifier: MIT
/// @file prompt/read_pairs.hpp
/// The question-answer pairs in what a synthesizer wrote, and why the rest are none.
#pragma once

#include "held_bytes.hpp"
#include "losses.hpp"
#include "strip.hpp"
#include "synthesizer.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Why a piece of a synthesizer's output gives no pair.
enum class pair_loss : std::uint8_t {
  no_que,   ///< no `<QUE>`, or text before it
  two_que,  ///< a second `<QUE>` in the question
  no_ans,   ///< no `<ANS>`
  two_ans,  ///< a second `<ANS>`
  empty_question,
  empty_answer,
  missing_end,       ///< the next pair begins before `</END>`
  reopened_context,  ///< a new `<CON>` instead of a pair
  truncated_tail,    ///< the text ends within a pair
  duplicate,         ///< the question was asked before, up to ASCII case
  no_pairs,          ///< there is nothing like a pair in the text
};
[[nodiscard]] constexpr std::array<std::string_view, 11> names_of(pair_loss) noexcept {
  return {"no_que",      "two_que",          "no_ans",         "two_ans",   "empty_question", "empty_answer",
          "missing_end", "reopened_context", "truncated_tail", "duplicate", "no_pairs"};
}

/// The marks that are looked for, and what is tolerated. `question`, `answer` and `end_pair` have to be there; an empty
/// `context` or `end` is never found.
struct pair_marks {
  std::string_view question = "<QUE>", answer = "<ANS>", end_pair = "</END>", context = "<CON>", end = "</s>";
  bool skip_leading = false;  ///< text before a `<QUE>` is passed over
  bool resync = false;        ///< after a missing `</END>` the next pair counts
};

namespace detail {

// Occurrences of `mark`, 2 for any number above.
[[nodiscard]] constexpr std::size_t up_to_two(std::string_view text, std::string_view mark) noexcept {
  const std::size_t first = text.find(mark);
  if (first == std::string_view::npos) return 0;
  return text.find(mark, first + mark.size()) == std::string_view::npos ? 1 : 2;
}

}  // namespace detail

/// Reads pairs. Calls `sink(question_answer)` for each, their texts without white space around; counts every piece
/// that ends with `</END>`, and a rest that is more than white space and the end mark. O(text); nothing is allocated.
/// Pairs see the text.
template <class Sink>
constexpr losses<pair_loss> read_pairs(std::string_view text, Sink&& sink, const pair_marks& marks = {}) {
  losses<pair_loss> out;
  LAGOM_ASSERT(!marks.question.empty() && !marks.answer.empty() && !marks.end_pair.empty());
  if (marks.end_pair.empty()) return out;
  const auto reopens = [&marks](std::string_view piece) {
    return !marks.context.empty() && piece.starts_with(marks.context);
  };
  const auto one = [&](std::string_view piece) {
    if (marks.skip_leading || marks.resync) {
      const std::size_t from = marks.resync ? piece.rfind(marks.question) : piece.find(marks.question);
      const bool late = marks.resync && from != std::string_view::npos && piece.find(marks.question) != from;
      if (late && piece.substr(0, from).find(marks.answer) != std::string_view::npos) {
        out.drop(pair_loss::missing_end);
        piece.remove_prefix(from);
      } else if (marks.skip_leading && piece.find(marks.question) != std::string_view::npos) {
        piece.remove_prefix(piece.find(marks.question));
      }
    }
    piece = trimmed(piece);
    const std::size_t answers = detail::up_to_two(piece, marks.answer);
    const std::size_t at = piece.find(marks.answer);
    if (reopens(piece)) return out.drop(pair_loss::reopened_context);
    if (answers == 0)
      return out.drop(piece.starts_with(marks.question) ? pair_loss::no_ans : pair_loss::no_que);
    if (!piece.starts_with(marks.question)) return out.drop(pair_loss::no_que);
    if (piece.find(marks.question, at) != std::string_view::npos) return out.drop(pair_loss::missing_end);
    if (answers > 1) return out.drop(pair_loss::two_ans);
    if (detail::up_to_two(piece, marks.question) > 1) return out.drop(pair_loss::two_que);
    const question_answer pair{trimmed(piece.substr(marks.question.size(), at - marks.question.size())),
                               trimmed(piece.substr(at + marks.answer.size()))};
    if (pair.question.empty()) return out.drop(pair_loss::empty_question);
    if (pair.answer.empty()) return out.drop(pair_loss::empty_answer);
    out.keep();
    sink(pair);
  };
  for (std::size_t end = text.find(marks.end_pair); end != std::string_view::npos;
       end = text.find(marks.end_pair)) {
    one(text.substr(0, end));
    text.remove_prefix(end + marks.end_pair.size());
  }
  std::string_view rest = trimmed(text);
  if (rest.ends_with(marks.end)) rest = trimmed(rest.substr(0, rest.size() - marks.end.size()));
  if (!rest.empty() && rest.find(marks.question) != std::string_view::npos) {
    out.drop(pair_loss::truncated_tail);
  } else if (out.in == 0) {
    out.drop(pair_loss::no_pairs);
  } else if (!rest.empty()) {
    out.drop(reopens(rest) ? pair_loss::reopened_context : pair_loss::no_que);
  }
  return out;
}

/// Whether a question is one of those asked before, up to ASCII case.
[[nodiscard]] constexpr bool asked_before(std::span<const question_answer> before,
                                          std::string_view question) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  for (const question_answer& b : before) {
    if (std::equal(b.question.begin(), b.question.end(), question.begin(), question.end(),
                   [lower](char x, char y) { return lower(x) == lower(y); }))
      return true;
  }
  return false;
}

/// `read_pairs` into a vector of pairs of one text, where the first of those with the same question counts.
/// O(text + pairs * pairs): a text gives a handful.
template <class Pairs>
constexpr losses<pair_loss> read_distinct_pairs(std::string_view text, Pairs& pairs,
                                                const pair_marks& marks = {}) {
  std::size_t duplicates = 0;
  losses<pair_loss> out = read_pairs(
      text,
      [&](const question_answer& p) {
        if (asked_before(pairs, p.question)) {
          ++duplicates;
        } else {
          pairs.push_back(p);
        }
      },
      marks);
  out.out -= duplicates;
  out.lose(pair_loss::duplicate, duplicates);
  return out;
}

namespace compat {

/// The released reader (microsoft/LMOps, `read_compre.py`): a text that does not end in `</END>` loses its last piece;
/// a piece is a pair where it holds one `<ANS>`, begins with `<QUE>` and has an answer. Further `<QUE>` are deleted from
/// the question, which leaves their blanks, and an empty question passes; all else is lost without a word. Calls
/// `sink(question, answer)` with a question that is written to `spare` where it has to change.
template <class String, class Sink>
constexpr std::size_t lmops_parse(std::string_view text, String& spare, Sink&& sink,
                                  const pair_marks& marks = {}) {
  std::size_t pairs = 0;
  if (marks.end_pair.empty()) return pairs;
  for (std::size_t end = text.find(marks.end_pair); end != std::string_view::npos;
       end = text.find(marks.end_pair)) {
    const std::string_view piece = text.substr(0, end);
    text.remove_prefix(end + marks.end_pair.size());
    const std::size_t at = piece.find(marks.answer);
    if (detail::up_to_two(piece, marks.answer) != 1) continue;
    std::string_view left = strip(piece.substr(0, at));
    const std::string_view answer = strip(piece.substr(at + marks.answer.size()));
    if (!left.starts_with(marks.question) || answer.empty()) continue;
    spare.clear();
    while (!left.empty()) {
      const std::size_t next = left.find(marks.question);
      spare.append(left.substr(0, next));
      left.remove_prefix(next == std::string_view::npos ? left.size() : next + marks.question.size());
    }
    sink(strip(std::string_view(spare)), answer);
    ++pairs;
  }
  return pairs;
}

}  // namespace compat
}  // namespace prompt
}  // namespace v0
}  // namespace lagom
