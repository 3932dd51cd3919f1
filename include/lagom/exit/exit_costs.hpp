// SPDX-License-Identifier: MIT
/// @file exit/exit_costs.hpp
/// What an exit costs, in one unit: multiply-adds, bytes, measured nanoseconds.
#pragma once

#include "../cost/ledger.hpp"

namespace lagom {
inline namespace v0 {

/// How an exit finds out whether it is one.
enum class probe_kind : std::uint8_t {
  head,       ///< the whole head, then the decision
  certified,  ///< prepared rows in place of the head: the same decision for fewer bytes (`certified_answer`)
  rows,       ///< a few rows of the head (`unembed_rows`): the answer is one of them
  cheap,  ///< a signal without a head; the head once, for rows that leave (CALM's state and meta confidences)
  cheap_first,  ///< a signal without a head; the head and its decision where that says so
};

/// What a pass is made of. All entries in the same unit, none negative.
struct exit_costs {
  double block = 0;      ///< a layer that is run
  double skipped = 0;    ///< a layer that is not: the keys and values it owes the next token
  double head = 0;       ///< a pass over the whole head
  double certified = 0;  ///< a certified probe, on average
  double rows = 0;       ///< a probe over the candidate rows
  double cheap = 0;      ///< a signal that needs no head
  double decision = 0;   ///< of the rule
};

/// What a probe costs a row that comes by, more where its first stage says "look", and more where it leaves.
struct probe_costs {
  double probe = 0;
  double look = 0;
  double answer = 0;
};

LAGOM_LEAF constexpr probe_costs costs_of(probe_kind kind, const exit_costs& c) noexcept {
  switch (kind) {
    case probe_kind::head:
      return {c.head + c.decision};
    case probe_kind::certified:
      return {c.certified + c.decision};
    case probe_kind::rows:
      return {c.rows + c.decision};
    case probe_kind::cheap:
      return {c.cheap + c.decision, 0, c.head};
    case probe_kind::cheap_first:
      break;
  }
  return {c.cheap + c.decision, c.head + c.decision};
}

/// The unit that a ledger is read in.
enum class cost_unit : std::uint8_t {
  macs,   ///< multiply-adds: what decides where arithmetic is scarce
  bytes,  ///< bytes moved: what decides at batch 1
};

/// What the ledger needs to know beside the shape of the model.
struct exit_costs_config {
  cost_unit unit = cost_unit::bytes;
  bool owes_keys = true;  ///< a token follows, so that skipped layers owe it keys and values
  double certified_share =
      1;                   ///< of the head's bytes, and of its multiply-adds, that a certified probe reads
  double candidates = 0;   ///< rows of a probe over a few
  cost::work decision{2};  ///< one decision of the rule
  cost::widths widths{};
};

/// The entries of the ledger (`cost/ledger.hpp`), for a pass `p`; the cheap signal is the cosine of two states.
LAGOM_LEAF constexpr exit_costs ledger_costs(const cost::decoder_shape& s, cost::pass p,
                                             const exit_costs_config& c = {}) noexcept {
  const auto in = [&](const cost::work& w) { return c.unit == cost_unit::macs ? w.macs : w.bytes; };
  const cost::widths& w = c.widths;
  return {.block = in(cost::block(s, p, w)),
          .skipped = c.owes_keys ? in(cost::kv_projection(s, p, w)) : 0.0,
          .head = in(cost::full_head(s, w, p.sequences)),
          .certified = c.certified_share * in(cost::full_head(s, w, p.sequences)),
          .rows = in(cost::row_head(s, c.candidates, w, p.sequences)),
          .cheap = in(p.sequences * cost::state_cosine(s)),
          .decision = in(p.sequences * c.decision)};
}

}  // namespace v0
}  // namespace lagom
