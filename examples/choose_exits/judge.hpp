// SPDX-License-Identifier: MIT
// From a family of rules to its row of the table: calibrated on one part of the prompts, judged on another.
#pragma once

#include <fmt/format.h>

#include <optional>

#include "study.hpp"

namespace choose_exits {

// What a rule does with one prompt.
struct row_outcome {
  lagom::layer_index stop{-1};
  lagom::token_id token = lagom::no_token;
  double heads = 0;                    // passes over the whole head, the answer's own included
  lagom::cost::work extra{};           // all else beside the blocks: decisions, row heads, modules
  std::optional<double> extra_time{};  // nanoseconds of it, where its parts were timed
};
using outcomes =
    std::vector<row_outcome>;  // of every row of the trace; those that were not asked have stop -1

// Rules that differ by one number, from the safest to the boldest. At least one.
struct family {
  std::string name;              // "deebert"
  std::string source;            // "Xin et al. 2020, arXiv 2004.12993"
  std::string setting;           // what the number is: "entropy < {:.3f}", "patience {:.0f}", or plain text
  std::vector<double> settings;  // chosen without a look at the rows to calibrate on
};

// One line of the table, over held-out prompts.
struct rule_row {
  std::string name, source, setting;
  std::optional<lagom::certificate> shown;  // or it is not certified
  std::size_t candidates = 0;
  lagom::index_t items = 0;
  double used = 0, agreement = 0, accuracy = 0, full_accuracy = 0;
  double flops_paper = 0, flops_honest = 0, bytes_honest = 0;  // of full depth, one decoded token
  double time = 0;  // expected, of full depth, where times are known

  [[nodiscard]] double accuracy_kept() const { return full_accuracy > 0 ? accuracy / full_accuracy : 1; }
};

// Replays a policy over the rows of one part. `decision` is the work of one decision, of what its signals compute too
// where that is more than the head's statistics. `on`: another trace of the same rows, of other heads.
template <class Policy>
[[nodiscard]] lagom::result<outcomes> replay_policy(const study& s, part which, const Policy& policy,
                                                    lagom::cost::work decision,
                                                    const lagom::trace<>* on = nullptr) {
  const lagom::trace<>& t = on != nullptr ? *on : s.trace;
  const auto run = lagom::replay(t, policy, s.rows(which));
  if (!run) return run.error();
  std::vector<double> decisions(static_cast<std::size_t>(t.layers()));  // up to each layer
  double made = 0;
  for (int l = 0; l < t.layers(); ++l) {
    if (l + 1 < t.layers() && policy.schedule(lagom::layer_index(l), t.layers())) ++made;
    decisions[static_cast<std::size_t>(l)] = made;
  }
  outcomes out;
  for (const auto& o : run->outcomes) {
    row_outcome& to = out.emplace_back(row_outcome{o.stop, o.token, static_cast<double>(o.probes)});
    if (o.stop.value >= 0) to.extra = decisions[static_cast<std::size_t>(o.stop.value)] * decision;
  }
  return out;
}

// What a row loses: against the full model's answer, or where only the full model is right.
[[nodiscard]] inline bool lost(const study& s, lagom::index_t row, const row_outcome& o) {
  const auto full = s.trace.final_token(row), expected = s.trace.expected(row);
  if (s.loss == lagom::exit_loss::textual) return o.token != full;
  return full == expected && expected != lagom::no_token && o.token != expected;
}

// Counts and charges the rows of one part.
[[nodiscard]] inline rule_row tally(const study& s, part which, const outcomes& all) {
  rule_row r;
  double full_macs = 0, full_bytes = 0, macs = 0, bytes = 0, length = 0, time = 0;
  for (lagom::index_t row = 0; row < s.trace.rows(); ++row) {
    if (!s.rows(which)(row)) continue;
    const row_outcome& o = all[static_cast<std::size_t>(row)];
    const auto pass = lagom::cost::decode(s.trace.length(row));
    const double used = o.stop.value + 1;
    const auto spent =
        lagom::cost::total(s.shape, pass,
                           {.blocks = used, .heads = o.heads, .kv_layers = s.shape.layers - used}, s.widths) +
        o.extra;
    const auto full = lagom::cost::full_model(s.shape, pass, s.widths);
    macs += spent.macs, bytes += spent.bytes, full_macs += full.macs, full_bytes += full.bytes;
    if (s.times) {
      const lagom::exit_costs& c = s.times->costs;
      time += used * c.block + (s.shape.layers - used) * c.skipped + o.heads * c.head +
              o.extra_time.value_or(s.at_the_heads_pace(o.extra));
    }
    const auto expected = s.trace.expected(row), deep = s.trace.final_token(row);
    ++r.items;
    r.used += used;
    r.agreement += o.token == deep;
    r.accuracy += expected != lagom::no_token && o.token == expected;
    r.full_accuracy += expected != lagom::no_token && deep == expected;
    length += s.trace.length(row);
  }
  const double n = std::max<double>(1, static_cast<double>(r.items));
  for (double* const sum : {&r.used, &r.agreement, &r.accuracy, &r.full_accuracy, &length}) *sum /= n;
  r.flops_paper = lagom::cost::adainfer_ratio(lagom::cost::published_model(s.shape, length),
                                              lagom::mean_layers_used(r.used))
                      .value;
  r.flops_honest = full_macs > 0 ? macs / full_macs : 1;
  r.bytes_honest = full_bytes > 0 ? bytes / full_bytes : 1;
  if (s.times) r.time = time / (n * (s.shape.layers * s.times->costs.block + s.times->costs.head));
  return r;
}

// Calibrates the family (fixed sequence, exact test of losses that are 0 or 1) and judges the boldest setting that was
// certified; where none is, the safest one, and says so. `run(setting, part)` gives the outcomes of a setting.
template <class Run>
[[nodiscard]] lagom::result<rule_row> judge(const study& s, const family& f, const Run& run) {
  if (f.settings.empty()) return lagom::failure{.code = lagom::errc::empty, .key = "settings of " + f.name};
  std::vector<double> losses;
  for (const double setting : f.settings) {
    const lagom::result<outcomes> all = run(setting, part::calibrate);
    if (!all) return all.error();
    for (lagom::index_t row = 0; row < s.trace.rows(); ++row) {
      if (s.rows(part::calibrate)(row)) losses.push_back(lost(s, row, (*all)[static_cast<std::size_t>(row)]));
    }
  }
  const lagom::mat_view<const double> table(losses.data(), static_cast<lagom::index_t>(f.settings.size()),
                                            s.count(part::calibrate));
  const auto kept = lagom::certify(table, s.tolerance, s.error, lagom::exact_binomial{});
  const bool none =
      !kept && (kept.error().code == lagom::errc::not_certified || kept.error().code == lagom::errc::empty);
  if (!kept && !none) return kept.error();
  const double setting = f.settings[kept ? static_cast<std::size_t>(kept->candidate) : 0];
  const lagom::result<outcomes> held_out = run(setting, part::test);
  if (!held_out) return held_out.error();
  rule_row r = tally(s, part::test, *held_out);
  r.name = f.name;
  r.source = f.source;
  r.setting = fmt::format(fmt::runtime(f.setting), setting);
  r.candidates = f.settings.size();
  if (kept) r.shown = *kept;
  return r;
}

}  // namespace choose_exits
