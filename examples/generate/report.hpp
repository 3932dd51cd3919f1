// SPDX-License-Identifier: MIT
// What a person and what a machine gets to see.
#pragma once

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <lagom/io/atomic_file.hpp>
#include <lagom/io/json_text.hpp>
#include <lagom/io/tokenizer_json.hpp>
#include <optional>

#include "measure.hpp"

namespace generate {

// One sequence, its text, and how it compares with full depth.
struct outcome {
  decoded got;
  std::string prompt;
  std::vector<std::string> pieces;  // text of every token
  std::string text;
  // Share of tokens that full depth would have said after the same text; none where they are alike in distribution only.
  std::optional<double> agreement;
  std::size_t same = 0;  // tokens from the start that full-depth decoding says too
};

// All of them together.
struct totals {
  double flops_paper = 0, flops_honest = 0, bytes_honest = 0, wall_ratio = 0;
  double seconds = 0, full_seconds = 0;
  double layers = 0;  // used by the answer, a token
};

[[nodiscard]] inline bool to_a_terminal() { return ::isatty(1) == 1; }

// Green where a token left early, over yellow, to red at full depth.
inline std::string coloured(const std::string& text, int used, int layers) {
  static constexpr int ramp[] = {46, 82, 118, 154, 190, 226, 220, 214, 208, 202, 196};
  const int at = layers > 1 ? 10 * (used - 1) / (layers - 1) : 10;
  return fmt::format("\x1b[38;5;{}m{}\x1b[0m", ramp[std::clamp(at, 0, 10)], text);
}

inline void print_text(const outcome& o, int layers) {
  if (to_a_terminal()) {
    fmt::print("\x1b[2m{}\x1b[0m", o.prompt);
    for (std::size_t i = 0; i < o.pieces.size(); ++i)
      fmt::print("{}", coloured(o.pieces[i], o.got.layers[i], layers));
    fmt::print("\n");
  } else {
    fmt::print("{}{}\n", o.prompt, o.text);
  }
  fmt::print("layers used:");
  for (std::size_t i = 0; i < o.got.layers.size(); ++i) fmt::print(" {}", o.got.layers[i]);
  if (!o.got.drafter.empty()) fmt::print("\ndrafter: {}", o.got.drafter);
  fmt::print("\n\n");
}

inline void print_totals(const std::vector<outcome>& all, const totals& t, int layers) {
  std::size_t n = 0, same = 0, changed = 0;
  double agreement = 0;
  bool compared = true;
  int drafted = 0, kept = 0, withdrawn = 0;
  for (const outcome& o : all) {
    n += o.got.text.size();
    same += o.same;
    changed += o.same < o.got.text.size();
    compared = compared && o.agreement.has_value();
    agreement += o.agreement.value_or(0) * static_cast<double>(o.got.text.size());
    drafted += o.got.drafted;
    kept += o.got.kept;
    withdrawn += o.got.withdrawn;
  }
  const auto line = [](const char* what, const std::string& value) { fmt::print("{:<28}{}\n", what, value); };
  line("tokens", fmt::format("{}", n));
  line("layers a token answered at", fmt::format("{:.2f} of {}", t.layers, layers));
  if (drafted > 0)
    line("drafts kept", fmt::format("{} of {} ({:.1f} %)", kept, drafted, 100.0 * kept / drafted));
  if (withdrawn > 0) line("tokens taken back", fmt::format("{}", withdrawn));
  line("FLOPs, the paper's formula", fmt::format("{:.1f} %", 100 * t.flops_paper));
  line("FLOPs, all charged", fmt::format("{:.1f} %", 100 * t.flops_honest));
  line("bytes read, all charged", fmt::format("{:.1f} %", 100 * t.bytes_honest));
  line("time", fmt::format("{:.1f} % ({:.2f} ms a token; full depth {:.2f} ms)", 100 * t.wall_ratio,
                           1e3 * t.seconds / static_cast<double>(std::max<std::size_t>(1, n)),
                           1e3 * t.full_seconds / static_cast<double>(std::max<std::size_t>(1, n))));
  line("agrees with full depth",
       !compared ? std::string("in distribution")
                 : fmt::format("{:.1f} % of tokens after the same text",
                               100 * agreement / static_cast<double>(std::max<std::size_t>(1, n))));
  line("same text as full depth",
       changed == 0 ? std::string("yes") : fmt::format("no, the first {} tokens", same));
}

inline void print_patterns(const std::vector<pattern_time>& rows, const pattern_timer& timer, int layers) {
  const piece_times& p = timer.pieces();
  const auto times = [](const time_by_tokens& t) {
    std::string out = fmt::format("{:.3f} ms on one token", 1e3 * t.at.front().second);
    for (std::size_t i = 1; i < t.at.size(); ++i)
      out += fmt::format(", {:.3f} on {}", 1e3 * t.at[i].second, t.at[i].first);
    return out;
  };
  fmt::print("\nA layer takes {}; the head {};\n", times(p.block), times(p.head));
  fmt::print("keys and values of a skipped layer {:.3f} ms. Full depth: {:.2f} ms a token.\n",
             1e3 * p.projection, 1e3 * timer.full_seconds_a_token());
  fmt::print("Shares of full depth at batch 1, a token, {} layers:\n\n", layers);
  fmt::print("{:<17} {:<12} {:>5} {:>9} {:>9} {:>7} {:>9} {:>9}\n", "layers used", "kv", "batch", "measured",
             "predicted", "gap", "FLOPs", "bytes");
  for (const pattern_time& r : rows) {
    fmt::print("{:<17} {:<12} {:>5} {:>8.1f}% {:>8.1f}% {:>+6.1f}% {:>8.1f}% {:>8.1f}%\n", r.name, r.kv,
               r.batch, 100 * r.measured, 100 * r.predicted, 100 * r.gap(), 100 * r.macs, 100 * r.bytes);
  }
}

inline lagom::io::json to_json(const outcome& o) {
  lagom::io::json out = {{"prompt", o.prompt},
                         {"tokens", o.got.text},
                         {"text", o.text},
                         {"layers_used", o.got.layers},
                         {"same_as_full", o.same}};
  out["agreement"] = o.agreement ? lagom::io::json(*o.agreement) : lagom::io::json(nullptr);
  out["acceptance"] = o.got.drafted > 0 ? lagom::io::json(static_cast<double>(o.got.kept) / o.got.drafted)
                                        : lagom::io::json(nullptr);
  if (o.got.drafted > 0) out["from_draft"] = o.got.from_draft;
  if (!o.got.drafter.empty()) out["drafter"] = o.got.drafter;
  return out;
}

// The first sequence's keys on top; all sequences, where there are several, under "sequences".
[[nodiscard]] inline lagom::result<lagom::done> write_json(const std::string& path, const std::string& policy,
                                                           const std::string& kv, int layers,
                                                           const std::vector<outcome>& all, const totals& t,
                                                           const std::vector<pattern_time>& patterns) {
  lagom::io::json document = to_json(all.front());
  document["policy"] = policy;
  document["kv"] = kv.empty() ? lagom::io::json(nullptr) : lagom::io::json(kv);
  document["layers"] = layers;
  document["flops_paper"] = t.flops_paper;
  document["flops_honest"] = t.flops_honest;
  document["bytes_honest"] = t.bytes_honest;
  document["wall_ratio"] = t.wall_ratio;
  if (all.size() > 1) {
    for (const outcome& o : all) document["sequences"].push_back(to_json(o));
  }
  for (const pattern_time& r : patterns) {
    document["patterns"].push_back({{"layers_used", r.name},
                                    {"kv", r.kv},
                                    {"batch", r.batch},
                                    {"measured", r.measured},
                                    {"predicted", r.predicted},
                                    {"flops_honest", r.macs},
                                    {"bytes_honest", r.bytes}});
  }
  return lagom::io::write_file(
      path, document.dump(1, ' ', false, lagom::io::json::error_handler_t::replace) + "\n");
}

}  // namespace generate
