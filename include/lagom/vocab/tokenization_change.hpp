// SPDX-License-Identifier: MIT
/// @file vocab/tokenization_change.hpp
/// What a change of vocabulary does to the tokenization of a corpus.
#pragma once

#include <algorithm>
#include <vector>

#include "bpe_units.hpp"
#include "counted_piece.hpp"

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

  /// a / b; 0 where b is 0.
  [[nodiscard]] static double ratio(std::uint64_t a, std::uint64_t b) noexcept {
    return b == 0 ? 0.0 : static_cast<double>(a) / static_cast<double>(b);
  }

  /// Adds the counts of another part of the corpus.
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

/// Where the tokens of a piece end, in bytes; false when they do not spell the piece.
inline bool token_ends(const bpe& model, const bpe_units& units, std::string_view piece,
                       const std::vector<token_id>& ids, std::vector<std::size_t>& ends) {
  const std::string &prefix = model.options().continuing_prefix, &suffix = model.options().end_suffix;
  ends.clear();
  std::size_t at = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    std::string_view text = model.bytes_of(ids[i]);
    const int byte = text.size() == 6 ? units.fallback_byte(ids[i]) : -1;
    const char one = static_cast<char>(static_cast<unsigned char>(byte));
    if (byte >= 0) text = {&one, 1};
    if (byte < 0 && i > 0) text.remove_prefix((std::min)(prefix.size(), text.size()));
    if (byte < 0 && i + 1 == ids.size()) text.remove_suffix((std::min)(suffix.size(), text.size()));
    if (piece.substr(at, text.size()) != text) return false;
    at += text.size();
    ends.push_back(at);
  }
  return at == piece.size();
}

/// How many tokens have an end or a beginning where the source has none.
[[nodiscard]] inline std::uint64_t count_crossing(const std::vector<std::size_t>& source,
                                                  const std::vector<std::size_t>& target) {
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

namespace detail {

/// Compares two ways to cut pieces: `cut(piece, ids, ends)` fills both, or is false where the tokens do not spell
/// the piece.
template <class S, class T, piece_counts Counts>
[[nodiscard]] tokenization_change compare_cuts(S source, T target, index_t target_size, bool marks,
                                               const Counts& counts) {
  tokenization_change out;
  out.counts.resize(static_cast<std::size_t>(target_size));
  std::vector<token_id> before, after;
  std::vector<std::size_t> source_ends, target_ends;
  for_each_piece(counts, [&](std::string_view piece, std::uint64_t count) {
    const bool source_spells = source(piece, before, source_ends);
    const bool target_spells = target(piece, after, target_ends);
    ++out.distinct_pieces;
    out.pieces += count;
    if (before != after) {
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
    for (const token_id t : after) out.counts[static_cast<std::size_t>(t)] += count;
    if (source_spells && target_spells) {
      out.crossing += count * count_crossing(source_ends, target_ends);
    } else {
      out.unmeasured += count;
    }
  });
  return out;
}

}  // namespace detail

/// Tokenizes every piece by both models. An old token keeps its id, so a piece is changed when its ids are.
/// O(n log n) in the longest piece and linear otherwise.
template <piece_counts Counts>
[[nodiscard]] tokenization_change compare_tokenizations(const bpe& source, const bpe& target,
                                                        const Counts& counts) {
  const auto cut_by = [](const bpe& model) {
    return [&model, units = detail::bpe_units(model)](std::string_view piece, std::vector<token_id>& ids,
                                                      std::vector<std::size_t>& ends) {
      ids.clear();
      model.encode_piece(piece, [&](token_id t) { ids.push_back(t); });
      return detail::token_ends(model, units, piece, ids, ends);
    };
  };
  return detail::compare_cuts(cut_by(source), cut_by(target), target.size(), detail::marks_spaces(source),
                              counts);
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
