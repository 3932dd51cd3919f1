// SPDX-License-Identifier: MIT
/// @file vocab/expanded.hpp
/// A BPE model with new tokens, and all that is known of the change.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "continued_bpe.hpp"
#include "fill_expansion.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

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

namespace detail {

/// Fills in what follows from the two models.
template <piece_counts Counts>
void finish_expansion(const bpe& source, token_id first_id, const Counts& counts, expanded& out) {
  finish_appended(source, out.model, first_id, counts, out.tokens, out.corpus, out.change);
  for (const merge& m : out.merges) {
    out.change.rules.push_back({target_id{m.left}, target_id{m.right}, target_id{m.result}});
  }
}

/// The source with tokens (their ids from `first_id` upwards, sides known) and their merges appended.
template <piece_counts Counts>
result<expanded> append(const bpe& source, token_id first_id, std::vector<new_token> added,
                        const Counts& counts) {
  token_table tokens = source.tokens();
  std::vector<merge> merges(source.merges().begin(), source.merges().end()), appended;
  for (const new_token& t : added) {
    if (auto ok = tokens.add(t.id, t.text); !ok) return ok.error();
    if (!t.is_unit()) appended.push_back({t.left, t.right, t.id});
  }
  merges.insert(merges.end(), appended.begin(), appended.end());
  auto model = bpe::make(std::move(tokens), std::move(merges), source.options());
  if (!model) return model.error();
  expanded out{.model = std::move(*model), .tokens = std::move(added), .merges = std::move(appended)};
  finish_expansion(source, first_id, counts, out);
  return out;
}

/// The id of the first new token; fails with `out_of_range` when the source has it, or ids would not fit.
inline result<token_id> first_new_id(const bpe& source, token_id wanted, std::size_t tokens) {
  const token_id first = wanted == no_token ? static_cast<token_id>(source.size()) : wanted;
  if (first < source.size() || first > pair_index::pending_base ||
      tokens > static_cast<std::size_t>(pair_index::pending_base - first)) {
    return failure{.code = errc::out_of_range, .key = "first_id"};
  }
  return first;
}

/// What may merge in pieces of this model.
[[nodiscard]] inline pair_rule rule_of(const bpe& model, bool keep_words, bool digits_apart,
                                       bool scripts_apart) {
  return {.word_mark = keep_words && marks_spaces(model) ? std::string(space_mark) : std::string(),
          .digits_apart = digits_apart,
          .scripts_apart = scripts_apart};
}

}  // namespace detail

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
