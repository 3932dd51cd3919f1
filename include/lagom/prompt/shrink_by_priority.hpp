// SPDX-License-Identifier: MIT
/// @file prompt/shrink_by_priority.hpp
/// Parts of a row that give way to others until the row fits.
#pragma once

#include <span>

#include "budget.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// A part of a row. Order 0 is never touched; then parts give way from order 1 upwards. What is `whole` goes
/// altogether, with all whole parts of its order (a header, its text, its separator), before others of that order are
/// cut; the rest is cut at its end, the first part of an order first.
struct shrinkable {
  std::string_view text;
  unsigned order = 0;
  bool whole = false;
};

struct shrink_outcome {
  budget_verdict verdict = budget_verdict::ok;
  std::size_t tokens = 0;  ///< of the parts as they are now; if over the budget, of what cannot be shrunk
};

/// Shortens parts until their tokens, each part counted by itself, are at most `limit`. Section-priority truncation:
/// the answer and the end token have order 0 and stay, where cutting the row at its right would take them first.
///
/// If what has order 0 is over the limit alone, nothing is changed and the verdict is `over_budget`.
/// Cost: two counts a part, and a `cut_to_tokens` for each part that is cut.
template <token_counter Counter>
constexpr shrink_outcome shrink_by_priority(std::span<shrinkable> parts, std::size_t limit,
                                            const Counter& counter) {
  std::size_t total = 0, fixed = 0;
  for (const shrinkable& p : parts) {
    const std::size_t n = counter.count(p.text);
    total += n;
    fixed += p.order == 0 ? n : 0;
  }
  if (fixed > limit) return {budget_verdict::over_budget, fixed};
  const auto next_order = [&](unsigned after) {
    unsigned order = 0;
    for (const shrinkable& p : parts) {
      if (p.order > after && (order == 0 || p.order < order)) order = p.order;
    }
    return order;
  };
  for (unsigned order = next_order(0); total > limit && order > 0; order = next_order(order)) {
    for (shrinkable& p : parts) {
      if (p.order != order || !p.whole) continue;
      total -= counter.count(p.text);
      p.text = {};
    }
    for (shrinkable& p : parts) {
      if (p.order != order || total <= limit) continue;
      const std::size_t n = counter.count(p.text), room = n > total - limit ? n - (total - limit) : 0;
      p.text = p.text.substr(0, room == 0 ? 0 : cut_to_tokens(p.text, room, counter));
      total -= n - counter.count(p.text);
    }
  }
  return {budget_verdict::ok, total};
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
