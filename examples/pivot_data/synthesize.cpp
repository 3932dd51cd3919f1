// SPDX-License-Identifier: MIT
#include "synthesize.hpp"

#include <fmt/format.h>

#include <lagom/prompt/fit_demos.hpp>
#include <lagom/prompt/read_pairs.hpp>
#include <lagom/prompt/rounds.hpp>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "fields.hpp"
#include "texts.hpp"

namespace pivot_data {

namespace lp = lagom::prompt;

namespace {

[[nodiscard]] lp::trained_pairs trained_of(const std::string& name) {
  using part = lp::trained_pairs;
  return name == "all"       ? part::all
         : name == "pairs"   ? part::pairs
         : name == "answers" ? part::answers
         : name == "none"    ? part::none
                             : part::pairs_end;
}
[[nodiscard]] lp::synthesizer_marks marks_of(const synthesize_options& o) {
  lp::synthesizer_marks marks;
  if (o.begin_by_tokenizer) marks.begin = {};
  return marks;
}
[[nodiscard]] lp::synthesizer_sequence one_example(const lp::synthesized& e, bool open,
                                                   const lp::synthesizer_marks& marks) {
  return {{&e, 1}, lp::trained_pairs::none, open, marks};
}

// What models answered, by the text.
enum class answer_loss : std::uint8_t { bad_row, wrong_type, unknown_id, duplicate_id };
[[nodiscard]] constexpr std::array<std::string_view, 4> names_of(answer_loss) noexcept {
  return {"bad_row", "wrong_type", "unknown_id", "duplicate_id"};
}
struct answer_set {
  std::vector<std::string> outputs;
  std::vector<bool> there;
  lp::losses<answer_loss> account;
};
[[nodiscard]] answer_set read_answers(const std::string& path, const std::vector<text_row>& texts,
                                      complaints& complain) {
  answer_set out;
  out.outputs.resize(texts.size());
  out.there.resize(texts.size());
  if (path.empty()) return out;
  std::unordered_map<std::string_view, std::size_t> by_id;
  for (std::size_t i = 0; i < texts.size(); ++i) by_id.try_emplace(texts[i].id, i);
  line_source lines(path);
  for (std::string_view line; lines.next(line);) {
    if (is_blank(line)) continue;
    const auto lose = [&](answer_loss why) {
      out.account.drop(why);
      complain(place(path, lines.number()) + ": " + std::string(lp::name_of(why)));
    };
    const auto row = lagom::io::parse_json(line);
    if (!row) {
      lose(answer_loss::bad_row);
      continue;
    }
    text_field id = text_at(*row, "id", true), output = text_at(*row, "output");
    if (!id.text || !output.text) {
      lose(answer_loss::wrong_type);
      continue;
    }
    const auto at = by_id.find(*id.text);
    if (at == by_id.end() || out.there[at->second]) {
      lose(at == by_id.end() ? answer_loss::unknown_id : answer_loss::duplicate_id);
      continue;
    }
    out.account.keep();
    out.outputs[at->second] = std::move(*output.text);
    out.there[at->second] = true;
  }
  return out;
}

}  // namespace

void tuning_sequences(const synthesize_options& o) {
  complaints complain(o.strict);
  const lp::synthesizer_marks marks = marks_of(o);
  row_writer out(o.rows, o.rows.end.empty() ? std::string(marks.end) : o.rows.end, complain);
  std::vector<text_row> group;
  std::size_t tokens = 0;
  segment_list pieces;
  const auto flush = [&] {
    if (group.empty()) return;
    std::vector<std::vector<lp::question_answer>> pairs;
    for (const text_row& t : group) pairs.push_back(t.views());
    std::vector<lp::synthesized> examples;
    for (std::size_t i = 0; i < group.size(); ++i) examples.push_back({group[i].text, pairs[i]});
    pieces.assign(lp::synthesizer_sequence{examples, trained_of(o.trained), false, marks});
    out.took();
    out.write(group.front().id, fmt::format("synthesizer_{}", group.size()), pieces);
    group.clear();
    tokens = 0;
  };
  const auto texts = read_texts({o.in, true, true}, complain, [&](text_row&& t) -> std::optional<text_loss> {
    const auto pairs = t.views();
    const lp::synthesized example{t.text, pairs};
    const std::size_t own = out.limit() == std::numeric_limits<std::size_t>::max()
                                ? 0
                                : lp::count_segments(one_example(example, false, marks), out.counts());
    if (own > out.limit()) return text_loss::over_budget;
    if (!group.empty() &&
        (group.size() == o.shots || group.front().set != t.set || tokens + own > out.limit()))
      flush();
    tokens += own;
    group.push_back(std::move(t));
    return std::nullopt;
  });
  flush();
  out.commit();
  const std::vector<account> all{account_of("texts", texts), out.counted()};
  print_accounts(all, out.on_stdout());
  write_report(o.json, "synthesize", all);
}

void prompts_of_a_round(const synthesize_options& o) {
  complaints complain(o.strict);
  const lp::synthesizer_marks marks = marks_of(o);
  std::vector<text_row> texts;
  const auto read = read_texts({o.in, false, true}, complain, [&](text_row&& t) {
    texts.push_back(std::move(t));
    return std::optional<text_loss>{};
  });
  const answer_set answers = read_answers(o.answers, texts, complain);
  row_options rows = o.rows;
  rows.asks = true;
  rows.max_tokens = 0;  // the budget is of prompts and what is generated
  row_writer out(rows, {}, complain);
  const std::size_t limit =
      o.rows.max_tokens == 0 ? std::numeric_limits<std::size_t>::max() : o.rows.max_tokens;

  std::vector<std::vector<lp::question_answer>> pairs(texts.size());
  lp::losses<lp::pair_loss> found;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (answers.there[i]) found.merge(lp::read_distinct_pairs(answers.outputs[i], pairs[i]));
  }
  if (o.collect) {
    line_sink sink(o.rows.out);
    std::uint64_t without = 0;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      nlohmann::ordered_json row = {{"id", texts[i].id}, {"text", texts[i].text}};
      if (!texts[i].set.empty()) row["set"] = texts[i].set;
      row["pairs"] = nlohmann::ordered_json::array();
      for (const lp::question_answer& p : pairs[i])
        row["pairs"].push_back({{"question", p.question}, {"answer", p.answer}});
      without += pairs[i].empty() ? 1u : 0u;
      sink.write(row.dump());
    }
    sink.commit();
    std::vector<account> all{account_of("texts", read), account_of("answers", answers.account),
                             account_of("pairs", found)};
    all[0].notes.emplace_back("texts without pairs", without);
    print_accounts(all, sink.is_stdout());
    return write_report(o.json, "synthesize", all);
  }

  lp::synthesis_rounds schedule(texts.size(), o.rounds);
  std::uint64_t unanswered = 0, dropped = 0;
  segment_list pieces;
  const lp::demo_policy policy{.drop = o.drop == "all" ? lp::drop_demos::all : lp::drop_demos::oldest};
  for (std::size_t r = 0; r <= o.round && r < schedule.rounds(); ++r) {
    for (const std::size_t i : schedule.texts(r)) {
      const auto history = schedule.history(i);
      std::vector<lp::synthesized> examples;
      for (const std::size_t h : history) examples.push_back({texts[h].text, pairs[h]});
      const lp::synthesized asked{texts[i].text, {}};
      std::vector<std::size_t> sizes;
      std::size_t fixed = 0;
      if (o.rows.max_tokens > 0) {
        for (const lp::synthesized& e : examples)
          sizes.push_back(lp::count_segments(one_example(e, false, marks), out.counts()));
        fixed = lp::count_segments(one_example(asked, true, marks), out.counts()) + o.new_tokens;
      } else {
        sizes.assign(examples.size(), 0);
      }
      const std::unique_ptr<bool[]> keep(new bool[examples.size() + 1]);
      const auto fit = lp::fit_demos(sizes, fixed, limit, policy, {keep.get(), examples.size()});
      dropped += r == o.round ? examples.size() - fit.kept : 0;
      schedule.asked(i, fit.kept);
      if (r < o.round) {
        unanswered += answers.there[i] ? 0u : 1u;
        schedule.answered(i, pairs[i].size());
        continue;
      }
      out.took();
      if (fit.verdict == lp::budget_verdict::over_budget) {
        out.lose(row_loss::over_budget,
                 fmt::format("text {}: {} tokens with what is generated", texts[i].id, fixed));
        continue;
      }
      examples.erase(examples.begin(), examples.end() - static_cast<std::ptrdiff_t>(fit.kept));
      examples.push_back(asked);
      pieces.assign(lp::synthesizer_sequence{examples, lp::trained_pairs::none, true, marks});
      out.write(texts[i].id, fmt::format("round_{}_column_{}", r, i % schedule.columns()), pieces);
    }
  }
  out.commit();
  std::vector<account> all{account_of("texts", read), account_of("answers", answers.account),
                           account_of("pairs", found), out.counted()};
  all[1].notes.emplace_back("texts of earlier rounds without an answer", unanswered);
  all[3].notes.emplace_back("examples left out for room", dropped);
  print_accounts(all, out.on_stdout());
  write_report(o.json, "synthesize", all);
}

void synthesize(const synthesize_options& o) {
  if (o.templify) return pre_training_texts(o);
  if (o.rounds > 0 || o.collect) return prompts_of_a_round(o);
  tuning_sequences(o);
}

}  // namespace pivot_data
