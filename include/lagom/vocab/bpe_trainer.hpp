// SPDX-License-Identifier: MIT
/// @file vocab/bpe_trainer.hpp
/// A BPE vocabulary from a corpus: an alphabet, and continued BPE from there.
#pragma once

#include <map>

#include "continued_bpe.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// How to train a vocabulary of its own.
struct trainer_options {
  std::size_t tokens = 50000;  ///< no more than these, the alphabet included
  bpe_unit unit = bpe_unit::byte;
  double coverage = 1;         ///< of characters: the most frequent ones that make up this share of the text
  std::uint64_t min_gain = 2;  ///< stops before a token that saves fewer tokens of the corpus
  std::size_t max_bytes = 64;  ///< longest text of a merged token; 0: any
};

/// Trains a BPE model (Sennrich et al., arXiv 1508.07909). Its alphabet has the first ids: the 256 bytes in
/// order, or the characters of the corpus, the most frequent first, the lower code on a tie. Merges follow in
/// the order in which `continue_bpe` learns them, one rule a token. Characters that the alphabet does not cover
/// are left out when the model encodes, so that what is around them meets; ill-formed UTF-8 is such a character.
/// Costs and errors are those of `continue_bpe`; an alphabet of more than `tokens` is `out_of_range`.
template <piece_counts Counts, class Rule = pair_rule>
result<bpe> train_bpe(const Counts& counts, const trainer_options& options = {}, const Rule& rule = {}) {
  token_table alphabet;
  const auto add = [&](std::string_view unit) {
    return alphabet.add(static_cast<token_id>(alphabet.size()), unit);
  };
  if (options.unit == bpe_unit::byte) {
    for (unsigned b = 0; b < 256; ++b) {
      const char byte = static_cast<char>(static_cast<unsigned char>(b));
      if (auto ok = add({&byte, 1}); !ok) return ok.error();
    }
  } else {
    std::map<char32_t, std::uint64_t> characters;
    std::uint64_t total = 0;
    for_each_piece(counts, [&](std::string_view piece, std::uint64_t count) {
      for (std::size_t at = 0; at < piece.size();) {
        const utf8_char c = decode_utf8(piece, at);
        at += c.length;
        total += count;
        if (c.well_formed) characters[c.code] += count;
      }
    });
    std::vector<std::pair<char32_t, std::uint64_t>> order(characters.begin(), characters.end());
    std::stable_sort(order.begin(), order.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    std::uint64_t covered = 0;
    for (const auto& [code, count] : order) {
      if (static_cast<double>(covered) >= options.coverage * static_cast<double>(total)) break;
      covered += count;
      std::string unit;
      append_utf8(unit, code);
      if (auto ok = add(unit); !ok) return ok.error();
    }
  }
  const auto letters = static_cast<std::size_t>(alphabet.size());
  if (letters > options.tokens) {
    return failure{.code = errc::out_of_range, .key = "tokens", .expected = letters, .found = options.tokens};
  }
  token_table tokens = alphabet;
  auto base = bpe::make(std::move(alphabet), {}, {.unit = options.unit});
  if (!base) return base.error();
  auto learned = continue_bpe(*base, counts,
                              {.tokens = options.tokens - letters,
                               .min_gain = options.min_gain,
                               .max_bytes = options.max_bytes,
                               .new_units = false},
                              rule);
  if (!learned) return learned.error();
  std::vector<merge> merges;
  for (const learned_token& t : learned->tokens) {
    if (auto ok = tokens.add(t.id, t.text); !ok) return ok.error();
    merges.push_back({t.left, t.right, t.id});
  }
  return bpe::make(std::move(tokens), std::move(merges), {.unit = options.unit});
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
