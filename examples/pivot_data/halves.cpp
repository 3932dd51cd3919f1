// SPDX-License-Identifier: MIT
#include "halves.hpp"

#include <fmt/format.h>

#include <lagom/prompt/number_answer.hpp>
#include <lagom/prompt/strip.hpp>

#include "fields.hpp"

namespace pivot_data {

namespace lp = lagom::prompt;
using lagom::errc;

namespace {

[[nodiscard]] bool ends_with(const std::string& path, std::string_view end) {
  return std::string_view(path).ends_with(end);
}

template <class T>
[[nodiscard]] read_line<T> lost(quad_loss why, std::string sentence) {
  read_line<T> out;
  out.lost = why;
  out.sentence = std::move(sentence);
  return out;
}
template <class T>
[[nodiscard]] read_line<T> lost(quad_loss why, lagom::failure f, const std::string& path, std::uint64_t row) {
  f.file = path;
  f.row = row;
  return lost<T>(why, sentence_of(f));
}

// Takes texts out of a row; the first that is missing is remembered.
class taker {
 public:
  explicit taker(const json& row) : row_(row) {}
  void operator()(std::string& to, const char* key, bool needed = true, bool or_number = false) {
    if (lost_) return;
    text_field f = text_at(row_, key, or_number);
    if (f.wrong_type) {
      lost_ = quad_loss::wrong_type;
      why_ = {.code = errc::wrong_type, .key = key};
    } else if (!f.text && needed) {
      lost_ = quad_loss::missing_field;
      why_ = {.code = errc::missing_key, .key = key};
    } else if (f.text) {
      to = std::move(*f.text);
    }
  }
  template <class T>
  void put(read_line<T>& into, const std::string& path, std::uint64_t row) const {
    if (lost_) into = lost<T>(*lost_, why_, path, row);
  }

 private:
  const json& row_;
  std::optional<quad_loss> lost_;
  lagom::failure why_{};
};

// MGSM and MSVAMP write the answers of every language in one notation ("2,125", "8.0"): the number itself.
void plain_number(std::string& text) {
  if (const auto n = lp::number_answer(text, lp::numerals::point)) text = n->value;
}

// The number that a text is, and nothing else.
[[nodiscard]] std::optional<lp::number> number_alone(std::string_view text, const std::string& language) {
  text = lp::strip(text);
  auto n = lp::number_answer(text, lp::numerals_of(language));
  if (!n || n->where != lp::span{0, text.size()}) return std::nullopt;
  return n;
}

}  // namespace

half_format format_of(const std::string& word, const std::string& path) {
  if (word == "mgsm" || (word == "auto" && ends_with(path, ".tsv"))) return half_format::mgsm;
  if (word == "msvamp") return half_format::msvamp;
  if (word == "xquad") return half_format::xquad;
  if (word != "auto" || !ends_with(path, ".json")) return half_format::pairs;
  const auto file = must(lagom::io::mapped_file::open(path));
  const std::string_view text = file.text(), first = text.substr(0, text.find('\n'));
  const auto row = lagom::io::parse_json(first);
  if (row && lagom::io::find(*row, "m_query") != nullptr) return half_format::msvamp;
  if (row && lagom::io::find(*row, "data") == nullptr) return half_format::pairs;
  return half_format::xquad;
}

read_line<half> half_of(half_format format, std::string_view line, std::uint64_t row, const std::string& path,
                        bool answers) {
  read_line<half> out;
  half& h = out.value;
  if (format == half_format::mgsm) {
    const std::size_t tab = line.rfind('\t');
    if (tab == std::string_view::npos)
      return lost<half>(quad_loss::bad_row, {.code = errc::missing_key, .key = "a tab before the answer"},
                        path, row);
    h = {std::to_string(row), std::string(line.substr(0, tab)), std::string(line.substr(tab + 1)), true};
    plain_number(h.y);
    return out;
  }
  const auto parsed = lagom::io::parse_json(line);
  if (!parsed) return lost<half>(quad_loss::bad_row, parsed.error(), path, row);
  if (!parsed->is_object())
    return lost<half>(quad_loss::bad_row, {.code = errc::wrong_type, .key = "row"}, path, row);
  taker take(*parsed);
  if (format == half_format::msvamp) {
    h.id = std::to_string(row);
    h.number = true;
    take(h.x, parsed->contains("m_query") ? "m_query" : "query");
    take(h.y, "response", answers);
    plain_number(h.y);
  } else {
    take(h.id, "id", true, true);
    take(h.x, "x");
    take(h.y, "y", answers);
  }
  take.put(out, path, row);
  return out;
}

read_line<whole_quad> quad_of(std::string_view line, std::uint64_t row, const quad_input& in) {
  read_line<whole_quad> out;
  auto& [pivot, target] = out.value;
  const auto parsed = lagom::io::parse_json(line);
  if (!parsed) return lost<whole_quad>(quad_loss::bad_row, parsed.error(), in.pivot_path, row);
  if (!parsed->is_object())
    return lost<whole_quad>(quad_loss::bad_row, {.code = errc::wrong_type, .key = "row"}, in.pivot_path, row);
  taker take(*parsed);
  if (in.format == "msvamp" || (in.format == "auto" && parsed->contains("m_query"))) {
    pivot.id = target.id = std::to_string(row);
    pivot.number = target.number = true;
    take(pivot.x, "query");
    take(target.x, "m_query");
    take(pivot.y, "response", in.answers);
    plain_number(pivot.y);
    target.y = pivot.y;
    take.put(out, in.pivot_path, row);
    return out;
  }
  std::string language_p = in.pivot, language_t = in.target;
  take(language_p, "pivot", false);
  take(language_t, "target", false);
  take(pivot.id, "id", true, true);
  take(pivot.x, "x_p", in.answers);
  take(pivot.y, "y_p", in.answers);
  take(target.x, "x_t");
  take(target.y, "y_t", in.answers);
  take.put(out, in.pivot_path, row);
  if (!out.lost && (language_p != in.pivot || language_t != in.target))
    return lost<whole_quad>(
        quad_loss::other_language,
        fmt::format("{} is of {} and {}", place(in.pivot_path, row), language_p, language_t));
  return out;
}

std::vector<half> xquad_halves(const std::string& path) {
  const json document = must(lagom::io::load_json(path));
  std::vector<half> out;
  const auto fail = [&](const char* key) { stop({.code = errc::missing_key, .file = path, .key = key}); };
  const auto list = [&](const json& of, const char* key) -> const json& {
    const json* const at = lagom::io::find(of, key);
    if (at == nullptr || !at->is_array()) fail(key);
    return *at;
  };
  const auto text = [&](const json& of, const char* key) {
    text_field f = text_at(of, key, true);
    if (!f.text) fail(key);
    return std::move(*f.text);
  };
  for (const json& article : list(document, "data")) {
    for (const json& paragraph : list(article, "paragraphs")) {
      const std::string context = text(paragraph, "context");
      for (const json& qa : list(paragraph, "qas")) {
        const json& answers = list(qa, "answers");
        out.push_back({text(qa, "id"), context + "\n\n" + text(qa, "question"),
                       answers.empty() ? std::string() : text(answers[0], "text"), false});
      }
    }
  }
  return out;
}

std::optional<std::string> mismatch(const half& pivot, const half& target, const quad_input& in) {
  if (!in.answers) return std::nullopt;
  auto p = number_alone(pivot.y, in.pivot), t = number_alone(target.y, in.target);
  const bool needed = pivot.number || target.number;
  if (needed && !p) p = lp::number_answer(pivot.y, lp::numerals_of(in.pivot));
  if (needed && !t) t = lp::number_answer(target.y, lp::numerals_of(in.target));
  const bool wrong = needed ? !p || !t || !(*p == *t) : p && t && !(*p == *t);
  if (!wrong) return std::nullopt;
  return fmt::format("the answers are {} and {}", p ? p->value : "no number", t ? t->value : "no number");
}

}  // namespace pivot_data
