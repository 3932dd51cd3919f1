// SPDX-License-Identifier: MIT
/// @file prompt/fit_demos.hpp
/// Which demonstrations stay before a fixed part of a prompt.
#pragma once

#include <limits>
#include <span>

#include "budget.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// What goes when demonstrations do not fit.
enum class drop_demos : std::uint8_t {
  oldest,  ///< the first ones, as many as needed
  all,     ///< all (the released inference of Instruction Pre-Training, arXiv 2406.14491)
  longest  ///< the longest one (the first of equals), then the next
};

struct demo_policy {
  drop_demos drop = drop_demos::oldest;
  std::size_t most =
      (std::numeric_limits<std::size_t>::max)();  ///< the newest so many, before anything is counted
};

struct demo_fit {
  budget_verdict verdict = budget_verdict::ok;  ///< `over_budget`: the fixed part alone does not fit
  std::size_t kept = 0;
  std::size_t tokens = 0;  ///< of the fixed part and what is kept
};

/// Chooses demonstrations, oldest first, of `sizes` tokens (with their separators), beside `fixed` tokens that have to
/// stay: instruction, context, question, and room for the answer. `keep[i]` says what becomes of each.
/// Preconditions: as many `keep` as `sizes`; sizes of separately tokenised texts, or bounds of them, so that they add up.
/// O(n); O(n * dropped) for `longest`.
inline demo_fit fit_demos(std::span<const std::size_t> sizes, std::size_t fixed, std::size_t limit,
                          const demo_policy& policy, std::span<bool> keep) noexcept {
  LAGOM_ASSERT(keep.size() == sizes.size());
  const std::size_t n = sizes.size(), first = n > policy.most ? n - policy.most : 0;
  demo_fit out{.tokens = fixed};
  for (std::size_t i = 0; i < n; ++i) {
    keep[i] = fixed <= limit && i >= first;
    if (!keep[i]) continue;
    out.tokens += sizes[i];
    ++out.kept;
  }
  if (fixed > limit) {
    out.verdict = budget_verdict::over_budget;
    return out;
  }
  const auto drop = [&](std::size_t i) {
    keep[i] = false;
    out.tokens -= sizes[i];
    --out.kept;
  };
  const bool fits = out.tokens <= limit;
  for (std::size_t i = first; i < n && !fits; ++i) {
    if (policy.drop == drop_demos::all || (policy.drop == drop_demos::oldest && out.tokens > limit)) drop(i);
  }
  while (out.tokens > limit) {  // `longest`
    std::size_t longest = n;
    for (std::size_t i = first; i < n; ++i) {
      if (keep[i] && (longest == n || sizes[i] > sizes[longest])) longest = i;
    }
    drop(longest);
  }
  return out;
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
