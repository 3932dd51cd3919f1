// SPDX-License-Identifier: MIT
/// @file vocab/tokenization_change.hpp
/// What a change of vocabulary does to the tokenization of a corpus.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "counted_piece.hpp"
#include "piece_speller.hpp"
#include "space_mark.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// A corpus under a source and a target tokenizer. Counts of pieces are of occurrences, unless "distinct".
struct tokenization_change {
  std::uint64_t pieces = 0, distinct_pieces = 0;
  std::uint64_t changed = 0, distinct_changed = 0;  ///< pieces whose tokens are other ones
  std::uint64_t bytes = 0, characters = 0;  ///< of the pieces; a "▁" that stands for a space is one byte
  std::uint64_t source_tokens = 0, target_tokens = 0;
  std::uint64_t crossing = 0;    ///< target tokens that begin or end inside a source token
  std::uint64_t unmeasured = 0;  ///< pieces with units that are lost: their tokens have no place in the text
  std::vector<std::uint64_t> counts{};  ///< by target id: occurrences

  [[nodiscard]] double source_tokens_per_byte() const noexcept { return ratio(source_tokens, bytes); }
  [[nodiscard]] double target_tokens_per_byte() const noexcept { return ratio(target_tokens, bytes); }
  [[nodiscard]] double source_tokens_per_character() const noexcept {
    return ratio(source_tokens, characters);
  }
  [[nodiscard]] double target_tokens_per_character() const noexcept {
    return ratio(target_tokens, characters);
  }
  /// Share of the pieces that are tokenized otherwise.
  [[nodiscard]] double changed_share() const noexcept { return ratio(changed, pieces); }

  /// Adds the counts of another part of the corpus, one that has no piece in common with this: a distinct piece
  /// of both would count twice.
  void merge(const tokenization_change& o) {
    pieces += o.pieces;
    distinct_pieces += o.distinct_pieces;
    changed += o.changed;
    distinct_changed += o.distinct_changed;
    bytes += o.bytes;
    characters += o.characters;
    source_tokens += o.source_tokens;
    target_tokens += o.target_tokens;
    crossing += o.crossing;
    unmeasured += o.unmeasured;
    counts.resize((std::max)(counts.size(), o.counts.size()));
    for (std::size_t i = 0; i < o.counts.size(); ++i) counts[i] += o.counts[i];
  }
};

namespace detail {

/// How many tokens have an end or a beginning where the source has none.
[[nodiscard]] inline std::uint64_t count_crossing(std::span<const std::size_t> source,
                                                  std::span<const std::size_t> target) {
  std::uint64_t crossing = 0;
  bool begins = true;  // at a boundary of the source
  std::size_t s = 0;
  for (const std::size_t end : target) {
    while (s < source.size() && source[s] < end) ++s;
    const bool ends = s < source.size() && source[s] == end;
    crossing += begins && ends ? 0 : 1;
    begins = ends;
  }
  return crossing;
}

}  // namespace detail

/// Tokenizes every piece by both models, of any kinds that `piece_speller` takes. An old token keeps its id, so a
/// piece is changed when its ids are. The cost is that of the models.
template <class Source, class Target, piece_counts Counts>
[[nodiscard]] tokenization_change compare_tokenizations(const Source& source, const Target& target,
                                                        const Counts& counts) {
  tokenization_change out;
  out.counts.resize(static_cast<std::size_t>(target.size()));
  const bool marks = detail::marks_spaces(source);
  piece_speller cut_source(source);
  piece_speller cut_target(target);
  segmentation before, after;
  for_each_piece(counts, [&](std::string_view piece, std::uint64_t count) {
    const bool source_spells = cut_source(piece, before), target_spells = cut_target(piece, after);
    ++out.distinct_pieces;
    out.pieces += count;
    const auto was = before.tokens(), is = after.tokens();
    if (!std::equal(was.begin(), was.end(), is.begin(), is.end())) {
      ++out.distinct_changed;
      out.changed += count;
    }
    std::uint64_t characters = 0, marks_in_it = 0;
    for (std::size_t at = 0; at < piece.size(); ++characters) {
      const utf8_char c = decode_utf8(piece, at);
      marks_in_it += c.code == 0x2581 ? 1 : 0;
      at += c.length;
    }
    out.characters += count * characters;
    out.bytes += count * (piece.size() - (marks ? 2 * marks_in_it : 0));
    out.source_tokens += count * before.size();
    out.target_tokens += count * after.size();
    for (const token_id t : is) out.counts[static_cast<std::size_t>(t)] += count;
    if (source_spells && target_spells) {
      out.crossing += count * detail::count_crossing(before.ends(), after.ends());
    } else {
      out.unmeasured += count;
    }
  });
  return out;
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
