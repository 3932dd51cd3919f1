// SPDX-License-Identifier: MIT
/// @file prompt/ldp.hpp
/// Linguistically-diverse prompts: one demonstration from each of several languages, then a text of one without data.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "../core/random.hpp"
#include "../core/token_counter.hpp"
#include "segment.hpp"
#include "strip.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// A text and its translation.
struct ldp_demo {
  std::string_view source_language, source;
  std::string_view target_language, target;

  friend constexpr bool operator==(const ldp_demo&, const ldp_demo&) = default;
};

/// `lead source joint gap target end` for each demonstration; the question ends with `joint`. No language is named: a
/// model has to see from the demonstrations that it translates. The wording is ours.
struct ldp_words {
  std::string_view lead = "Text: ", joint = "\nTranslation:", gap = " ", end = "\n\n";
};

/// A prompt of arXiv 2306.11372, of which only the description is known: stage 1 translates into English with one
/// synthetic demonstration a high-resource language; stage 2 translates out of English, or between two others, with
/// pairs that stage 1 made (`reversed`, `composed`). `keep` says which demonstrations stay (`fit_demos`); empty: all.
/// Nothing is trained. Sees everything.
struct ldp_prompt {
  std::span<const ldp_demo> demos{};
  std::string_view query, query_language{};
  std::span<const bool> keep{};
  ldp_words words{};

  struct cursor {
    std::size_t demo = 0;
    std::uint8_t part = 0;
  };
  constexpr bool next(cursor& at, segment& out) const {
    for (; at.demo < demos.size(); ++at.demo, at.part = 0) {
      if (at.demo < keep.size() && !keep[at.demo]) continue;
      const ldp_demo& d = demos[at.demo];
      while (at.part < 6) {
        const std::string_view texts[] = {words.lead, d.source, words.joint, words.gap, d.target, words.end};
        const std::uint8_t part = at.part++;
        out = {texts[part], role::user, {}, {}, false, origin::literal};
        if (part == 1) out = {d.source, role::user, "source", d.source_language, false, origin::content};
        if (part == 4) out = {d.target, role::user, "target", d.target_language, false, origin::content};
        if (!out.text.empty()) return true;
      }
    }
    while (at.demo == demos.size() && at.part < 3) {
      switch (at.part++) {
        case 0:
          out = {words.lead, role::user, {}, {}, false, origin::literal};
          break;
        case 1:
          out = {query, role::user, "query", query_language, false, origin::content};
          break;
        default:
          out = {words.joint, role::user, {}, {}, false, origin::literal};
      }
      if (!out.text.empty()) return true;
    }
    return false;
  }
};

/// The translation in what a model wrote on: up to the first `end`, without white space around. O(bytes).
[[nodiscard]] constexpr std::string_view ldp_answer(std::string_view output,
                                                    const ldp_words& words = {}) noexcept {
  output = strip(output, true, false);
  return strip(output.substr(0, words.end.empty() ? output.size() : output.find(words.end)));
}

/// English -> X: a pair that stage 1 made of a text of X, turned round. What a model learns to write is what was given.
[[nodiscard]] constexpr ldp_demo reversed(const ldp_demo& d) noexcept {
  return {d.target_language, d.target, d.source_language, d.source};
}
/// X -> Y by way of English: a pair of stage 1 and what stage 2 made of its translation. None where the second does not
/// begin with what the first ended with.
[[nodiscard]] constexpr std::optional<ldp_demo> composed(const ldp_demo& first,
                                                         const ldp_demo& second) noexcept {
  if (first.target_language != second.source_language || first.target != second.source) return std::nullopt;
  return ldp_demo{first.source_language, first.source, second.target_language, second.target};
}

/// One demonstration of every source language in a pool, drawn for prompt `stream`; languages in the order in which
/// they first come. O(pool x languages).
[[nodiscard]] inline std::vector<ldp_demo> one_a_language(std::span<const ldp_demo> pool,
                                                          const philox& random, std::uint64_t stream) {
  std::vector<ldp_demo> out;
  for (std::size_t i = 0; i < pool.size(); ++i) {
    const std::string_view language = pool[i].source_language;
    bool seen = false;
    for (const ldp_demo& d : out) seen = seen || d.source_language == language;
    if (seen) continue;
    std::uint64_t n = 0;
    for (const ldp_demo& d : pool) n += d.source_language == language ? 1u : 0u;
    std::uint64_t skip = random.below(n, stream, out.size());
    for (const ldp_demo& d : pool.subspan(i)) {
      if (d.source_language != language || skip-- > 0) continue;
      out.push_back(d);
      break;
    }
  }
  return out;
}

/// The tokens of each demonstration with its words, for `fit_demos`. Precondition: as many sizes as demonstrations.
template <token_counter Counter>
void demo_sizes(const ldp_prompt& p, const Counter& counter, std::span<std::size_t> sizes) {
  LAGOM_ASSERT(sizes.size() == p.demos.size());
  std::string text;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const ldp_demo& d = p.demos[i];
    text.clear();
    for (const std::string_view piece :
         {p.words.lead, d.source, p.words.joint, p.words.gap, d.target, p.words.end})
      text += piece;
    sizes[i] = static_cast<std::size_t>(counter.count(text));
  }
}

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
