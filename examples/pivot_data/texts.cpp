// SPDX-License-Identifier: MIT
#include "texts.hpp"

#include <lagom/prompt/strip.hpp>

#include "fields.hpp"
#include "lines.hpp"

namespace pivot_data {

namespace lp = lagom::prompt;

namespace {

[[nodiscard]] bool has_mark(std::string_view text) {
  for (const std::string_view mark : {"<CON>", "</CON>", "<QUE>", "<ANS>", "</END>", "<s>", "</s>"}) {
    if (text.find(mark) != std::string_view::npos) return true;
  }
  return false;
}

// The pairs of a row; false where they are none.
[[nodiscard]] bool read_pairs_of(const json& row, std::vector<text_row::pair>& out) {
  const json* const list = lagom::io::find(row, "pairs");
  if (list == nullptr || list->is_null()) return true;
  if (!list->is_array()) return false;
  for (const json& one : *list) {
    const text_field q = text_at(one, "question"), a = text_at(one, "answer");
    if (!q.text || !a.text) return false;
    out.push_back({std::string(lp::strip(*q.text)), std::string(lp::strip(*a.text))});
  }
  return true;
}

[[nodiscard]] std::optional<text_loss> take(const json& row, const text_input& in, text_row& out) {
  if (!row.is_object()) return text_loss::bad_row;
  const text_field id = text_at(row, "id", true), text = text_at(row, "text"), set = text_at(row, "set");
  if (id.wrong_type || text.wrong_type || set.wrong_type) return text_loss::wrong_type;
  if (!id.text || !text.text) return text_loss::missing_field;
  out.id = *id.text;
  out.text = std::string(lp::strip(*text.text));
  out.set = set.text.value_or("");
  if (!read_pairs_of(row, out.pairs)) return text_loss::wrong_type;
  if (out.text.empty()) return text_loss::empty_text;
  if (in.needs_pairs && out.pairs.empty()) return text_loss::no_pairs;
  if (!in.checks_marks) return std::nullopt;
  bool marked = has_mark(out.text);
  for (const text_row::pair& p : out.pairs) marked = marked || has_mark(p.question) || has_mark(p.answer);
  return marked ? std::optional(text_loss::collision) : std::nullopt;
}

}  // namespace

std::vector<lp::question_answer> text_row::views() const {
  std::vector<lp::question_answer> out;
  for (const pair& p : pairs) out.push_back({p.question, p.answer});
  return out;
}

lp::losses<text_loss> read_texts(const text_input& in, complaints& complain, const text_visit& visit) {
  lp::losses<text_loss> account;
  line_source lines(in.path);
  for (std::string_view line; lines.next(line);) {
    if (is_blank(line)) continue;
    const std::uint64_t number = lines.number();
    const auto parsed = lagom::io::parse_json(line);
    text_row row;
    std::optional<text_loss> lost = text_loss::bad_row;
    std::string sentence;
    if (!parsed) {
      lagom::failure why = parsed.error();
      why.file = lines.path();
      why.row = number;
      sentence = sentence_of(why);
    } else {
      lost = take(*parsed, in, row);
      if (!lost) lost = visit(std::move(row));
      if (lost) sentence = place(lines.path(), number) + ": " + std::string(lp::name_of(*lost));
    }
    if (!lost) {
      account.keep();
      continue;
    }
    account.drop(*lost);
    complain(sentence);
  }
  return account;
}

}  // namespace pivot_data
