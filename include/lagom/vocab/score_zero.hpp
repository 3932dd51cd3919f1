// SPDX-License-Identifier: MIT
/// @file vocab/score_zero.hpp
/// New pieces with score 0, as a reference release adds them to SentencePiece models.
#pragma once

#include "scored_expansion.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

struct score_zero_options {
  std::size_t tokens = 100;
  std::size_t rounds = 10;       ///< of exchanging pieces that do not occur; 0: none
  bool skips_neighbours = true;  ///< the release's: a piece right after one that was dropped is not looked at
  reserved_texts reserved{};  ///< texts that no new piece may have, besides those of the source's own pieces
};

/// Expands as a reference release does (compat mode "score_zero": gucci-j/lowres-cve, the SentencePiece path).
/// The first candidates, in the order of an auxiliary model's ids, that the source lacks become pieces of score
/// 0, which is more than any trained piece has: they merge before everything else, and among themselves the
/// leftmost goes first. Then, round by round, the corpus is tokenized, pieces that do not occur are dropped and
/// the next candidates take their places at the end; a candidate is tried once. Ends with the round that drops
/// nothing, or when there are no candidates left, or after `rounds`.
///
/// New pieces so cross what the source keeps together, and lines of other languages are cut otherwise. Known
/// defects, kept: `append_scored` is what it should be. Fails as `scored_bpe::make` does.
template <piece_counts Counts>
result<scored_expansion> score_zero(const scored_source& source, std::span<const std::string_view> candidates,
                                    const Counts& counts, const score_zero_options& options = {}) {
  reserved_texts taken = options.reserved;
  for (const scored_piece& p : source.pieces) taken.emplace(p.text);
  std::vector<std::string> chosen;
  std::size_t next = 0, rounds = 0;
  const auto refill = [&] {
    while (chosen.size() < options.tokens && next < candidates.size()) {
      const std::string_view text = candidates[next++];
      if (taken.emplace(text).second) chosen.emplace_back(text);
    }
  };
  refill();
  for (; rounds < options.rounds; ++rounds) {
    auto model = detail::make_scored(source, chosen, std::vector<float>(chosen.size()));
    if (!model) return model.error();
    std::vector<char> occurs(chosen.size());
    for_each_piece(counts, [&](std::string_view piece, std::uint64_t) {
      model->encode_piece(piece, [&](token_id t) {
        const auto row = static_cast<std::size_t>(t);
        if (row >= source.pieces.size()) occurs[row - source.pieces.size()] = 1;
      });
    });
    std::vector<std::string> kept;
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      if (occurs[i] != 0) {
        kept.push_back(chosen[i]);
      } else if (options.skips_neighbours && i + 1 < chosen.size()) {
        kept.push_back(chosen[++i]);
      }
    }
    const bool dropped = kept.size() < chosen.size();
    const bool more = next < candidates.size();
    if (!dropped) break;
    chosen = std::move(kept);
    refill();
    if (!more) {
      ++rounds;
      break;
    }
  }
  std::vector<new_token> added;
  for (std::string& text : chosen) {
    const auto id = static_cast<token_id>(source.pieces.size() + added.size());
    added.push_back({.id = id, .text = std::move(text)});
  }
  std::vector<float> zeros(added.size());
  auto out = detail::finish_scored(source, std::move(added), std::move(zeros), counts);
  if (out) out->rounds = rounds;
  return out;
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
