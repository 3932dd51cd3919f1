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
  std::set<std::string, std::less<>> reserved{};  ///< texts that no new piece may have
};

/// A unigram model that was given new pieces, with ids from the source's size upwards.
struct unigram_expansion {
  unigram model;
  std::vector<new_token> tokens{};  ///< by rising id; `gain`: tokens saved by the piece's occurrences
  std::vector<double> scores{};     ///< of the new pieces
  expansion change{};               ///< without rules
  tokenization_change corpus{};     ///< the corpus before and after
};

namespace detail {

/// The tokens of a piece and their ends.
class unigram_cut {
 public:
  unigram_cut(const unigram& model, const unigram_options& options) : model_(&model) {
    if (!options.byte_fallback) return;
    for (token_id t = 0; t < model.size(); ++t) {
      const std::string_view text = model.bytes_of(t);
      for (unsigned b = 0; text.size() == 6 && b < 256; ++b) {
        if (text == bpe_units::byte_name(b)) bytes_.push_back(t);
      }
    }
  }
  bool operator()(std::string_view piece, std::vector<token_id>& ids, std::vector<std::size_t>& ends) const {
    ids.clear();
    ends.clear();
    model_->encode_piece(piece, [&](token_id t) { ids.push_back(t); });
    std::size_t at = 0;
    for (const token_id t : ids) {
      const bool byte = std::binary_search(bytes_.begin(), bytes_.end(), t);
      const std::string_view text = model_->bytes_of(t);
      if (!byte && piece.substr(at, text.size()) != text) return false;
      ends.push_back(at += byte ? 1 : text.size());
    }
    return at == piece.size();
  }

 private:
  const unigram* model_;
  std::vector<token_id> bytes_;  // rising
};

}  // namespace detail

/// Expands a unigram vocabulary (Kudo, arXiv 1804.10959) by pieces whose scores are fitted while the old ones
/// stay frozen, so that a text without new pieces is cut as before.
///
/// Candidates are the tokens of a BPE vocabulary trained on the corpus that the source lacks, with the logarithm
/// of their share of its tokens as first scores. Then, round by round, the corpus is cut by the best path (hard
/// EM) and a new piece gets log(count / tokens), the least old score at least: the score of unknown characters
/// hangs on that one and must not move. Pieces used fewer than `min_count` times are dropped; before the last
/// round only those stay that save the most tokens: occurrences times (tokens of its text under the source - 1),
/// or, where the source loses it, times its bytes; the smaller text on a tie.
///
/// Nothing makes such a target a coarsening of the source: a new piece may cut across old ones, and `corpus`
/// counts it. Fails as `unigram::make` and `continue_bpe` do. Cost: rounds + 2 passes over the distinct pieces.
template <piece_counts Counts>
result<unigram_expansion> append_unigram(std::span<const unigram_piece> source, const unigram_options& like,
                                         const Counts& counts, const unigram_expand_options& options = {}) {
  auto before = unigram::make(source, like);
  if (!before) return before.error();
  const auto first = static_cast<token_id>(source.size());
  token_table old;
  double least = 0;
  bool marks = false;
  for (std::size_t row = 0; row < source.size(); ++row) {
    const unigram_piece& p = source[row];
    if (!p.matches) continue;
    (void)old.add(static_cast<token_id>(row), p.text);  // of equal texts the first will do
    least = (std::min)(least, p.score);
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
    if (count > 0 && old.find(text) == no_token && !options.reserved.contains(text)) {
      chosen.push_back({std::string(text), score(count, all_tokens)});
    }
  }
  const detail::unigram_cut cut_before(*before, like);
  std::vector<token_id> ids;
  std::vector<std::size_t> ends;
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
      const bool spelled = cut_before(c.text, ids, ends);
      c.gain = c.count * (spelled ? ids.size() - 1 : c.text.size());
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
  const detail::unigram_cut cut_after(out.model, like);
  out.corpus = detail::compare_cuts(cut_before, cut_after, out.model.size(), marks, counts);
  expansion& change = out.change;
  change.source_size = first;
  change.target_size = out.model.size();
  change.counts = out.corpus.counts;
  change.same.assign(static_cast<std::size_t>(change.target_size), source_id::none);
  for (token_id id = 0; id < first; ++id) change.same[static_cast<std::size_t>(id)] = source_id{id};
  for (const candidate& c : chosen) {
    new_token t{.id = static_cast<token_id>(first + static_cast<token_id>(out.tokens.size())),
                .text = c.text,
                .gain = c.gain};
    t.count = change.counts[static_cast<std::size_t>(t.id)];
    (void)cut_after(c.text, ids, ends);
    t.reachable = ids.size() == 1 && ids[0] == t.id;
    std::vector<source_id> pieces;
    if (cut_before(c.text, ids, ends)) {
      for (const token_id id : ids) pieces.push_back(source_id{id});
    }
    change.wanted.push_back(target_id{t.id});
    change.bytes.push_back(marks ? detail::without_marks(c.text) : c.text);
    change.pieces.push_back(pieces);
    out.scores.push_back(c.score);
    out.tokens.push_back(std::move(t));
  }
  return out;
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
