// SPDX-License-Identifier: MIT
/// @file vocab/expand.hpp
/// New tokens for a BPE vocabulary: chosen on a corpus, placed after the old ones.
#pragma once

#include "continued_bpe.hpp"
#include "expansion.hpp"
#include "tokenization_change.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// A token that an expansion adds.
struct new_token {
  token_id id = no_token;
  std::string text{};  ///< as in the model: bytes, or a spelling where units are characters
  token_id left = no_token, right = no_token;  ///< what its rule merges; none for a unit by itself
  std::uint64_t gain = 0;  ///< tokens of the corpus that it saved when it was chosen; 0 where that is not how
  std::uint64_t count = 0;    ///< occurrences in the corpus in the end
  bool reachable = false;     ///< its own text becomes this token, and nothing else
  bool intermediate = false;  ///< only there because another new token is made of it

  [[nodiscard]] bool is_unit() const noexcept { return left == no_token; }
};

/// A source model that was given new tokens.
struct expanded {
  bpe model;                        ///< encodes with the new tokens
  std::vector<new_token> tokens{};  ///< by rising id
  std::vector<merge> merges{};      ///< of the new tokens, in list order; `model.merges()` has all
  bool appended = true;             ///< the new merges stand after the source's, which are as they were
  expansion change{};               ///< what embedding initializers read, `counts` included
  tokenization_change corpus{};     ///< the corpus that the tokens were chosen on, before and after
  learning_end end = learning_end::all_learned;

  /// New tokens that their own text does not become.
  [[nodiscard]] std::size_t unreachable() const noexcept {
    return static_cast<std::size_t>(
        std::count_if(tokens.begin(), tokens.end(), [](const new_token& t) { return !t.reachable; }));
  }
  /// New tokens that do not occur in the corpus.
  [[nodiscard]] std::size_t unused() const noexcept {
    return static_cast<std::size_t>(
        std::count_if(tokens.begin(), tokens.end(), [](const new_token& t) { return t.count == 0; }));
  }
};

/// How to expand.
struct expand_options : continue_options {
  /// Where spaces are spelled "▁", a token holds it at its front or not at all, as SentencePiece has it.
  bool keep_words = true;
  bool digits_apart = false;  ///< a decimal digit merges with nothing new
};

namespace detail {

/// Fills in what follows from the models: counts, reachability, the expansion object.
template <piece_counts Counts>
void finish_expansion(const bpe& source, token_id first_id, const Counts& counts, expanded& out) {
  out.corpus = compare_tokenizations(source, out.model, counts);
  const bool marks = marks_spaces(source);
  bpe_units source_units(source), target_units(out.model);
  expansion& change = out.change;
  change.source_size = first_id;
  change.target_size = std::max<index_t>(first_id, out.model.size());
  change.counts = out.corpus.counts;
  change.counts.resize(static_cast<std::size_t>(change.target_size));
  change.same.assign(static_cast<std::size_t>(change.target_size), source_id::none);
  for (token_id id = 0; id < first_id; ++id) change.same[static_cast<std::size_t>(id)] = source_id{id};
  std::vector<token_id> ids;
  std::vector<source_id> pieces;
  for (new_token& t : out.tokens) {
    t.count = change.counts[static_cast<std::size_t>(t.id)];
    ids.clear();
    t.reachable = target_units.text_of_token(t.text, ids) && ids.size() == 1 && ids[0] == t.id;
    ids.clear();
    pieces.clear();
    if (source_units.text_of_token(t.text, ids)) {
      for (const token_id id : ids) pieces.push_back(source_id{id});
    }
    const std::string bytes = marks ? without_marks(t.text) : source_units.plain_text(t.text);
    change.wanted.push_back(target_id{t.id});
    change.bytes.push_back(bytes);
    change.pieces.push_back(pieces);
  }
  for (const merge& m : out.merges) {
    change.rules.push_back({target_id{m.left}, target_id{m.right}, target_id{m.result}});
  }
}

}  // namespace detail

/// Expands a vocabulary by continued BPE, the merges appended: the target's tokens are whole runs of the
/// source's, old tokens keep their rows and their meaning, and every new token is reachable. See
/// `continue_bpe` for the order of the tokens, what is passed over, the costs and the errors.
///
/// ```cpp
/// auto more = lagom::vocab::expand(tokenizer.model(), pieces, {{.tokens = 500, .first_id = n_rows}});
/// for (const auto& t : more->tokens) print(t.text, t.gain);
/// ```
/// `counts` are the pieces of the target language, as `pre_tokenize` gives them. Set `first_id` to the size of
/// the whole tokenizer where added tokens have ids above the model's.
template <piece_counts Counts>
result<expanded> expand(const bpe& source, const Counts& counts, const expand_options& options = {}) {
  pair_rule rule{.digits_apart = options.digits_apart};
  if (options.keep_words && detail::marks_spaces(source)) rule.word_mark = detail::space_mark;
  auto learned = continue_bpe(source, counts, options, rule);
  if (!learned) return learned.error();

  token_table tokens = source.tokens();
  std::vector<merge> merges(source.merges().begin(), source.merges().end()), appended;
  std::vector<new_token> added;
  for (learned_token& t : learned->tokens) {
    if (auto ok = tokens.add(t.id, t.text); !ok) return ok.error();
    if (!t.is_unit()) appended.push_back({t.left, t.right, t.id});
    added.push_back(
        {.id = t.id, .text = std::move(t.text), .left = t.left, .right = t.right, .gain = t.gain});
  }
  merges.insert(merges.end(), appended.begin(), appended.end());
  auto model = bpe::make(std::move(tokens), std::move(merges), source.options());
  if (!model) return model.error();
  expanded out{.model = std::move(*model),
               .tokens = std::move(added),
               .merges = std::move(appended),
               .end = learned->end};
  const token_id first =
      options.first_id == no_token ? static_cast<token_id>(source.size()) : options.first_id;
  detail::finish_expansion(source, first, counts, out);
  return out;
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
