// SPDX-License-Identifier: MIT
#include "parse.hpp"

#include <fmt/format.h>

#include <lagom/prompt/read_pairs.hpp>
#include <nlohmann/json.hpp>

#include "fields.hpp"

namespace pivot_data {

namespace lp = lagom::prompt;
using row_json = nlohmann::ordered_json;

namespace {

enum class line_loss : std::uint8_t { bad_row, wrong_type };
[[nodiscard]] constexpr std::array<std::string_view, 2> names_of(line_loss) noexcept {
  return {"bad_row", "wrong_type"};
}

[[nodiscard]] lp::matching level_of(const std::string& name) {
  return name == "exact"         ? lp::matching::exact
         : name == "width"       ? lp::matching::width
         : name == "letter_case" ? lp::matching::letter_case
                                 : lp::matching::nfc;
}

[[nodiscard]] row_json names_of_deviations(lp::deviation set) {
  constexpr std::pair<lp::deviation, const char*> all[] = {
      {lp::deviation::width, "width"},           {lp::deviation::spaced_colon, "spaced_colon"},
      {lp::deviation::decomposed, "decomposed"}, {lp::deviation::letter_case, "letter_case"},
      {lp::deviation::blanks, "blanks"},         {lp::deviation::indent, "indent"},
      {lp::deviation::header_end, "header_end"}, {lp::deviation::separator, "separator"}};
  row_json out = row_json::array();
  for (const auto& [bit, name] : all) {
    if (lp::has(set, bit)) out.push_back(name);
  }
  return out;
}

// What was read of one output, by whichever parser.
struct reading {
  lp::sections_found<3> found{};
  lp::judgement result{};
  std::array<std::string, 3> contents;
  std::string preamble;
};

class section_parser {
 public:
  explicit section_parser(const parse_options& o)
      : pivot_(language_of(o.pivot, "pivot")),
        target_(language_of(o.target, "target")),
        level_(level_of(o.level)) {
    grammar_ = o.style == "taco" ? taco_grammar(pivot_, target_, labels_) : lp::plug_grammar(pivot_, target_);
    for (std::size_t i = 0; i < 3; ++i) {
      if (grammar_.sections[i].name == o.prefill) prefilled_ = i;
    }
  }

  [[nodiscard]] reading whole(std::string_view text) const {
    const auto parsed = lp::parse_sections(grammar_, text, level_, prefilled_);
    reading out{parsed.found, parsed.result, {}, std::string(parsed.preamble())};
    for (std::size_t i = 0; i < 3; ++i) out.contents[i] = parsed.content(i).value_or("");
    return out;
  }

  // The same, a byte at a time: all that is known of the text is what the parser said of it.
  [[nodiscard]] reading streamed(std::string_view text) const {
    if (level_ == lp::matching::exact) return streamed(text, lp::exact_reader<3>(grammar_));
    return streamed(text, lp::tolerant_reader<3>(grammar_, level_));
  }

  [[nodiscard]] row_json json_of(const reading& r) const {
    row_json out = {{"code", lp::name_of(r.result.code)}};
    if (r.result.section < 3) out["about"] = grammar_.sections[r.result.section].name;
    out["sections"] = row_json::object();
    row_json deviations = row_json::object();
    for (std::size_t i = 0; i < 3; ++i) {
      const lp::found_section& s = r.found.sections[i];
      const std::string name(grammar_.sections[i].name);
      if (s.count > 0) out["sections"][name] = r.contents[i];
      if (s.tolerated != lp::deviation::none) deviations[name] = names_of_deviations(s.tolerated);
    }
    if (!deviations.empty()) out["deviations"] = std::move(deviations);
    if (!r.preamble.empty()) out["preamble"] = r.preamble;
    return out;
  }

 private:
  template <class Reader>
  [[nodiscard]] reading streamed(std::string_view text, Reader reader) const {
    reading out;
    const auto sink = [&](const lp::section_event& e) {
      if (e.what != lp::section_event::kind::chunk || e.repeated) return;
      (e.section == 3 ? out.preamble : out.contents[e.section]) += e.text;
    };
    if (prefilled_) reader.prefill(*prefilled_);
    for (std::size_t i = 0; i < text.size(); ++i) reader.feed(text.substr(i, 1), sink);
    reader.finish(sink);
    out.found = reader.found();
    out.result = lp::judge(grammar_, out.found, out.contents[grammar_.target]);
    return out;
  }

  lp::language pivot_, target_;
  std::array<std::string, 3> labels_;
  lp::grammar<3> grammar_;
  lp::matching level_;
  std::optional<std::size_t> prefilled_;
};

[[nodiscard]] row_json pairs_json(std::string_view text, const parse_options& o,
                                  lp::losses<lp::pair_loss>& all) {
  lp::pair_marks marks;
  marks.skip_leading = o.skip_leading;
  marks.resync = o.resync;
  std::vector<lp::question_answer> pairs;
  const auto lost = o.keep_duplicates
                        ? lp::read_pairs(
                              text, [&](const lp::question_answer& p) { pairs.push_back(p); }, marks)
                        : lp::read_distinct_pairs(text, pairs, marks);
  all.merge(lost);
  row_json out = {{"pairs", row_json::array()}};
  for (const lp::question_answer& p : pairs)
    out["pairs"].push_back({{"question", p.question}, {"answer", p.answer}});
  lost.for_each([&](std::string_view reason, std::uint64_t n) { out["lost"][std::string(reason)] = n; });
  return out;
}

}  // namespace

void parse(const parse_options& o) {
  const bool pairs = o.style == "pairs";
  std::optional<section_parser> sections;
  if (!pairs) sections.emplace(o);
  complaints complain(o.strict);
  line_source in(o.in);
  line_sink out(o.out);
  lp::losses<line_loss> lines;
  lp::losses<lp::parse_code> codes;
  lp::losses<lp::pair_loss> found;
  for (std::string_view line; in.next(line);) {
    if (is_blank(line)) continue;
    const auto row = lagom::io::parse_json(line);
    if (!row) {
      lines.drop(line_loss::bad_row);
      lagom::failure why = row.error();
      why.file = in.path();
      why.row = in.number();
      complain(sentence_of(why));
      continue;
    }
    text_field output =
        row->is_string() ? text_field{row->get<std::string>(), false} : text_at(*row, "output");
    const text_field id = text_at(*row, "id", true);
    if (!output.text || id.wrong_type) {
      lines.drop(line_loss::wrong_type);
      complain(place(in.path(), in.number()) + ": neither a text nor {id, output}");
      continue;
    }
    lines.keep();
    row_json written;
    written["id"] = id.text.value_or(std::to_string(in.number()));
    if (pairs) {
      written.update(pairs_json(*output.text, o, found));
    } else {
      const reading r = o.stream ? sections->streamed(*output.text) : sections->whole(*output.text);
      codes.count(r.result.code);
      written.update(sections->json_of(r));
    }
    out.write(written.dump());
  }
  out.commit();
  const std::vector<account> all{account_of("lines", lines),
                                 pairs ? account_of("pairs", found) : account_of("answers", codes)};
  print_accounts(all, out.is_stdout());
  write_report(o.json, "parse", all);
}

}  // namespace pivot_data
