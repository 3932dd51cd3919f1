// SPDX-License-Identifier: MIT
// Exits placed on the rows to fit on: a front of costs against risks, and the cheapest that can be certified.
#pragma once

#include "judge.hpp"

namespace choose_exits {

// An exit as an engine needs it.
struct placed_exit {
  lagom::layer_index layer{};
  lagom::probe_kind kind = lagom::probe_kind::head;
  float gap = 0;     // stops at a gap of at least this; of the restricted softmax where `kind` is rows
  float cosine = 0;  // of this state and the last layer's, where the kind reads it
};

// One placement: exits, and what they lose and cost on the rows that chose them.
struct placement_point {
  std::vector<placed_exit> exits;
  double risk = 0, cost = 0, bound = 0;  // costs as shares of full depth
};

struct placing {
  std::vector<placement_point> front;  // risks rise, costs fall
  // From no exits at all to the boldest, costs falling, in order of the risk on rows that did not choose.
  std::vector<placement_point> tested;
  bool exact = true;
  std::vector<lagom::token_id> candidates;  // the rows that probes of kind rows read
  std::vector<double> certified_share;      // bytes of a certified probe over those of the head, by layer
  std::optional<std::size_t> deployed;      // the last of `tested` that was certified
  outcomes replay;                          // the deployed placement over the held-out rows of the trace
  rule_row row;                             // the deployed placement on held-out prompts
};

inline constexpr lagom::probe_kind all_probes[] = {lagom::probe_kind::head, lagom::probe_kind::certified,
                                                   lagom::probe_kind::rows, lagom::probe_kind::cheap,
                                                   lagom::probe_kind::cheap_first};
[[nodiscard]] std::string_view name(lagom::probe_kind kind);

// How exits are chosen. What is saved is time where the study knows times.
struct placing_options {
  lagom::cost_unit unit = lagom::cost_unit::bytes;
  std::size_t levels = 24;                  // gap thresholds to choose from
  std::vector<lagom::probe_kind> probes{};  // kinds to choose from, empty: all
};

// The tokens that answer the prompts to fit on, ascending: what a probe over a few rows chooses from. None where they are a
// good part of the vocabulary: reading that row by row saves nothing.
[[nodiscard]] std::vector<lagom::token_id> candidate_tokens(const study& s);

// The gap at which certified probes are measured. Fails as `quantiles` does.
[[nodiscard]] lagom::result<float> certified_gap(const study& s, std::size_t levels);

// Chooses on the rows to fit on, certifies on those to calibrate on, judges on the held-out ones.
[[nodiscard]] lagom::result<placing> place(const study& s, const placing_options& o);

// What hindsight would do: the upper bound of every rule.
[[nodiscard]] std::vector<rule_row> oracles(const study& s);

}  // namespace choose_exits
