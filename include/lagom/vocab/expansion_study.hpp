// SPDX-License-Identifier: MIT
/// @file vocab/expansion_study.hpp
/// How much text an expansion needs: the new tokens and their alignment as the corpus grows.
#pragma once

#include <algorithm>
#include <map>
#include <numeric>

#include "corpus_alignment.hpp"
#include "placement.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// One size of corpus, compared with the largest one.
struct expansion_study_row {
  std::uint64_t lines = 0;            ///< of the corpus, from its begin
  std::uint64_t distinct_pieces = 0;  ///< pre-tokens in it
  std::size_t tokens = 0;             ///< new tokens chosen on it
  std::size_t common = 0;             ///< of these, chosen on the largest corpus too
  double jaccard = 0;                 ///< |A and B| / |A or B| of the new tokens; 1 where both are empty
  double rank_agreement = 0;  ///< Spearman's rho of the order of the common ones; 1 for fewer than two
  double align_distance = 0;  ///< mean over the common ones of half the sum of |w - w'| of Align's weights
  double tokens_per_character = 0;  ///< of the largest corpus, with the tokens chosen on this one
};

namespace detail {

/// A token's weights over source rows.
using row_weights = std::map<token_id, double>;

/// Align's weights of every new token, by its text. Shares are bytes (`overlap_weighted`): an exact cover would
/// tell nothing, it is the same tuple everywhere. Pieces that a side loses something of are left out.
template <class Source, class Target, piece_counts Counts>
[[nodiscard]] std::map<std::string, row_weights, std::less<>> align_weights(const Source& source,
                                                                            const Target& target,
                                                                            std::span<const target_id> wanted,
                                                                            const Counts& counts) {
  token_set of;
  for (const target_id t : wanted) of.add(static_cast<token_id>(t));
  corpus_alignment aligned(align_policy::overlap_weighted, std::move(of));
  piece_speller<Source> cut_source(source);
  piece_speller<Target> cut_target(target);
  segmentation fine, coarse;
  for_each_piece(counts, [&](std::string_view piece, std::uint64_t count) {
    const bool spelled = cut_source(piece, fine);
    if (cut_target(piece, coarse) && spelled) aligned.push(fine, coarse, count);
  });
  const alignment_counts& tuples = aligned.counts();
  std::map<std::string, row_weights, std::less<>> out;
  tuples.for_each_token([&](target_id token) {
    row_weights& weights = out[std::string(target.bytes_of(static_cast<token_id>(token)))];
    tuples.for_each(token, [&](std::span<const aligned_piece> pieces, std::uint64_t count) {
      std::uint64_t bytes = 0;
      for (const aligned_piece& p : pieces) bytes += p.share;
      for (const aligned_piece& p : pieces) {
        weights[static_cast<token_id>(p.id)] +=
            ratio(count, tuples.occurrences(token)) * ratio(p.share, bytes);
      }
    });
  });
  return out;
}

[[nodiscard]] inline double half_l1(const row_weights& a, const row_weights& b) {
  double sum = 0;
  for (const auto& [row, w] : a) {
    const auto other = b.find(row);
    const double d = w - (other == b.end() ? 0 : other->second);
    sum += d < 0 ? -d : d;
  }
  for (const auto& [row, w] : b) sum += a.contains(row) ? 0 : w;
  return sum / 2;
}

/// Spearman's rho of two orders of the same things: `place[i]` is where the thing that is i-th here stands there.
[[nodiscard]] inline double spearman(const std::vector<std::size_t>& place) {
  if (place.size() < 2) return 1;
  std::vector<std::size_t> by_place(place.size());
  std::iota(by_place.begin(), by_place.end(), std::size_t{0});
  std::sort(by_place.begin(), by_place.end(),
            [&](std::size_t a, std::size_t b) { return place[a] < place[b]; });
  double squares = 0;
  for (std::size_t rank = 0; rank < by_place.size(); ++rank) {
    const double d = static_cast<double>(rank) - static_cast<double>(by_place[rank]);
    squares += d * d;
  }
  const auto n = static_cast<double>(place.size());
  return 1 - 6 * squares / (n * (n * n - 1));
}

}  // namespace detail

/// Expands on the first lines of a corpus, more and more of them, and compares each outcome with the last one.
///
/// `next_line(std::string_view& line)` gives a line, or false at the end; every line is read once. `sizes` are
/// numbers of lines, rising; a corpus that ends earlier gives a last row with all of it. `choose(pieces)` is the
/// expansion under study, `byte_counts -> result<E>`, of the model `source` behind `tokenizer`, with E `expanded`,
/// `scored_expansion` or `unigram_expansion`:
/// ```cpp
/// auto rows = study_expansion(tokenizer, *tokenizer.bpe(), next_line, sizes,
///                             [&](const auto& pieces) { return expand(*tokenizer.bpe(), pieces, options); });
/// ```
/// Where merges are appended a token has one alignment whatever the corpus, and the distance is 0; how Align
/// settles is seen where tokens cross (`placement::prepend_aux`, a unigram model). Fails as `choose` does. Memory:
/// one expansion for each size.
template <tokenizer T, class Source, class NextLine, class Choose>
  requires std::invocable<Choose&, const byte_counts&>
result<std::vector<expansion_study_row>> study_expansion(const T& tokenizer, const Source& source,
                                                         NextLine next_line,
                                                         std::span<const std::uint64_t> sizes,
                                                         Choose choose) {
  using chosen_type = typename decltype(choose(std::declval<const byte_counts&>()))::value_type;
  struct part {
    expansion_study_row row;
    chosen_type chosen;
    std::map<std::string, detail::row_weights, std::less<>> weights;
  };
  corpus_counts counts;
  std::vector<part> parts;
  failure why;
  const auto take = [&]() -> bool {
    auto chosen = choose(counts.pre_tokens());
    if (!chosen) {
      why = chosen.error();
      return false;
    }
    auto weights = detail::align_weights(source, chosen->model, chosen->change.wanted, counts.pre_tokens());
    parts.push_back({.row = {.lines = counts.lines(),
                             .distinct_pieces = counts.pre_tokens().size(),
                             .tokens = chosen->tokens.size()},
                     .chosen = std::move(*chosen),
                     .weights = std::move(weights)});
    return true;
  };
  std::string_view line;
  std::size_t next = 0;
  while (next < sizes.size() && next_line(line)) {
    counts.push_line(tokenizer, line);
    while (next < sizes.size() && counts.lines() > sizes[next]) ++next;
    if (next < sizes.size() && counts.lines() == sizes[next]) {
      if (!take()) return why;
      ++next;
    }
  }
  if ((parts.empty() || parts.back().row.lines != counts.lines()) && !take()) return why;

  const part& last = parts.back();
  std::map<std::string, std::size_t, std::less<>> places;
  for (const new_token& t : last.chosen.tokens) places.emplace(t.text, places.size());
  std::vector<expansion_study_row> out;
  for (part& p : parts) {
    std::vector<std::size_t> order;
    double distance = 0;
    std::size_t aligned = 0;
    for (const new_token& t : p.chosen.tokens) {
      const auto at = places.find(t.text);
      if (at == places.end()) continue;
      order.push_back(at->second);
      const auto here = p.weights.find(t.text);
      const auto there = last.weights.find(t.text);
      if (here == p.weights.end() || there == last.weights.end()) continue;
      distance += detail::half_l1(here->second, there->second);
      ++aligned;
    }
    expansion_study_row& row = p.row;
    row.common = order.size();
    const std::size_t either = row.tokens + last.row.tokens - row.common;
    row.jaccard = either == 0 ? 1 : ratio(row.common, either);
    row.rank_agreement = detail::spearman(order);
    row.align_distance = aligned == 0 ? 0 : distance / static_cast<double>(aligned);
    row.tokens_per_character =
        compare_tokenizations(source, p.chosen.model, counts.pre_tokens()).target_tokens_per_character();
    out.push_back(row);
  }
  return out;
}

/// The same of a BPE model by the name of a placement: `expand(source, pieces, how, options)`.
template <tokenizer T, class NextLine>
result<std::vector<expansion_study_row>> study_expansion(const T& tokenizer, const bpe& source,
                                                         NextLine next_line,
                                                         std::span<const std::uint64_t> sizes, placement how,
                                                         const expand_options& options = {},
                                                         std::size_t auxiliary_tokens = 50000) {
  return study_expansion(tokenizer, source, std::move(next_line), sizes, [&](const byte_counts& pieces) {
    return expand(source, pieces.by_bytes(), how, options, auxiliary_tokens);
  });
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
