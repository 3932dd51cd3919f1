// SPDX-License-Identifier: MIT
// Texts with their tasks in one of five layouts: what Instruction Pre-Training reads (arXiv 2406.14491).
#include <fmt/format.h>

#include "pools.hpp"
#include "synthesize.hpp"
#include "texts.hpp"

namespace pivot_data {

namespace lp = lagom::prompt;

namespace {

constexpr std::string_view layouts[] = {"classic", "dialog", "numbered", "few_shot", "next_turn"};

// One text of a group, made ready.
struct member {
  text_row row;
  std::vector<lp::question_answer> views;
  std::vector<lp::instruction_task> tasks;
};

}  // namespace

void pre_training_texts(const synthesize_options& o) {
  complaints complain(o.strict);
  row_writer out(o.rows, o.rows.end, complain);
  const lp::templify_draws draws{.random = {o.seed}, .pools = pools::all};
  lp::losses<lp::task_check> tasks;
  std::array<std::uint64_t, 5> drawn{};
  std::uint64_t raw = 0, inverted = 0, stream = 0;
  std::vector<text_row> group;
  std::string text;
  segment_list pieces;
  const auto write = [&](const std::string& id, std::string_view kind) {
    pieces.all = {{text, lp::role::none, "text", {}, true, lp::origin::content}};
    if (!o.rows.end.empty())
      pieces.all.push_back({o.rows.end, lp::role::none, {}, {}, true, lp::origin::literal});
    out.took();
    if (out.limit() != std::numeric_limits<std::size_t>::max() &&
        lp::count_segments(pieces, out.counts()) > out.limit()) {
      return out.lose(row_loss::over_budget, fmt::format("text {}: over {} tokens", id, out.limit()));
    }
    out.write(id, kind, pieces);
  };
  const auto flush = [&] {
    if (group.empty()) return;
    std::vector<member> members(group.size());
    std::vector<lp::text_tasks> with_tasks;
    const std::string* first = nullptr;
    bool two_each = true;
    for (std::size_t i = 0; i < group.size(); ++i) {
      member& m = members[i];
      m.row = std::move(group[i]);
      m.views = m.row.views();
      tasks.merge(lp::read_tasks(m.views, m.tasks));
      if (m.tasks.empty()) {  // a text without tasks stands by itself
        text = m.row.text;
        ++raw;
        write(m.row.id, "raw");
        continue;
      }
      two_each = two_each && m.tasks.size() >= 2;
      with_tasks.push_back({m.row.text, m.tasks});
      if (first == nullptr) first = &m.row.id;
    }
    if (first != nullptr) {
      const lp::text_layout layout = draws.layout(stream, two_each);
      const bool turns = layout == lp::text_layout::classic || layout == lp::text_layout::dialog;
      text.clear();
      draws.append(text, stream, with_tasks);
      ++drawn[static_cast<std::size_t>(layout)];
      inverted += turns && draws.inverted(stream) ? 1u : 0u;
      write(*first, layouts[static_cast<std::size_t>(layout)]);
    }
    group.clear();
    ++stream;
  };
  const auto texts = read_texts({o.in, false, false}, complain, [&](text_row&& t) {
    if (!group.empty() && (group.size() == o.shots || group.front().set != t.set)) flush();
    group.push_back(std::move(t));
    return std::optional<text_loss>{};
  });
  flush();
  out.commit();
  std::vector<account> all{account_of("texts", texts), account_of("tasks", tasks), out.counted()};
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    if (drawn[i] > 0) all[2].notes.emplace_back(layouts[i], drawn[i]);
  }
  if (inverted > 0) all[2].notes.emplace_back("questions before the text", inverted);
  if (raw > 0) all[2].notes.emplace_back("texts without tasks", raw);
  print_accounts(all, out.on_stdout());
  write_report(o.json, "synthesize", all);
}

}  // namespace pivot_data
