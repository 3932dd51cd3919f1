// SPDX-License-Identifier: MIT
// What people read (tables) and what machines read (JSON).
#pragma once

#include <fmt/core.h>
#include <fmt/format.h>
#include <lagom/io/atomic_file.hpp>
#include <lagom/io/json.hpp>

#include "experiment.hpp"

namespace early_exit {

// Means over several outcomes: the summary's cells.
struct mean_outcome {
  double full = 0, early = 0, stop = 0, variance = 0, paper = 0, prefill = 0, decode = 0, wall = 0;
  int n = 0;

  void add(const outcome& o) {
    full += o.judged.full_accuracy();
    early += o.judged.exit_accuracy();
    stop += o.judged.stop.mean;
    variance += o.judged.stop.population_variance();
    paper += o.flops.paper.value;
    prefill += o.flops.prefill.value;
    decode += o.flops.decode.value;
    wall += o.wall;
    ++n;
  }
};

namespace detail {

inline std::string numbers(const mean_outcome& m) {
  const double n = m.n;
  const std::string wall =
      std::isnan(m.wall) ? fmt::format("{:>6}", "-") : fmt::format("{:6.1f}", 100 * m.wall / n);
  return fmt::format("{:6.1f} {:6.1f} {:7.2f} {:7.2f} {:8.1f} {:8.1f} {:8.1f}{} {}", 100 * m.full / n,
                     100 * m.early / n, m.stop / n, m.variance / n, 100 * m.paper / n, 100 * m.prefill / n,
                     100 * m.decode / n, m.decode / n > 1 ? '!' : ' ', wall);
}

// The longest of some words.
template <class Words, class Of>
std::size_t longest(const Words& words, const Of& of, std::size_t at_least) {
  for (const auto& w : words) at_least = std::max(at_least, of(w).size());
  return at_least;
}

inline constexpr std::string_view columns =
    "  full   exit    stop     var    paper  prefill   decode    wall";

}  // namespace detail

// One table a setting: every task under every rule.
inline void print_tables(const std::vector<task>& tasks, const std::vector<outcome>& outcomes) {
  const std::size_t width = detail::longest(tasks, [](const task& t) -> auto& { return t.name; }, 4);
  const std::size_t grade_width = detail::longest(tasks, [](const task& t) -> auto& { return t.grade; }, 5);
  for (const setting where : {setting::intra, setting::inter_task, setting::inter_model}) {
    bool headed = false;
    int last_task = -1;
    for (const outcome& o : outcomes) {
      if (o.where != where) continue;
      if (!headed) {
        fmt::print("\n{}\n{:<{}}  {:<{}}  {:<10} {}\n", name(where), "task", width, "grade", grade_width,
                   "rule", detail::columns);
        headed = true;
      }
      const task& t = tasks[static_cast<std::size_t>(o.task)];
      mean_outcome one;
      one.add(o);
      const bool first = o.task != last_task;
      last_task = o.task;
      const lagom::degeneracy odd = o.judged.counts.verdict();
      fmt::print("{:<{}}  {:<{}}  {:<10} {}{}\n", first ? t.name : "", width, first ? t.grade : "",
                 grade_width, name(o.kind), detail::numbers(one),
                 odd == lagom::degeneracy::never            ? "  never stops"
                 : odd == lagom::degeneracy::always_at_once ? "  always stops at layer 0"
                                                            : "");
    }
  }
}

// Means by setting, rule and grade, and what the marks say.
inline void print_summary(const std::vector<task>& tasks, const std::vector<outcome>& outcomes) {
  std::vector<std::string> grades;
  for (const task& t : tasks) {
    if (std::find(grades.begin(), grades.end(), t.grade) == grades.end()) grades.push_back(t.grade);
  }
  if (grades.size() > 1) grades.emplace_back("all");
  const std::size_t width = detail::longest(grades, [](const std::string& g) -> auto& { return g; }, 5);
  fmt::print("\nmeans over tasks\n{:<11}  {:<10}  {:<{}} {}\n", "setting", "rule", "grade", width,
             detail::columns);
  bool dear = false;
  for (const setting where : {setting::intra, setting::inter_task, setting::inter_model}) {
    for (const rule_kind kind : all_rules) {
      for (const std::string& grade : grades) {
        mean_outcome mean;
        for (const outcome& o : outcomes) {
          const bool graded = grade == "all" || tasks[static_cast<std::size_t>(o.task)].grade == grade;
          if (o.where == where && o.kind == kind && graded) mean.add(o);
        }
        if (mean.n == 0) continue;
        dear = dear || mean.decode / mean.n > 1;
        fmt::print("{:<11}  {:<10}  {:<{}} {}\n", name(where), name(kind), grade, width,
                   detail::numbers(mean));
      }
    }
  }
  fmt::print(
      "\nfull, exit: accuracy in percent at full depth and at the stop. stop, var: mean (0-based) and "
      "variance of the\n"
      "layer that stopped. paper: FLOPs in percent of full as AdaInfer counts them. prefill, decode: the "
      "same with\n"
      "every probe and decision charged, for a prompt read at once and for one token decoded after it (with "
      "the "
      "keys and\n"
      "values that the skipped layers owe the next token). wall: time of the decoder really stopping, prompt "
      "to "
      "answer,\n"
      "in percent of full depth.\n");
  if (dear) {
    fmt::print(
        "! in decoding, probing every layer costs more than it saves here: probe fewer layers or fewer "
        "rows.\n");
  }
}

struct run_facts {
  std::string model, other_model;
  int layers = 0, other_layers = 0;
  std::vector<int> shots;
  std::uint64_t seed = 0;
};

// The same for machines: accuracies and ratios as fractions, layers 0-based, null for what was not measured.
inline lagom::result<lagom::done> write_json(const std::string& path, const run_facts& facts,
                                             const std::vector<task>& tasks,
                                             const std::vector<outcome>& outcomes) {
  lagom::io::json rows = lagom::io::json::array();
  for (const outcome& o : outcomes) {
    const task& t = tasks[static_cast<std::size_t>(o.task)];
    const lagom::degeneracy odd = o.judged.counts.verdict();
    rows.push_back({{"name", t.name},
                    {"grade", t.grade},
                    {"setting", name(o.where)},
                    {"rule", name(o.kind)},
                    {"items", o.judged.rows},
                    {"full_accuracy", o.judged.full_accuracy()},
                    {"exit_accuracy", o.judged.exit_accuracy()},
                    {"agreement", o.judged.agreement()},
                    {"mean_stop_layer", o.judged.stop.mean},
                    {"stop_variance", o.judged.stop.population_variance()},
                    {"stop_variance_sample", o.judged.stop.sample_variance()},
                    {"mean_probes", o.judged.probes.mean},
                    {"mean_earliest_correct_layer", o.judged.earliest_correct.count > 0
                                                        ? lagom::io::json(o.judged.earliest_correct.mean)
                                                        : lagom::io::json()},
                    {"flops_paper", o.flops.paper.value},
                    {"flops_honest_decode", o.flops.decode.value},
                    {"flops_honest_prefill", o.flops.prefill.value},
                    {"wall_ratio", o.wall},
                    {"degenerate", odd == lagom::degeneracy::never            ? "never"
                                   : odd == lagom::degeneracy::always_at_once ? "always_at_once"
                                                                              : "none"}});
  }
  lagom::io::json document = {{"model", facts.model},
                              {"layers", facts.layers},
                              {"shots", facts.shots},
                              {"seed", facts.seed},
                              {"tasks", rows}};
  if (!facts.other_model.empty()) {
    document["other_model"] = facts.other_model;
    document["other_layers"] = facts.other_layers;
  }
  return lagom::io::write_file(
      path, document.dump(1, ' ', false, lagom::io::json::error_handler_t::replace) + "\n");
}

}  // namespace early_exit
