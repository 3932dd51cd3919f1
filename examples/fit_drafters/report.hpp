// SPDX-License-Identifier: MIT
// The drafters side by side.
#pragma once

#include <fmt/core.h>

#include <lagom/io/atomic_file.hpp>
#include <lagom/io/json_text.hpp>

#include "measure.hpp"

namespace fit_drafters {

inline constexpr const char* source_names[] = {"own_head", "shared_module", "language_module"};

// One language, drafted by some layers.
struct row {
  std::string language;
  int layers = 0;
  std::size_t tokens = 0;
  double full_seconds = 0;
  kept_drafts by[3];       // the model's own head, one module for all languages, the language's own module
  double draft_cost[3]{};  // of a draft, in tokens of the full model
  [[nodiscard]] int best(int s) const {
    return lagom::cost::best_drafts(by[s].acceptance(), draft_cost[s], 16);
  }
  // At the best length of drafts, where verifying a few positions costs what verifying one does.
  [[nodiscard]] double expected(int s) const {
    return lagom::cost::speculative_speedup(by[s].acceptance(), best(s), draft_cost[s]);
  }
  [[nodiscard]] double time(int s) const { return by[s].seconds() / full_seconds; }
};

inline void print_table(const std::vector<row>& rows, int drafts) {
  std::size_t width = 8;
  for (const row& r : rows) width = std::max(width, r.language.size());
  fmt::print("\n{:<{}}  {:>6}  {:^26}  {:^26}  {:^26}\n", "", width, "",
             fmt::format("kept of {} drafts a round", drafts), "expected speed-up", "time, of full depth");
  fmt::print("{:<{}}  {:>6}", "language", width, "layers");
  for (int k = 0; k < 3; ++k) fmt::print("  {:>8} {:>8} {:>8}", "own head", "shared", "language");
  fmt::print("\n");
  for (const row& r : rows) {
    fmt::print("{:<{}}  {:>6}", r.language, width, r.layers);
    fmt::print("  {:>7.1f}% {:>7.1f}% {:>7.1f}%", 100 * r.by[0].share(), 100 * r.by[1].share(),
               100 * r.by[2].share());
    fmt::print("  {:>7.2f}x {:>7.2f}x {:>7.2f}x", r.expected(0), r.expected(1), r.expected(2));
    fmt::print("  {:>7.1f}% {:>7.1f}% {:>7.1f}%\n", 100 * r.time(0), 100 * r.time(1), 100 * r.time(2));
  }
}

[[nodiscard]] inline lagom::result<lagom::done> write_json(const std::string& path, const std::string& kind,
                                                           int drafts, const std::vector<row>& rows) {
  lagom::io::json document = {{"kind", kind}, {"drafts", drafts}, {"rows", lagom::io::json::array()}};
  for (const row& r : rows) {
    lagom::io::json one = {{"language", r.language},
                           {"draft_layers", r.layers},
                           {"tokens", r.tokens},
                           {"full_seconds", r.full_seconds}};
    for (int s = 0; s < 3; ++s) {
      one[source_names[s]] = {{"kept", r.by[s].share()},
                              {"acceptance", r.by[s].acceptance()},
                              {"best_drafts", r.best(s)},
                              {"expected_speedup", r.expected(s)},
                              {"wall_ratio", r.time(s)}};
    }
    document["rows"].push_back(std::move(one));
  }
  return lagom::io::write_file(
      path, document.dump(1, ' ', false, lagom::io::json::error_handler_t::replace) + "\n");
}

}  // namespace fit_drafters
