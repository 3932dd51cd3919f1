// SPDX-License-Identifier: MIT
#include "methods.hpp"

#include <fmt/format.h>

#include <lagom/prompt/crossin.hpp>
#include <lagom/prompt/parallel_training.hpp>
#include <lagom/prompt/taco.hpp>
#include <lagom/prompt/text_template.hpp>

namespace pivot_data {

namespace lp = lagom::prompt;

namespace {

using kinds = std::vector<lp::pair_kind>;
template <class Method>
[[nodiscard]] kinds kinds_of() {
  return {std::begin(Method::kinds), std::end(Method::kinds)};
}

struct known_method {
  std::string name;
  kinds pairs;  // of PLUG's family
  bool taco = false, crossin = false;
};
[[nodiscard]] const std::vector<known_method>& known() {
  static const std::vector<known_method> all{
      {"plug", kinds_of<lp::plug>()},
      {"mono", kinds_of<lp::mono>()},
      {"pivot_only", kinds_of<lp::pivot_only>()},
      {"code_switch", kinds_of<lp::code_switch>()},
      {"aux_translation", kinds_of<lp::aux_translation>()},
      {"parallel", kinds_of<lp::parallel_training>()},
      {"cross", kinds_of<lp::cross_training>()},
      {"taco", {}, true, false},
      {"crossin", {}, false, true},
  };
  return all;
}

[[nodiscard]] std::string_view name_of_kind(lp::pair_kind kind) {
  constexpr std::string_view names[] = {"p_to_p",      "t_to_t",      "p_to_t",       "t_to_p",
                                        "translate_x", "translate_y", "through_pivot"};
  return names[static_cast<std::size_t>(kind)];
}

[[nodiscard]] lp::trained_part trained_of(const std::string& name) {
  using part = lp::trained_part;
  return name == "target"               ? part::target
         : name == "target_with_header" ? part::target_with_header
         : name == "content"            ? part::content
         : name == "none"               ? part::none
                                        : part::all;
}

// A text of the command line with the names of the languages put in.
[[nodiscard]] std::string with_names(const std::string& text, const lp::language& pivot,
                                     const lp::language& target, const char* option) {
  auto form = lp::text_template::parse(text);
  if (!form) stop(form.error().in(option));
  std::vector<lp::named_text> values;
  if (form->view().find("pivot") >= 0) values.push_back({"pivot", pivot.name});
  if (form->view().find("target") >= 0) values.push_back({"target", target.name});
  const auto filled = lp::fill_template(form->view(), values);
  if (!filled) stop(filled.error().in(option));
  return lp::text_of(*filled);
}

}  // namespace

const std::vector<std::string>& method_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    for (const known_method& m : known()) out.push_back(m.name);
    return out;
  }();
  return names;
}

const std::vector<std::string>& style_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out{"plug", "plug_lead"};
    for (const lp::chat_family* f : lp::chat::families) out.emplace_back(f->name);
    return out;
  }();
  return names;
}

lp::language language_of(const language_options& o, const char* which) {
  lp::language out = lp::find_language(o.tag).value_or(lp::language{});
  const bool listed = !out.tag.empty();
  out.tag = o.tag;
  if (!o.name.empty()) out.name = o.name;
  if (!o.instruction.empty()) out.instruction = {o.instruction, {}};
  if (!o.response.empty()) out.response = {o.response, {}};
  if (out.name.empty()) out.name = out.tag;
  if (out.instruction.text.empty()) out.instruction.text = out.response.text;
  if (!listed && out.response.text.empty()) {
    throw stop_program{
        fmt::format("--{0} {1} has no headers here: give --{0}-response (and --{0}-name)", which, o.tag)};
  }
  return out;
}

lp::grammar<3> taco_grammar(const lp::language& pivot, const lp::language& target,
                            std::array<std::string, 3>& labels) {
  labels = {fmt::format("Instruction in {}:", pivot.name), fmt::format("Response in {}:", pivot.name),
            fmt::format("Response in {}:", target.name)};
  lp::grammar<3> g = lp::taco_grammar(target.tag, labels[2]);
  for (std::size_t i = 0; i < 2; ++i) {
    g.sections[i].header = {labels[i], {}};
    g.sections[i].language = pivot.tag;
  }
  return g;
}

struct method::shared {
  known_method what;
  lp::language pivot, target;
  const lp::chat_family* family = nullptr;
  lp::chat_style style = lp::plug_style;
  lp::plug settings;  // what all methods of the family share
  std::unique_ptr<lp::pivot_rows_shared> rows;
  lp::grammar<3> taco{};
  std::array<std::string, 3> labels;
  lp::crossin crossin;
  std::string system, pivot_system, target_system, translate, tag_p, tag_t, request;
  lp::on_collision on_collision{};
  lp::row_cut cut{};

  void pair_row(lp::pivot_row row, bool sections, row_writer& out, bool asks, segment_list& pieces,
                const std::function<void(std::string_view, const segment_list&)>& visit) const;
  [[nodiscard]] lp::pivot_row taco_row(const lp::quad& q) const;
  void fold_system(lp::pivot_row& row, std::vector<lp::segment>& folded) const;
};

method::method(const method_options& o) : with_(std::make_unique<shared>()), end_(o.end) {
  shared& s = *with_;
  for (const known_method& m : known()) {
    if (m.name == o.method) s.what = m;
  }
  s.pivot = language_of(o.pivot, "pivot");
  s.target = language_of(o.target, "target");
  s.family = lp::chat::find(o.style);
  s.style = s.family != nullptr      ? s.family->style
            : o.style == "plug_lead" ? lp::plug_style_lead
                                     : lp::plug_style;
  if (end_.empty()) end_ = std::string(s.style.assistant.end);
  s.style.assistant.end = end_;
  s.system = with_names(o.system, s.pivot, s.target, "--system");
  s.pivot_system = with_names(o.pivot_system, s.pivot, s.target, "--pivot-system");
  s.target_system = with_names(o.target_system, s.pivot, s.target, "--target-system");
  s.translate = with_names(o.translate, s.pivot, s.target, "--translate");
  const bool any_system = !(s.system.empty() && s.pivot_system.empty() && s.target_system.empty());
  if (any_system && s.family != nullptr && s.family->system == lp::system_place::refused)
    throw stop_program{"--style " + o.style + " has no place for a system text"};
  s.on_collision = o.on_collision == "escape" ? lp::on_collision::escape
                   : o.on_collision == "drop" ? lp::on_collision::drop
                                              : lp::on_collision::error;
  s.cut = o.cut == "sections" ? lp::row_cut::sections : lp::row_cut::contents;
  lp::plug& m = s.settings;
  m.pivot = s.pivot;
  m.target = s.target;
  m.system = s.system;
  m.pivot_system = s.pivot_system;
  m.target_system = s.target_system;
  m.translate = s.translate;
  m.style = s.style;
  m.trained = trained_of(o.trained);
  s.rows = std::make_unique<lp::pivot_rows_shared>(m);
  s.taco = taco_grammar(s.pivot, s.target, s.labels);
  s.tag_p = fmt::format("\n[{}]", s.pivot.tag);
  s.tag_t = fmt::format("\n[{}]", s.target.tag);
  s.request = fmt::format("Translate the following sentence into {}.", s.pivot.name);
  s.crossin.pivot = s.pivot.tag;
  s.crossin.target = s.target.tag;
  s.crossin.tag_p = s.tag_p;
  s.crossin.tag_t = s.tag_t;
  s.crossin.translate = s.request;
  s.crossin.words.end = end_;
}
method::~method() = default;

lp::pivot_row method::shared::taco_row(const lp::quad& q) const {
  lp::pivot_row row = rows->row(lp::pair_kind::through_pivot, q);
  row.body.answer.grammar = &taco;
  return row;
}

// Families without a system turn have the system in the user's: it is taken out here and put back as segments.
void method::shared::fold_system(lp::pivot_row& row, std::vector<lp::segment>& folded) const {
  if (family == nullptr || family->system == lp::system_place::own_turn || !row.body.system) return;
  folded = {{family->system_open, lp::role::user, {}, {}, false, lp::origin::literal},
            {*row.body.system, lp::role::system, "system", {}, false, lp::origin::content},
            {family->system_close, lp::role::user, {}, {}, false, lp::origin::literal}};
  std::erase_if(folded, [](const lp::segment& s) { return s.text.empty(); });
  row.body.system.reset();
}

void method::shared::pair_row(lp::pivot_row row, bool sections, row_writer& out, bool asks,
                              segment_list& pieces,
                              const std::function<void(std::string_view, const segment_list&)>& visit) const {
  out.took();
  const std::string_view kind = what.taco ? std::string_view("taco") : name_of_kind(row.kind);
  const auto lose = [&](row_loss why, std::string_view more) {
    out.lose(why, fmt::format("row {} {}: {}", row.id, kind, more));
  };
  if (asks) {
    row = row.question();
    if (row.body.user.text.empty()) return lose(row_loss::incomplete, "the instruction is empty");
  } else if (!row.complete()) {
    return lose(row_loss::incomplete, "a text is empty");
  }
  std::array<std::string, 3> spare;
  lp::sectioned<3>& answer = row.body.answer;
  const auto collides = [&](const lp::collision& c) {
    lose(row_loss::collision, fmt::format("{} would be read as a header at byte {}",
                                          answer.grammar->sections[c.section].name, c.offset));
  };
  if (sections && !asks) {
    const auto freed =
        lp::free_fields(*answer.grammar, answer.fields, lp::matching::nfc, on_collision, spare);
    if (freed.left) return collides(*freed.left);
    if (!freed.texts[answer.grammar->target])
      return lose(row_loss::collision, "the answer would be read as a header");
    answer.fields = freed.texts;
    out.note_changed(freed.changed);
  }
  std::vector<lp::segment> folded;
  fold_system(row, folded);
  const std::size_t limit = out.limit();
  if (limit != std::numeric_limits<std::size_t>::max()) {
    std::size_t fixed = 0;
    for (const lp::segment& s : folded) fixed += out.counts().count(s.text);
    const lp::fields<3> before = answer.fields;
    if (fixed > limit ||
        lp::fit_row(row, limit - fixed, out.counts(), cut) == lp::budget_verdict::over_budget)
      return lose(row_loss::over_budget, fmt::format("more than {} tokens have to stay", limit));
    if (answer.fields != before) {
      out.note_shortened();
      if (const auto c = lp::collides(*answer.grammar, answer.fields, lp::matching::nfc); sections && c) {
        return collides(*c);
      }
    }
  }
  pieces.assign(row);
  if (!folded.empty()) {
    auto at = pieces.all.begin();
    while (at != pieces.all.end() && at->origin != lp::origin::content) ++at;
    if (!row.body.user.task.empty()) {  // before what is asked for
      while (at != pieces.all.begin() && (at - 1)->text.data() != style.user.before.data()) --at;
    }
    pieces.all.insert(at, folded.begin(), folded.end());
  }
  visit(kind, pieces);
}

void method::rows(const lp::quad& q, row_writer& out, bool asks,
                  const std::function<void(std::string_view, const segment_list&)>& visit) const {
  const shared& s = *with_;
  segment_list pieces;
  for (const lp::pair_kind kind : s.what.pairs) {
    s.pair_row(s.rows->row(kind, q), kind == lp::pair_kind::through_pivot, out, asks, pieces, visit);
  }
  if (s.what.taco) s.pair_row(s.taco_row(q), true, out, asks, pieces, visit);
  if (!s.what.crossin) return;
  const lp::instruction_row p{q.id, q.x_p, {}, q.y_p}, t{q.id, q.x_t, {}, q.y_t};
  for (std::size_t kind = 0; kind < lp::crossin::kinds; ++kind) {
    constexpr std::string_view names[] = {"crossin_p_to_t", "crossin_t_to_p", "crossin_translate"};
    out.took();
    lp::alpaca_row row = s.crossin.row(kind, p, t);
    row.answered = !asks;
    const bool there =
        !row.instruction.empty() && (asks || !row.output.empty()) && (kind < 2 || !row.input.empty());
    if (!there) {
      out.lose(row_loss::incomplete, fmt::format("row {} {}: a text is empty", q.id, names[kind]));
      continue;
    }
    pieces.assign(row);
    if (out.limit() != std::numeric_limits<std::size_t>::max() &&
        lp::count_segments(pieces, out.counts()) > out.limit()) {
      out.lose(row_loss::over_budget,
               fmt::format("row {} {}: over {} tokens", q.id, names[kind], out.limit()));
      continue;
    }
    visit(names[kind], pieces);
  }
}

}  // namespace pivot_data
