// SPDX-License-Identifier: MIT
/// @file prompt/synthesizer.hpp
/// The sequences of the instruction synthesizer: raw texts and the question-answer pairs made of them.
#pragma once

#include <span>

#include "question_answer.hpp"
#include "segment.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// A raw text with the pairs made of it. Sees both.
struct synthesized {
  std::string_view context;
  std::span<const question_answer> pairs{};
};

/// The marks of the released synthesizer (instruction-pretrain/instruction-synthesizer, arXiv 2406.14491): the text is
/// `<s> <CON> T </CON>` and an empty line, then `<QUE> q <ANS> a </END>` with an empty line between pairs, then `</s>`.
/// The beginning and the end of a sequence are part of the text: tokenise without adding special tokens, or set
/// `begin` to nothing where the tokenizer adds it.
struct synthesizer_marks {
  std::string_view begin = "<s>", end = "</s>";
  std::string_view open_context = " <CON> ", close_context = " </CON>\n\n";
  std::string_view question = "<QUE> ", answer = " <ANS> ", end_pair = " </END>", joint = "\n\n";
};

/// Which bytes of a synthesizer's sequence carry loss. The paper trains on the pairs; whether on the end of an example
/// too, it does not say.
enum class trained_pairs : std::uint8_t {
  all,        ///< everything
  pairs,      ///< the pairs with their marks
  pairs_end,  ///< and the end of each example
  answers,    ///< the texts of the answers alone
  none,
};

/// Several examples of one data set in a row; for inference the last one has its context only (`open_last`): what the
/// model writes next is its pairs. Sees everything. An empty context is written as `begin` alone.
struct synthesizer_sequence {
  std::span<const synthesized> examples{};
  trained_pairs trained = trained_pairs::pairs_end;
  bool open_last = false;
  synthesizer_marks marks{};

  struct cursor {
    std::size_t example = 0, pair = 0;
    std::uint8_t part = 0;
  };

  constexpr bool next(cursor& at, segment& out) const {
    for (; at.example < examples.size(); ++at.example, at.pair = 0, at.part = 0) {
      const synthesized& e = examples[at.example];
      const bool open = open_last && at.example + 1 == examples.size();
      while (at.part <= end) {
        const std::uint8_t part = at.part++;
        if (part >= question && part <= end_pair && at.pair >= e.pairs.size()) continue;
        if (open && part > close_context) continue;
        out = piece(e, part, at.pair);
        if (part == end_pair && ++at.pair < e.pairs.size()) at.part = joint;
        if (!out.text.empty()) return true;
      }
    }
    return false;
  }

 private:
  enum : std::uint8_t {
    begin,
    open_context,
    context,
    close_context,
    joint,
    question,
    question_text,
    answer,
    answer_text,
    end_pair,
    end
  };

  [[nodiscard]] constexpr segment piece(const synthesized& e, std::uint8_t part, std::size_t pair) const {
    const bool pairs = trained == trained_pairs::all || trained == trained_pairs::pairs ||
                       trained == trained_pairs::pairs_end;
    const auto literal = [](std::string_view text, bool is_trained, role who) {
      return segment{text, who, {}, {}, is_trained, origin::literal};
    };
    const bool all = trained == trained_pairs::all;
    switch (part) {
      case begin:
        return literal(marks.begin, all, role::none);
      case open_context:
        return literal(e.context.empty() ? std::string_view{} : marks.open_context, all, role::user);
      case context:
        return {e.context, role::user, "context", {}, all, origin::content};
      case close_context:
        return literal(e.context.empty() ? std::string_view{} : marks.close_context, all, role::user);
      case joint:
        return literal(pair == 0 ? std::string_view{} : marks.joint, pairs, role::assistant);
      case question:
        return literal(marks.question, pairs, role::assistant);
      case question_text:
        return {e.pairs[pair].question, role::assistant, "question", {}, pairs, origin::content};
      case answer:
        return literal(marks.answer, pairs, role::assistant);
      case answer_text:
        return {
            e.pairs[pair].answer, role::assistant, "answer", {}, pairs || trained == trained_pairs::answers,
            origin::content};
      case end_pair:
        return literal(marks.end_pair, pairs, role::assistant);
      default:
        return literal(marks.end, all || trained == trained_pairs::pairs_end, role::assistant);
    }
  }
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
