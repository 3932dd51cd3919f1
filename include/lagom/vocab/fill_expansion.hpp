// SPDX-License-Identifier: MIT
/// @file vocab/fill_expansion.hpp
/// The one way in which an expansion object is filled, whatever the models.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "bpe_units.hpp"
#include "expansion.hpp"
#include "new_token.hpp"
#include "tokenization_change.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {
namespace detail {

/// Fills the lists by source id and by row, the sizes and `wanted` being set: `meaning(source id)` is what a token
/// stands for, `bytes(row)` the same of a wanted one, and `spell(row, ids)` sets the source's tokens of it, or is
/// false where the source loses something of it.
template <class Meaning, class Bytes, class Spell>
void fill_expansion(expansion& out, Meaning meaning, Bytes bytes, Spell spell) {
  for (index_t id = 0; id < out.source_size; ++id) {
    out.source_bytes.push_back(meaning(static_cast<token_id>(id)));
  }
  std::vector<token_id> ids;
  std::vector<source_id> pieces;
  for (std::size_t r = 0; r < out.rows(); ++r) {
    out.bytes.push_back(bytes(r));
    ids.clear();
    pieces.clear();
    if (spell(r, ids)) {
      for (const token_id id : ids) pieces.push_back(source_id{id});
    }
    out.pieces.push_back(pieces);
  }
}

/// What the texts of tokens become in a model, as they stand in a longer piece.
template <class Model>
class token_texts {
 public:
  explicit token_texts(const Model& model) : speller_(model) {}
  /// Whether the tokens spell the text.
  bool operator()(std::string_view text, std::vector<token_id>& out) {
    const bool spells = speller_(text, cut_);
    out.assign(cut_.tokens().begin(), cut_.tokens().end());
    return spells;
  }

 private:
  piece_speller<Model> speller_;
  segmentation cut_;
};
/// Of a BPE model, without looking whole pieces up.
template <>
class token_texts<bpe> {
 public:
  explicit token_texts(const bpe& model) : units_(model) {}
  bool operator()(std::string_view text, std::vector<token_id>& out) {
    out.clear();
    return units_.text_of_token(text, out);
  }

 private:
  bpe_units units_;
};

/// Fills in what follows from a source and the model that it became by `tokens`, with ids from `first_id` upwards:
/// the corpus before and after, counts, reachability, the expansion object without its rules.
template <class Source, class Target, piece_counts Counts>
void finish_appended(const Source& source, const Target& target, token_id first_id, const Counts& counts,
                     std::vector<new_token>& tokens, tokenization_change& corpus, expansion& change) {
  corpus = compare_tokenizations(source, target, counts);
  change.source_size = first_id;
  change.target_size = std::max<index_t>(first_id, target.size());
  change.counts = corpus.counts;
  change.counts.resize(static_cast<std::size_t>(change.target_size));
  change.same.assign(static_cast<std::size_t>(change.target_size), source_id::none);
  for (token_id id = 0; id < first_id; ++id) change.same[static_cast<std::size_t>(id)] = source_id{id};
  token_texts<Source> in_source(source);
  token_texts<Target> in_target(target);
  std::vector<token_id> ids;
  for (new_token& t : tokens) {
    t.count = change.counts[static_cast<std::size_t>(t.id)];
    t.reachable = in_target(t.text, ids) && ids.size() == 1 && ids[0] == t.id;
    change.wanted.push_back(target_id{t.id});
  }
  const bool marks = marks_spaces(source);
  const auto bytes_of = [marks](std::string text) { return marks ? without_marks(text) : text; };
  const piece_speller<Source> source_meaning(source);
  const piece_speller<Target> target_meaning(target);
  fill_expansion(
      change,
      [&](token_id id) {
        return id < source.size() ? bytes_of(source_meaning.meaning_of(id)) : std::string();
      },
      [&](std::size_t r) { return bytes_of(target_meaning.meaning_of(tokens[r].id)); },
      [&](std::size_t r, std::vector<token_id>& out) { return in_source(tokens[r].text, out); });
}

}  // namespace detail
}  // namespace vocab
}  // namespace v0
}  // namespace lagom
