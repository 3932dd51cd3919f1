// SPDX-License-Identifier: MIT
/// @file vocab/scored_expansion.hpp
/// New pieces for a scored (SentencePiece) BPE vocabulary: below the old ones, or, as a release has it, at zero.
#pragma once

#include "expand.hpp"
#include "merges_of_pieces.hpp"
#include "scored_bpe.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// A scored vocabulary: what `scored_bpe::make` takes. Views; they must outlive the call.
struct scored_source {
  std::span<const scored_piece> pieces{};
  token_id unk = no_token;
  std::span<const token_id> fallback{};
};

/// A scored vocabulary that was given new pieces, with ids from the source's size upwards.
struct scored_expansion {
  scored_bpe model;
  std::vector<new_token> tokens{};  ///< by rising id; sides and gains where pieces were learned
  std::vector<float> scores{};      ///< of the new pieces
  expansion change{};            ///< `rules` are all splits of new pieces into pieces, the best score first
  tokenization_change corpus{};  ///< the corpus before and after
  std::size_t rounds = 0;        ///< of `score_zero`: how often pieces were exchanged
  learning_end end = learning_end::all_learned;
};

namespace detail {

/// The source with pieces after it; `texts` must outlive the model's making.
inline result<scored_bpe> make_scored(const scored_source& source, const std::vector<std::string>& texts,
                                      const std::vector<float>& scores) {
  std::vector<scored_piece> pieces(source.pieces.begin(), source.pieces.end());
  for (std::size_t i = 0; i < texts.size(); ++i) pieces.push_back({.text = texts[i], .score = scores[i]});
  return scored_bpe::make(pieces, source.unk, source.fallback);
}

inline token_table table_of(const scored_source& source) {
  token_table out;
  for (std::size_t row = 0; row < source.pieces.size(); ++row) {
    if (source.pieces[row].matches) (void)out.add(static_cast<token_id>(row), source.pieces[row].text);
  }
  return out;
}

template <piece_counts Counts>
result<scored_expansion> finish_scored(const scored_source& source, std::vector<new_token> added,
                                       std::vector<float> scores, const Counts& counts) {
  std::vector<std::string> texts;
  for (const new_token& t : added) texts.push_back(t.text);
  auto before = make_scored(source, {}, {});
  if (!before) return before.error();
  auto after = make_scored(source, texts, scores);
  if (!after) return after.error();
  scored_expansion out{.model = std::move(*after), .tokens = std::move(added), .scores = std::move(scores)};
  const auto first = static_cast<token_id>(source.pieces.size());
  finish_appended(*before, out.model, first, counts, out.tokens, out.corpus, out.change);
  token_table table = table_of(source);
  std::vector<float> all;
  for (const scored_piece& p : source.pieces) all.push_back(p.score);
  for (std::size_t i = 0; i < out.tokens.size(); ++i) {
    (void)table.add(out.tokens[i].id, out.tokens[i].text);
    all.push_back(out.scores[i]);
  }
  all.resize(static_cast<std::size_t>(table.size()));
  for (const merge& m : merges_of_pieces(table, all)) {
    if (m.result >= first)
      out.change.rules.push_back({target_id{m.left}, target_id{m.right}, target_id{m.result}});
  }
  return out;
}

}  // namespace detail

/// Expands a scored vocabulary by continued BPE, each new piece below all others: scores are the least score of
/// the source - 1 - i. As any two neighbours merge that make a piece, an old piece may gain a split over a new
/// one and grow; the report counts what crosses. Pieces are learned on the list of merges that the scored ones
/// amount to (`merges_of_pieces`), which is exact where scores differ and every piece has a split.
///
/// Texts of control pieces are reserved, whatever `options` say. `options.first_id` must not be set: ids are
/// places. Fails as `expand` and `scored_bpe::make` do, and with `out_of_range` where scores are so large that
/// those below them do not differ any more, `unsupported` for pieces that are "unused".
template <piece_counts Counts>
result<scored_expansion> append_scored(const scored_source& source, const Counts& counts,
                                       const expand_options& options = {}) {
  if (options.first_id != no_token) return failure{.code = errc::out_of_range, .key = "first_id"};
  std::vector<float> scores(source.pieces.size());
  float least = 0;
  for (std::size_t row = 0; row < source.pieces.size(); ++row) {
    const scored_piece& p = source.pieces[row];
    if (p.unused) return failure{.code = errc::unsupported, .key = "unused pieces", .row = row};
    scores[row] = p.score;
    if (p.matches) least = (std::min)(least, p.score);
  }
  if (auto ok = detail::make_scored(source, {}, {}); !ok) return ok.error();
  token_table table = detail::table_of(source);
  scores.resize(static_cast<std::size_t>(table.size()));
  std::vector<merge> merges = merges_of_pieces(table, scores);
  bpe_options like{.unit = bpe_unit::character,
                   .byte_fallback = !source.fallback.empty(),
                   .unk = source.unk,
                   .fuse_unk = true};
  for (std::size_t b = 0; b < source.fallback.size(); ++b) {
    if (table.contains(source.fallback[b])) continue;
    auto ok = table.add(source.fallback[b], byte_name(static_cast<unsigned>(b)));
    if (!ok) return ok.error();
  }
  if (source.unk != no_token && !table.contains(source.unk)) {
    if (auto ok = table.add(source.unk, source.pieces[static_cast<std::size_t>(source.unk)].text); !ok) {
      return ok.error();
    }
  }
  auto list = bpe::make(std::move(table), std::move(merges), std::move(like));
  if (!list) return list.error();
  expand_options all = options;
  all.first_id = static_cast<token_id>(source.pieces.size());
  for (const scored_piece& p : source.pieces) {
    if (!p.matches) all.reserved.emplace(p.text);
  }
  detail::bpe_units units(*list, true);
  auto learned = detail::learn_merges(
      *list, units, counts, all,
      detail::rule_of(*list, options.keep_words, options.digits_apart, options.scripts_apart));
  if (!learned) return learned.error();
  std::vector<new_token> added;
  std::vector<float> below;
  for (learned_token& t : learned->tokens) {
    below.push_back(least - 1 - static_cast<float>(added.size()));
    const float above = below.size() > 1 ? below[below.size() - 2] : least;
    if (!(below.back() < above)) return failure{.code = errc::out_of_range, .key = "score"};
    added.push_back({.id = t.id,
                     .text = std::move(t.text),
                     .left = t.left,
                     .right = t.right,
                     .gain = t.gain,
                     .adds = t.adds});
  }
  auto out = detail::finish_scored(source, std::move(added), std::move(below), counts);
  if (out) out->end = learned->end;
  return out;
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
