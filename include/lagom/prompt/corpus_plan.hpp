// SPDX-License-Identifier: MIT
/// @file prompt/corpus_plan.hpp
/// How much of a pre-training corpus is converted, and what it is mixed with.
#pragma once

#include <array>

#include "../core/random.hpp"
#include "mix_options.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// The mixture of Instruction Pre-Training (arXiv 2406.14491, section 3): pre-training from scratch converts 20 % of the
/// raw texts (40 M of 200 M) and trains on 100 B tokens with 0.2 B of the synthesizer's tuning data beside them;
/// continued pre-training in a domain converts all and mixes with general instructions 1:1. What 1:1 counts is open:
/// the unit of the amounts is the mixer's.
///
/// ```cpp
/// const corpus_plan plan;
/// auto both = plan.general({.rows = texts}, {.rows = tuning_rows});
/// auto mix = mixer::make({both.begin(), both.end()}, {.stop = mix_stop::budget_reached});
/// ```
struct corpus_plan {
  double converted = 0.2;
  std::uint64_t corpus_tokens = 100'000'000'000, tuning_tokens = 200'000'000;

  /// Whether a text is converted: with that probability, a function of (key, text) alone.
  [[nodiscard]] constexpr bool converts(const philox& random, std::uint64_t text) const noexcept {
    return random.uniform(text, 0) < converted;
  }

  /// From scratch: the corpus and the tuning data, their weights and targets in tokens.
  [[nodiscard]] constexpr std::array<mix_source, 2> general(mix_source corpus,
                                                            mix_source tuning) const noexcept {
    corpus.weight = corpus.target = corpus_tokens;
    tuning.weight = tuning.target = tuning_tokens;
    return {corpus, tuning};
  }
  /// In a domain: the converted corpus and general instructions, half and half.
  [[nodiscard]] static constexpr std::array<mix_source, 2> domain(mix_source corpus,
                                                                  mix_source instructions) noexcept {
    corpus.weight = instructions.weight = 1;
    return {corpus, instructions};
  }
  /// The same plan for another size of corpus; the tuning data keep their share, rounded down.
  /// Preconditions: corpus_tokens > 0; tokens x tuning_tokens below 2^64.
  [[nodiscard]] constexpr corpus_plan of_size(std::uint64_t tokens) const noexcept {
    LAGOM_ASSERT(corpus_tokens > 0);
    return {converted, tokens, tokens * tuning_tokens / corpus_tokens};
  }
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
