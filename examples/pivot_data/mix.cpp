// SPDX-License-Identifier: MIT
#include "mix.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <cmath>
#include <lagom/prompt/mixer.hpp>

#include "fields.hpp"
#include "token_lines.hpp"

namespace pivot_data {

namespace lp = lagom::prompt;

namespace {

// FILE:WEIGHT, in millionths; FILE alone weighs 1.
struct source {
  std::string path;
  std::uint64_t weight = 1'000'000;
};
[[nodiscard]] source source_of(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon + 1 == text.size()) return {text};
  double weight = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + colon + 1, end, weight);
  if (read.ec != std::errc() || read.ptr != end) return {text};  // a colon of the path
  if (!(weight >= 0 && weight <= 1e9)) stop({.code = lagom::errc::out_of_range, .key = "--in " + text});
  return {text.substr(0, colon), static_cast<std::uint64_t>(std::llround(weight * 1e6))};
}

[[nodiscard]] lp::mix_unit unit_of(const std::string& name) {
  return name == "tokens"    ? lp::mix_unit::tokens
         : name == "trained" ? lp::mix_unit::trained_tokens
                             : lp::mix_unit::rows;
}
[[nodiscard]] lp::mix_stop stop_of(const std::string& name) {
  return name == "all_exhausted"                       ? lp::mix_stop::all_exhausted
         : name == "all_exhausted_without_replacement" ? lp::mix_stop::all_exhausted_without_replacement
         : name == "budget_reached"                    ? lp::mix_stop::budget_reached
                                                       : lp::mix_stop::first_exhausted;
}

// What a state belongs to: it goes on with nothing else.
[[nodiscard]] json settings_of(const mix_command& o, const std::vector<source>& sources,
                               const std::vector<line_index>& files) {
  json out = {{"unit", o.unit},       {"choice", o.choice}, {"stop", o.stop},  {"budget", o.budget},
              {"shuffle", o.shuffle}, {"seed", o.seed},     {"epoch", o.epoch}};
  for (std::size_t i = 0; i < sources.size(); ++i)
    out["sources"].push_back(
        {{"weight", sources[i].weight}, {"rows", files[i].size()}, {"bytes", files[i].bytes()}});
  return out;
}

[[nodiscard]] json json_of(const lp::mix_state& s) {
  json out = {{"slots", s.slots}, {"amount", s.amount}, {"sources", json::array()}};
  for (const auto& one : s.sources)
    out["sources"].push_back({one.rows, one.taken, one.passes, one.amount, one.pass_amount, one.credit});
  return out;
}
[[nodiscard]] lp::mix_state state_of(const json& j, const std::string& path) {
  const auto bad = [&] { stop({.code = lagom::errc::wrong_schema, .file = path}); };
  const auto number = [&](const json* n) -> std::uint64_t {
    if (n == nullptr || !n->is_number_unsigned()) bad();
    return n->get<std::uint64_t>();
  };
  lp::mix_state out;
  out.slots = number(lagom::io::find(j, "slots"));
  out.amount = number(lagom::io::find(j, "amount"));
  const json* const list = lagom::io::find(j, "sources");
  if (list == nullptr || !list->is_array()) bad();
  for (const json& one : *list) {
    if (!one.is_array() || one.size() != 6 || !one[5].is_number_integer()) bad();
    out.sources.push_back({number(&one[0]), number(&one[1]), number(&one[2]), number(&one[3]),
                           number(&one[4]), one[5].get<std::int64_t>()});
  }
  return out;
}

}  // namespace

void mix(const mix_command& o) {
  complaints complain(o.strict);
  std::vector<source> sources;
  std::vector<line_index> files;
  for (const std::string& text : o.in) {
    sources.push_back(source_of(text));
    files.emplace_back(sources.back().path);
  }
  const lp::mix_unit unit = unit_of(o.unit);
  token_line row;
  std::vector<lp::losses<token_loss>> accounts(files.size());
  const auto amount = [&](std::string_view line, std::optional<token_loss>& lost) -> std::uint64_t {
    if (unit == lp::mix_unit::rows) return 1;
    lost = read_tokens(line, row);
    return lost ? 0 : lp::amount_of(unit, row.ids.size(), row.trained());
  };
  std::vector<lp::mix_source> given;
  for (std::size_t i = 0; i < files.size(); ++i) {
    lp::mix_source one{.rows = files[i].size(), .weight = sources[i].weight};
    if (o.choice == "random" && unit != lp::mix_unit::rows) {
      std::optional<token_loss> lost;
      for (std::size_t r = 0; r < files[i].size(); ++r) one.amount += amount(files[i][r], lost);
    }
    given.push_back(one);
  }
  auto mixer = must(lp::mixer::make(
      std::move(given), {.choice = o.choice == "random" ? lp::mix_choice::random : lp::mix_choice::deficit,
                         .stop = stop_of(o.stop),
                         .budget = o.budget,
                         .shuffle = o.shuffle,
                         .seed = o.seed,
                         .epoch = o.epoch}));
  const json settings = settings_of(o, sources, files);
  if (!o.state.empty() && ::access(o.state.c_str(), F_OK) == 0) {
    const json saved = must(lagom::io::load_json(o.state));
    const json* const of = lagom::io::find(saved, "settings");
    const json* const state = lagom::io::find(saved, "state");
    if (of == nullptr || state == nullptr) stop({.code = lagom::errc::wrong_schema, .file = o.state});
    if (*of != settings) stop({.code = lagom::errc::changed, .file = o.state, .key = "the mixture"});
    if (auto ok = mixer.resume(state_of(*state, o.state)); !ok) stop(ok.error().in(o.state));
  }
  line_sink out(o.out);
  std::uint64_t written = 0;
  bool over = false;
  while (o.rows == 0 || written < o.rows) {
    const auto pick = mixer.next();
    if (!pick) {
      over = true;
      break;
    }
    const std::string_view line = files[pick->source][pick->row];
    std::optional<token_loss> lost;
    mixer.took(amount(line, lost));
    if (lost) {
      accounts[pick->source].drop(*lost);
      if (pick->pass == 0)
        complain(
            fmt::format("{}: row {}: {}", files[pick->source].path(), pick->row + 1, lp::name_of(*lost)));
      continue;
    }
    accounts[pick->source].keep();
    out.write(line);
    ++written;
  }
  out.commit();
  if (!o.state.empty()) {
    const json saved = {{"settings", settings}, {"state", json_of(mixer.state())}};
    must(lagom::io::write_file(o.state, saved.dump(1) + "\n"));
  }
  std::vector<account> all;
  for (std::size_t i = 0; i < files.size(); ++i) {
    all.push_back(account_of(files[i].path(), accounts[i]));
    all.back().notes.emplace_back(o.unit + " so far", mixer.state().sources[i].amount);
    all.back().notes.emplace_back("times through", mixer.state().sources[i].passes);
  }
  print_accounts(all, out.is_stdout());
  if (!out.is_stdout())
    fmt::print("{} {} in all{}\n", mixer.state().amount, o.unit, over ? ", and it is over" : "");
  write_report(o.json, "mix", all);
}

}  // namespace pivot_data
