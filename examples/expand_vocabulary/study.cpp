// SPDX-License-Identifier: MIT
#include "study.hpp"

#include "report.hpp"

namespace expand_vocabulary {

lagom::result<std::vector<lagom::vocab::expansion_study_row>> study(const source_model& source,
                                                                    const text_files& paths, placement how,
                                                                    std::size_t tokens,
                                                                    std::uint64_t first_size) {
  constexpr std::uint64_t most = std::uint64_t{1} << 20;
  auto bpe = bpe_of(source);
  if (!bpe) return bpe.error();
  auto lines = lagom::io::text_lines::open(paths);
  if (!lines) return lines.error();
  std::vector<std::uint64_t> sizes;
  for (std::uint64_t n = first_size; n < most; n *= 2) sizes.push_back(n);
  sizes.push_back(most);
  byte_progress bar("reading", lines->of_bytes());
  return lagom::vocab::study_expansion(
      source.tokenizer(), **bpe,
      [&](std::string_view& line) {
        bar.reach(lines->bytes());
        return lines->next(line);
      },
      sizes, [&](const auto& pieces) { return choose_tokens(source, pieces, how, tokens); });
}

void print_study(const std::vector<lagom::vocab::expansion_study_row>& rows) {
  fmt::print("\n{:>9}  {:>10}  {:>7}  {:>8}  {:>8}  {:>15}  {:>16}\n", "lines", "pre-tokens", "tokens",
             "Jaccard", "ranks", "align distance", "tokens/character");
  for (const auto& r : rows) {
    fmt::print("{:>9}  {:>10}  {:>7}  {:>8.3f}  {:>8.3f}  {:>15.4f}  {:>16.4f}\n", grouped(r.lines),
               grouped(r.distinct_pieces), r.tokens, r.jaccard, r.rank_agreement, r.align_distance,
               r.tokens_per_character);
  }
  fmt::print(
      "Each row against the last one: new tokens in common, their order, Align's weights, and the tokens "
      "that "
      "the\nwhole corpus takes with them.\n");
}

lagom::io::json to_json(const lagom::vocab::expansion_study_row& r) {
  return {{"lines", r.lines},
          {"pre_tokens", r.distinct_pieces},
          {"tokens", r.tokens},
          {"common", r.common},
          {"jaccard", r.jaccard},
          {"rank_agreement", r.rank_agreement},
          {"align_distance", r.align_distance},
          {"tokens_per_character", r.tokens_per_character}};
}

}  // namespace expand_vocabulary
