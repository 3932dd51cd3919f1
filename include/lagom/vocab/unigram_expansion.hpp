// SPDX-License-Identifier: MIT
/// @file vocab/unigram_expansion.hpp
/// New pieces for a unigram vocabulary, the old scores as they were.
#pragma once

#include <numeric>

#include "bpe_trainer.hpp"
#include "expanded.hpp"
#include "unigram.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

struct unigram_expand_options {
  std::size_t tokens = 100;              ///< no more than these
  std::size_t auxiliary_tokens = 50000;  ///< of the vocabulary that candidates come from
  std::size_t rounds = 4;                ///< of counting and scoring; 1 at least
  std::uint64_t min_count = 2;           ///< a piece that is used less often is dropped
  std::size_t max_bytes = 64;            ///< longest text of a new piece; 0: any
  bool keep_words = true;                ///< see `expand_options`
  bool digits_apart = false, scripts_apart = false;
  reserved_texts reserved{};  ///< texts that no new piece may have, besides those of the source
};

/// A unigram model that was given new pieces, with ids from the source's size upwards.
struct unigram_expansion {
  unigram model;
  std::vector<new_token> tokens{};  ///< by rising id; `gain`: tokens saved by the piece's occurrences
  std::vector<double> scores{};     ///< of the new pieces
  expansion change{};               ///< without rules
  tokenization_change corpus{};     ///< the corpus before and after
};

/// Expands a unigram vocabulary (Kudo, arXiv 1804.10959) by pieces whose scores are fitted while the old ones
/// stay frozen, so that a text without new pieces is cut as before.
///
/// Candidates are the tokens of a BPE vocabulary trained on the corpus that the source lacks, with the logarithm
/// of their share of its tokens as first scores. Then, round by round, the corpus is cut by the best path (hard
/// EM) and a new piece gets log(count / tokens), or the least score of all old pieces where that is more: the score
/// of unknown characters hangs on the least one and must not move. Pieces used fewer than `min_count` times are
/// dropped; before the last round only those stay that save the most tokens: occurrences times (tokens of its
/// text under the source - 1), or, where the source loses it, times its bytes; the smaller text on a tie.
///
/// Nothing makes such a target a coarsening of the source: a new piece may cut across old ones, and `corpus`
/// counts it. Fails as `unigram::make` and `continue_bpe` do. Cost: rounds + 2 passes over the distinct pieces.
template <piece_counts Counts>
result<unigram_expansion> append_unigram(std::span<const unigram_piece> source, const unigram_options& like,
                                         const Counts& counts, const unigram_expand_options& options = {}) {
  auto before = unigram::make(source, like);
  if (!before) return before.error();
  const auto first = static_cast<token_id>(source.size());
  reserved_texts taken = options.reserved;
  double least = 0;
  bool marks = false;
  for (std::size_t row = 0; row < source.size(); ++row) {
    const unigram_piece& p = source[row];
    taken.emplace(p.text);
    least = row == 0 ? p.score : (std::min)(least, p.score);
    if (!p.matches) continue;
    marks = marks || p.text.substr(0, detail::space_mark.size()) == detail::space_mark;
  }
  auto trained =
      train_bpe(counts,
                {.tokens = options.auxiliary_tokens,
                 .unit = bpe_unit::character,
                 .min_gain = std::max<std::uint64_t>(1, options.min_count),
                 .max_bytes = options.max_bytes},
                pair_rule{.word_mark = options.keep_words && marks ? std::string(detail::space_mark) : "",
                          .digits_apart = options.digits_apart,
                          .scripts_apart = options.scripts_apart});
  if (!trained) return trained.error();
  struct candidate {
    std::string text;
    double score;
    std::uint64_t count = 0, gain = 0;
  };
  std::vector<std::uint64_t> frequency(static_cast<std::size_t>(trained->size()));
  std::uint64_t all_tokens = 0;
  for_each_piece(counts, [&](std::string_view piece, std::uint64_t count) {
    trained->encode_piece(piece, [&](token_id t) {
      frequency[static_cast<std::size_t>(t)] += count;
      all_tokens += count;
    });
  });
  const auto score = [least](std::uint64_t count, std::uint64_t total) {
    return (std::max)(least, lagom::detail::log(static_cast<double>(count) / static_cast<double>(total)));
  };
  std::vector<candidate> chosen;
  for (token_id t = 0; t < trained->size(); ++t) {
    const std::string_view text = trained->bytes_of(t);
    const std::uint64_t count = frequency[static_cast<std::size_t>(t)];
    if (count > 0 && !taken.contains(text)) {
      chosen.push_back({std::string(text), score(count, all_tokens)});
    }
  }
  piece_speller<unigram> cut_before(*before);
  segmentation cut;
  const auto make = [&] {
    std::vector<unigram_piece> all(source.begin(), source.end());
    for (const candidate& c : chosen) all.push_back({.text = c.text, .score = c.score});
    return unigram::make(all, like);
  };
  for (std::size_t round = 0; round < std::max<std::size_t>(1, options.rounds); ++round) {
    auto model = make();
    if (!model) return model.error();
    std::uint64_t total = 0;
    for (candidate& c : chosen) c.count = 0;
    for_each_piece(counts, [&](std::string_view piece, std::uint64_t count) {
      model->encode_piece(piece, [&](token_id t) {
        total += count;
        if (t >= first) chosen[static_cast<std::size_t>(t - first)].count += count;
      });
    });
    std::erase_if(chosen, [&](const candidate& c) { return c.count == 0 || c.count < options.min_count; });
    for (candidate& c : chosen) {
      c.score = score(c.count, total);
      c.gain = c.count * (cut_before(c.text, cut) ? cut.size() - 1 : c.text.size());
    }
    if (round + 2 < options.rounds) continue;  // the last round scores those that stay
    std::sort(chosen.begin(), chosen.end(), [](const candidate& a, const candidate& b) {
      return a.gain != b.gain ? a.gain > b.gain : a.text < b.text;
    });
    if (chosen.size() > options.tokens) chosen.resize(options.tokens);
  }
  auto after = make();
  if (!after) return after.error();
  unigram_expansion out{.model = std::move(*after)};
  for (const candidate& c : chosen) {
    const auto id = static_cast<token_id>(first + static_cast<token_id>(out.tokens.size()));
    out.tokens.push_back({.id = id, .text = c.text, .gain = c.gain});
    out.scores.push_back(c.score);
  }
  detail::finish_appended(*before, out.model, first, counts, out.tokens, out.corpus, out.change);
  return out;
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
