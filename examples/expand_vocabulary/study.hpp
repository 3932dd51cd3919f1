// SPDX-License-Identifier: MIT
// How many lines does it take? New tokens and alignment on 2^10, 2^11, ... lines.
#pragma once

#include "lines.hpp"

namespace expand_vocabulary {

[[nodiscard]] inline lagom::result<std::vector<lagom::vocab::expansion_study_row>> study(
    const source_model& source, const std::vector<std::string>& paths, std::size_t tokens,
    std::uint64_t first_size) {
  auto bpe = bpe_of(source);
  if (!bpe) return bpe.error();
  std::vector<std::string> lines;
  for (const std::string& path : paths) {
    auto read = for_each_line(path, [&](std::string_view line) { lines.emplace_back(line); });
    if (!read) return read.error();
  }
  std::vector<std::uint64_t> sizes;
  for (std::uint64_t n = first_size; n < lines.size() && n <= 1u << 20; n *= 2) sizes.push_back(n);
  if (sizes.empty() || sizes.back() < 1u << 20) sizes.push_back(lines.size());
  const lagom::vocab::expand_options options = expand_options_of(source, tokens);
  std::size_t next = 0;
  const auto next_line = [&](std::string_view& line) {
    if (next == lines.size()) return false;
    line = lines[next++];
    return true;
  };
  return lagom::vocab::study_expansion(source.tokenizer, **bpe, next_line, sizes, [&](const auto& pieces) {
    return lagom::vocab::expand(**bpe, pieces.by_bytes(), options);
  });
}

[[nodiscard]] inline lagom::io::json to_json(const lagom::vocab::expansion_study_row& r) {
  return {{"lines", r.lines},
          {"pre_tokens", r.distinct_pieces},
          {"tokens", r.tokens},
          {"jaccard", r.jaccard},
          {"rank_agreement", r.rank_agreement},
          {"align_distance", r.align_distance},
          {"tokens_per_character", r.tokens_per_character}};
}

inline void print_study(const std::vector<lagom::vocab::expansion_study_row>& rows) {
  fmt::print("\n{:>9}  {:>10}  {:>7}  {:>8}  {:>8}  {:>15}  {:>16}\n", "lines", "pre-tokens", "tokens",
             "Jaccard", "ranks", "align distance", "tokens/character");
  for (const auto& r : rows) {
    fmt::print("{:>9}  {:>10}  {:>7}  {:>8.3f}  {:>8.3f}  {:>15.4f}  {:>16.4f}\n", grouped(r.lines),
               grouped(r.distinct_pieces), r.tokens, r.jaccard, r.rank_agreement, r.align_distance,
               r.tokens_per_character);
  }
  fmt::print(
      "Each row against the last one: new tokens in common, their order, Align's weights, and the tokens "
      "that the "
      "whole\ncorpus takes with them.\n");
}

}  // namespace expand_vocabulary
