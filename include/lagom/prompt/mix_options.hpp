// SPDX-License-Identifier: MIT
/// @file prompt/mix_options.hpp
/// What a mixture of sources is, and what a mixer remembers of it.
#pragma once

#include <vector>

#include "../core/types.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// What weights, targets and budgets count.
enum class mix_unit : std::uint8_t { rows, tokens, trained_tokens };
/// How much of that a row is.
[[nodiscard]] constexpr std::uint64_t amount_of(mix_unit unit, std::uint64_t tokens,
                                                std::uint64_t trained) noexcept {
  return unit == mix_unit::rows ? 1 : unit == mix_unit::tokens ? tokens : trained;
}

/// Which source comes next.
enum class mix_choice : std::uint8_t {
  deficit,  ///< the one that is furthest behind its share: exact ratios
  random    ///< drawn, by a number that depends on seed, epoch, stream and slot alone
};

/// When it is over.
enum class mix_stop : std::uint8_t {
  first_exhausted,                    ///< when a source is wanted that has no row left
  all_exhausted,                      ///< when each has been through once; sources begin again until then
  all_exhausted_without_replacement,  ///< the same, but who is through is left out
  budget_reached  ///< at the budget, or when all sources reached their targets; sources begin again
};

struct mix_source {
  static constexpr std::uint64_t unknown = ~std::uint64_t{0};
  std::uint64_t rows =
      unknown;  ///< rows that it has; `unknown` for a stream, whose end is told by `mixer::ended`
  std::uint64_t weight = 1;  ///< share of the amounts; 0: never
  std::uint64_t target = 0;  ///< amount from which on it is left out; 0: none
  std::uint64_t amount = 0;  ///< amount in all its rows; `random` needs it where rows differ; 0: one a row
};

struct mix_options {
  mix_choice choice = mix_choice::deficit;
  mix_stop stop = mix_stop::first_exhausted;
  std::uint64_t budget = 0;  ///< amount at which `budget_reached` stops; 0: the targets say it
  bool shuffle = false;      ///< rows of each pass in a random order, else as they are
  std::uint64_t seed = 0;
  std::uint32_t epoch = 0, stream = 0;
};

struct mix_pick {
  std::size_t source = 0;
  std::uint64_t row = 0;   ///< in the source
  std::uint64_t pass = 0;  ///< how often the source was through before
  friend constexpr bool operator==(const mix_pick&, const mix_pick&) = default;
};

/// All that a mixer remembers: its size depends on the number of sources alone. Plain numbers, to be saved.
struct mix_state {
  struct source {
    std::uint64_t rows = 0, taken = 0, passes = 0;  // taken: in this pass
    std::uint64_t amount = 0, pass_amount = 0;
    std::int64_t credit = 0;  // weight times what all gave, minus what it gave times all weights
    friend constexpr bool operator==(const source&, const source&) = default;
  };
  std::uint64_t slots = 0, amount = 0;
  std::vector<source> sources{};
  friend bool operator==(const mix_state&, const mix_state&) = default;
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
