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
constexpr std::uint64_t slots_a_member = 4096;  // draws of one text are far fewer

// One text of a group, made ready.
struct member {
  text_row row;
  std::vector<lp::question_answer> views;
  std::vector<lp::instruction_task> tasks;
  std::vector<lp::option_order> orders;
};

void make_ready(member& m, const lagom::philox& random, std::uint64_t stream, std::uint64_t slot,
                lp::losses<lp::task_check>& account) {
  m.views = m.row.views();
  for (std::size_t i = 0; i < m.views.size(); ++i) {
    const lp::checked_task t = lp::read_task(m.views[i]);
    account.count(t.check);
    if (t.check != lp::task_check::ok) continue;
    m.tasks.push_back(t.task);
    m.orders.push_back(lp::option_order::drawn(t.task.option_count, random, stream, slot + 64 + 32 * i));
  }
}

}  // namespace

void pre_training_texts(const synthesize_options& o) {
  complaints complain(o.strict);
  row_writer out(o.rows, o.rows.end, complain);
  const lagom::philox random{o.seed};
  const lp::layout_shares shares;
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
    bool two_each = true;
    for (std::size_t i = 0; i < group.size(); ++i) {
      members[i].row = std::move(group[i]);
      make_ready(members[i], random, stream, slots_a_member * (i + 1), tasks);
      two_each = two_each && members[i].tasks.size() >= 2;
    }
    const lp::text_layout layout = shares.draw(two_each, random, stream, 0);
    const bool turned = shares.draw_inverted(random, stream, 1) &&
                        (layout == lp::text_layout::classic || layout == lp::text_layout::dialog);
    std::vector<lp::templified> views;
    for (std::size_t i = 0; i < members.size(); ++i) {
      const member& m = members[i];
      if (m.tasks.empty()) continue;
      pools::drawer draw(o.seed, stream, slots_a_member * (i + 1));
      lp::templified one{m.row.text, m.tasks, m.orders, {}, {}, turned};
      one.style = draw.task();
      one.words = draw.words();
      views.push_back(one);
    }
    for (const member& m : members) {  // a text without tasks stands by itself
      if (!m.tasks.empty()) continue;
      text = m.row.text;
      ++raw;
      write(m.row.id, "raw");
    }
    if (!views.empty()) {
      text.clear();
      lp::append_templified(text, views, layout);
      ++drawn[static_cast<std::size_t>(layout)];
      inverted += turned ? 1 : 0;
      std::size_t first = 0;
      while (members[first].tasks.empty()) ++first;
      write(members[first].row.id, layouts[static_cast<std::size_t>(layout)]);
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
