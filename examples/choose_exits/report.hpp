// SPDX-License-Identifier: MIT
// What people read (a table, plain sentences, a picture) and what machines read (JSON).
#pragma once

#include <fmt/core.h>

#include <lagom/io/atomic_file.hpp>
#include <lagom/io/json_numbers.hpp>

#include "early_exit/pictures.hpp"
#include "live.hpp"
#include "report_times.hpp"

namespace choose_exits {

// All that was found out.
struct findings {
  std::string model;
  std::string cost_unit;            // "bytes", "flops" or "time"
  std::optional<exit_times> times;  // where it is time
  int layers = 0;
  lagom::index_t items[3] = {};  // to fit on, to calibrate on, held out
  lagom::exit_loss loss{};
  lagom::tolerance tolerance;
  lagom::error_rate error;
  std::vector<rule_row> rows;       // published rules
  std::vector<rule_row> hindsight;  // full depth and oracles
  placing placed;
  std::optional<live_run> live;

  // What placement saves.
  [[nodiscard]] double cost(const rule_row& r) const {
    return cost_unit == "bytes" ? r.bytes_honest : cost_unit == "flops" ? r.flops_honest : r.time;
  }
};

namespace detail {

inline std::string verdict(const rule_row& r, bool judged) {
  if (!judged) return "-";
  if (!r.shown) return "not certified";
  return fmt::format("yes (p {:.2g})", r.shown->p_value);
}

inline void print_row(const rule_row& r, bool judged, std::size_t width, bool timed) {
  fmt::print("{:<{}}  {:6.2f} {:6.1f} {:7.1f} {:8.1f} {:8.1f} {:8.1f}{}", r.name, width, r.used,
             100 * r.agreement, 100 * r.accuracy_kept(), 100 * r.flops_paper, 100 * r.flops_honest,
             100 * r.bytes_honest, r.bytes_honest > 1 ? '!' : ' ');
  if (timed) fmt::print(" {:7.1f}{}", 100 * r.time, r.time > 1 ? '!' : ' ');
  fmt::print(" {:<15} {}\n", verdict(r, judged), r.setting);
}

// "8, 10 and 12"
inline std::string listed(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t k = 0; k < words.size(); ++k)
    out += (k == 0 ? "" : k + 1 == words.size() ? " and " : ", ") + words[k];
  return out;
}

inline std::string probe_of(const placed_exit& e, std::size_t candidates) {
  switch (e.kind) {
    case lagom::probe_kind::head:
      return fmt::format("the whole head, gap >= {:.4g}", e.gap);
    case lagom::probe_kind::certified:
      return fmt::format("a certified probe, gap >= {:.4g}", e.gap);
    case lagom::probe_kind::rows:
      return fmt::format("the rows of the {} candidates, their gap >= {:.4g}", candidates, e.gap);
    case lagom::probe_kind::cheap:
      return fmt::format("cosine of states >= {:.4g}, then the head for the answer", e.cosine);
    case lagom::probe_kind::cheap_first:
      break;
  }
  return fmt::format("cosine of states >= {:.4g}, then a certified probe, gap >= {:.4g}", e.cosine, e.gap);
}

inline lagom::io::json json_of(const rule_row& r) {
  lagom::io::json shown;
  if (r.shown) {
    shown = {{"tolerance", r.shown->tolerance.value},
             {"error_rate", r.shown->error_rate.value},
             {"rows", r.shown->rows},
             {"mean_loss", r.shown->mean_loss},
             {"p_value", r.shown->p_value},
             {"test", r.shown->test.view()}};
  }
  lagom::io::json out = {{"name", r.name},
                         {"source", r.source},
                         {"setting", r.setting},
                         {"settings_tried", r.candidates},
                         {"items", r.items},
                         {"layers_used", r.used},
                         {"agreement", r.agreement},
                         {"accuracy", r.accuracy},
                         {"accuracy_kept", r.accuracy_kept()},
                         {"flops_paper", r.flops_paper},
                         {"flops_honest", r.flops_honest},
                         {"bytes_honest", r.bytes_honest},
                         {"certified", shown}};
  if (r.time > 0) out["time"] = r.time;
  return out;
}

inline lagom::io::json json_of(const placement_point& p) {
  lagom::io::json exits = lagom::io::json::array();
  for (const placed_exit& e : p.exits) {
    exits.push_back({{"layer", e.layer.value}, {"probe", name(e.kind)}});
    if (e.kind != lagom::probe_kind::cheap) exits.back()["gap"] = lagom::io::json_number(e.gap);
    if (e.kind == lagom::probe_kind::cheap || e.kind == lagom::probe_kind::cheap_first)
      exits.back()["cosine"] = lagom::io::json_number(e.cosine);
  }
  return {{"risk", p.risk}, {"cost", p.cost}, {"bound", p.bound}, {"exits", exits}};
}

}  // namespace detail

inline void print_table(const findings& f) {
  std::size_t width = 4;
  for (const auto* rows : {&f.rows, &f.hindsight}) {
    for (const rule_row& r : *rows) width = std::max(width, r.name.size());
  }
  const bool timed = f.times.has_value();
  if (timed) print_times(*f.times, f.placed.candidates.size());
  fmt::print("\n{:<{}}  {:>6} {:>6} {:>7} {:>8} {:>8} {:>8}  {}{:<15} {}\n", "rule", width, "layers", "agree",
             "kept", "paper", "flops", "bytes", timed ? "   time  " : "", "certified", "setting");
  for (const rule_row& r : f.rows) detail::print_row(r, true, width, timed);
  detail::print_row(f.placed.row, true, width, timed);
  for (const rule_row& r : f.hindsight) detail::print_row(r, false, width, timed);
  fmt::print(
      "\nlayers: mean layers used, of {}. agree: answers in percent that are the full model's. kept: "
      "accuracy in "
      "percent of the\nfull model's. paper: FLOPs in percent of full depth as AdaInfer counts them, probes "
      "free. "
      "flops, bytes: the same with every\nprobe, decision and skipped key and value charged, for one token "
      "decoded "
      "after the prompt (! dearer than full depth).{}\ncertified: {} by stopping early in at most {:g} % of "
      "answers; "
      "each row is wrong about that with\nprobability {:g} at most. All other numbers are of {} held-out "
      "prompts.\n",
      f.layers,
      timed ? "\ntime: expected from what was timed; decisions and modules of published rules at the head's "
              "pace."
            : "",
      f.loss == lagom::exit_loss::textual ? "another answer" : "a right answer lost", 100 * f.tolerance.value,
      f.error.value, f.items[2]);
}

// What to deploy, and why.
inline void print_advice(const findings& f) {
  const char* const lost =
      f.loss == lagom::exit_loss::textual ? "answers that are not the full model's" : "right answers lost";
  if (!f.placed.deployed) {
    const auto fewest = lagom::sample_size(lagom::exact_binomial{}, f.tolerance, f.error);
    fmt::print("\nDeploy the full model. Nothing could be certified at {:g} % of {} with error rate {:g}",
               100 * f.tolerance.value, lost, f.error.value);
    if (fewest && f.items[1] < static_cast<lagom::index_t>(*fewest)) {
      fmt::print(":\n{} prompts to calibrate on are too few, at least {} are needed.\n", f.items[1], *fewest);
    } else {
      fmt::print(" on {} prompts.\n", f.items[1]);
    }
    return;
  }
  const placement_point& p = f.placed.tested[*f.placed.deployed];
  if (p.exits.empty()) {
    fmt::print("\nDeploy the full model: no placement that is cheaper keeps {} within {:g} %.\n", lost,
               100 * f.tolerance.value);
    return;
  }
  std::vector<std::string> layers;
  for (const placed_exit& e : p.exits) layers.push_back(fmt::format("{}", e.layer.value));
  fmt::print("\nDeploy {} after layer{} {} (0-based):\n", p.exits.size() == 1 ? "one exit" : "exits",
             p.exits.size() == 1 ? "" : "s", detail::listed(layers));
  for (const placed_exit& e : p.exits)
    fmt::print("  layer {:>2}: {}\n", e.layer.value, detail::probe_of(e, f.placed.candidates.size()));
  const rule_row& r = f.placed.row;
  fmt::print(
      "Held-out prompts use {:.2f} of {} layers, {:.1f} % of the bytes and {:.1f} % of the FLOPs of full "
      "depth; {:.1f} % "
      "of\nthe answers agree with the full model's, and {:.1f} % of its accuracy is kept.\n",
      r.used, f.layers, 100 * r.bytes_honest, 100 * r.flops_honest, 100 * r.agreement,
      100 * r.accuracy_kept());
  fmt::print(
      "Certified on {} prompts that chose nothing: {} at most {:g} % on average ({:.2f} % seen), p = "
      "{:.2g}.\n",
      r.shown->rows, lost, 100 * f.tolerance.value, 100 * r.shown->mean_loss, r.shown->p_value);
  double gap = 0;  // of the front, on the prompts that chose it
  for (const placement_point& q : f.placed.front)
    gap = std::max(gap, q.cost > 0 ? 1 - q.bound / q.cost : 0.0);
  fmt::print(
      "Of {} placements in order of falling cost ({}) it is the last that could be certified; where they "
      "were chosen, no\n"
      "others {}.\n",
      f.placed.tested.size(), f.cost_unit,
      gap < 1e-9 ? std::string("do better") : fmt::format("are cheaper by more than {:.2g} %", 100 * gap));
  if (f.live)
    fmt::print(
        "On the decoder, one thread, the last token of {} of these prompts took {:.1f} % of full depth's "
        "time, with the "
        "layers\nand tokens of the replay{}.\n",
        f.live->prompts, 100 * f.live->wall,
        f.times ? fmt::format("; {:.1f} % were expected, without keys and values of skipped layers, which "
                              "this run does not make",
                              100 * (r.time - share_of_keys(*f.times, f.layers, r.used)))
                : "");
  const rule_row* rival = nullptr;
  for (const rule_row& row : f.rows) {
    if (row.shown && (rival == nullptr || f.cost(row) < f.cost(*rival))) rival = &row;
  }
  if (rival != nullptr)
    fmt::print(
        "The best published rule that was certified, {}, takes {:.1f} % of full depth; this takes {:.1f} "
        "%.\n",
        rival->name, 100 * f.cost(*rival), 100 * f.cost(r));
}

// Costs against risks: the front on the rows that chose it, and the rules on held-out prompts.
inline bool draw_front(const std::string& file, const findings& f) {
  std::string quoted;
  for (const char c : file) quoted.append(c == '\'' ? 2 : 1, c);
  std::string script = fmt::format(
      "set terminal svg size 1080,600 dynamic font 'sans-serif,13' background '#ffffff'\nset output '{}'\n"
      "set title 'Cost and risk of exits'\nset xlabel 'risk: {} (percent)'\nset ylabel 'honest cost, {} "
      "(percent of full "
      "depth)'\nset xrange [0:{}]\nset yrange [0:*]\nset grid lc rgb '#dddddd'\nset key outside right Left "
      "reverse "
      "noenhanced\n"
      "set border 3\nset tics nomirror\n",
      quoted, f.loss == lagom::exit_loss::textual ? "answers unlike the full model" : "right answers lost",
      f.cost_unit, 200 * f.tolerance.value + 1);
  const auto risk = [&](const rule_row& row) {
    return f.loss == lagom::exit_loss::textual ? 1 - row.agreement
                                               : std::max(0.0, row.full_accuracy - row.accuracy);
  };
  script += "$front << EOD\n";
  for (const placement_point& p : f.placed.front)
    script += fmt::format("{:.4f} {:.3f}\n", 100 * p.risk, 100 * p.cost);
  script += "EOD\n";
  std::string plot =
      "plot $front using 1:2 with linespoints lw 2 pt 7 ps 0.5 lc rgb '#2a9d8f' title 'placements, on the "
      "prompts that chose them'";
  int nth = 0;
  const auto mark = [&](const rule_row& r, const char* style, const char* said) {
    script += fmt::format("$r{} << EOD\n{:.4f} {:.3f}\nEOD\n", ++nth, 100 * risk(r), 100 * f.cost(r));
    plot += fmt::format(
        ", $r{0} using 1:2 with points {1} title '{0} {2}{3}', $r{0} using 1:2:(\"{0}\") with labels offset "
        "0.9,0.6 "
        "font ',9' notitle",
        nth, style, r.name, said);
  };
  mark(f.placed.row, "pt 5 ps 1.4 lc rgb '#c8553d'", f.placed.deployed ? ", deployed" : ", not certified");
  for (const rule_row& r : f.rows)
    mark(r, r.shown ? "pt 7 ps 0.8 lc rgb '#5a5a9d'" : "pt 6 ps 0.8 lc rgb '#777777'",
         r.shown ? "" : ", not certified");
  for (const rule_row& r : f.hindsight) mark(r, "pt 8 ps 1 lc rgb '#e9a23b'", "");
  return early_exit::gnuplot::draw(
      script +
      fmt::format("set arrow from {0},graph 0 to {0},graph 1 nohead dt 2 lc rgb '#777777'\n",
                  100 * f.tolerance.value) +
      plot + "\n");
}

inline lagom::result<lagom::done> write_json(const std::string& path, const findings& f) {
  lagom::io::json rules = lagom::io::json::array(), hindsight = rules, front = rules;
  for (const rule_row& r : f.rows) rules.push_back(detail::json_of(r));
  for (const rule_row& r : f.hindsight) hindsight.push_back(detail::json_of(r));
  for (const placement_point& p : f.placed.front) front.push_back(detail::json_of(p));
  lagom::io::json deploy = detail::json_of(f.placed.row);
  deploy["exits"] = lagom::io::json::array();
  if (f.placed.deployed) deploy["exits"] = detail::json_of(f.placed.tested[*f.placed.deployed])["exits"];
  deploy["wall_ratio"] = f.live ? lagom::io::json(f.live->wall) : lagom::io::json();
  lagom::io::json document = {
      {"model", f.model},
      {"layers", f.layers},
      {"items", {{"fit", f.items[0]}, {"calibrate", f.items[1]}, {"test", f.items[2]}}},
      {"loss", f.loss == lagom::exit_loss::textual ? "agreement" : "accuracy"},
      {"cost", f.cost_unit},
      {"tolerance", f.tolerance.value},
      {"error_rate", f.error.value},
      {"rules", rules},
      {"hindsight", hindsight},
      {"front", {{"exact", f.placed.exact}, {"points", front}}},
      {"candidate_tokens", f.placed.candidates},
      {"certified_share", f.placed.certified_share},
      {"deploy", deploy}};
  if (f.times) document["times"] = json_of(*f.times);
  return lagom::io::write_file(
      path, document.dump(1, ' ', false, lagom::io::json::error_handler_t::replace) + "\n");
}

}  // namespace choose_exits
