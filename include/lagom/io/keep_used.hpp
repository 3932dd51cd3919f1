// SPDX-License-Identifier: MIT
/// @file io/keep_used.hpp
/// The tokens of a tokenizer.json that trimming must leave.
#pragma once

#include "../vocab/keep_used.hpp"
#include "named_ids.hpp"
#include "tokenizer_json.hpp"

namespace lagom {
inline namespace v0 {
namespace io {

/// Adds every token that must stay for a corpus to be tokenized as before, and nothing else: what the model makes
/// (`vocab::keep_exact`) and the added tokens in the corpus. The corpus must have been counted with this
/// tokenizer.
inline void keep_exact(const hf_tokenizer& tokenizer, const vocab::corpus_counts& corpus,
                       vocab::token_set& keep) {
  if (const vocab::bpe* const bpe = tokenizer.bpe()) return vocab::keep_exact(*bpe, corpus, keep);
  if (const vocab::unigram* const unigram = tokenizer.unigram())
    return vocab::keep_exact(*unigram, corpus, keep);
  if (const vocab::wordpiece* const words = tokenizer.wordpiece())
    return vocab::keep_exact(*words, corpus, keep);
  vocab::keep_frequent(tokenizer, corpus, keep);
}

/// Adds what no trimming takes away: all added tokens, special or not, the tokens of single bytes, and what the
/// model needs (`vocab::keep_always`).
inline void keep_always(const hf_tokenizer& tokenizer, vocab::token_set& keep) {
  for (index_t i = 0; i < tokenizer.size(); ++i) {
    if (tokenizer.is_added(static_cast<token_id>(i))) keep.add(static_cast<token_id>(i));
  }
  if (const vocab::bpe* const bpe = tokenizer.bpe()) vocab::keep_always(*bpe, keep);
  if (const vocab::unigram* const unigram = tokenizer.unigram()) vocab::keep_always(*unigram, keep);
  if (const vocab::wordpiece* const words = tokenizer.wordpiece()) vocab::keep_always(*words, keep);
}

/// Adds the tokens that a directory names: its configurations, and its tokenizer.json as `text` gives it (see
/// `complete_tokenizer`), outside of the vocabulary. `rows`: height of the input embedding. Fails with the errors of
/// `ids_of_configs` and `tokenizer_document::parse`.
[[nodiscard]] inline result<done> keep_named(const std::string& directory, const std::string& text,
                                             std::uint64_t rows, vocab::token_set& keep) {
  auto doc = tokenizer_document::parse(text);
  if (!doc) return doc.error();
  auto named = ids_of_configs(directory, rows);
  if (!named) return named.error();
  const auto more = ids_of_document(*doc);
  named->insert(named->end(), more.begin(), more.end());
  for (const named_id& n : *named) {
    if (index_t{n.id} < doc->size()) keep.add(n.id);
  }
  return done{};
}

/// Closes a set under what its tokens are made of, where the model is BPE; leaves it alone otherwise.
inline void close_ancestry(const hf_tokenizer& tokenizer, vocab::token_set& keep) {
  if (const vocab::bpe* const bpe = tokenizer.bpe()) vocab::bpe_ancestry(*bpe).close(keep);
}

}  // namespace io
}  // namespace v0
}  // namespace lagom
