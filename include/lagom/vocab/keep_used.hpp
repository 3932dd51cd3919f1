// SPDX-License-Identifier: MIT
/// @file vocab/keep_used.hpp
/// The tokens that must stay so that a corpus is tokenized as before.
#pragma once

#include "byte_name.hpp"
#include "merge_trace.hpp"
#include "token_counts.hpp"
#include "token_set.hpp"
#include "unigram.hpp"
#include "wordpiece.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// Adds the tokens that a corpus is cut into, `min_count` times at least, and the added tokens in it. For models
/// of BPE and WordPiece that is not enough for the corpus to be tokenized as before: see `keep_exact`.
template <tokenizer T>
void keep_frequent(const T& tokenizer, const corpus_counts& corpus, token_set& keep,
                   std::uint64_t min_count = 1) {
  const token_counts counts(tokenizer, corpus);
  for (index_t i = 0; i < tokenizer.size(); ++i) {
    const auto token = static_cast<token_id>(i);
    if (counts[token] > 0 && counts[token] >= min_count) keep.add(token);
  }
}

/// The first of the tokens with the least score, which the score of unknown characters hangs on; `no_token` where
/// there is none.
[[nodiscard]] inline token_id least_scored(const unigram& model) noexcept {
  token_id least = no_token;
  for (token_id t = 0; t < model.size(); ++t) {
    if (least == no_token || model.score_of(t) < model.score_of(least)) least = t;
  }
  return least;
}

/// Adds every token that encoding the corpus makes, at its end or on its way. A model with these tokens, and the
/// merges among them, tokenizes the corpus as before: no merge that ran is gone. One run for each distinct
/// pre-token.
inline void keep_exact(const bpe& model, const corpus_counts& corpus, token_set& keep) {
  merge_trace trace(model);
  corpus.pre_tokens().for_each_unordered([&](std::string_view piece, std::uint64_t) {
    trace(piece, [&](token_id t) { keep.add(t); }, [&](const merge& m) { keep.add(m.result); });
  });
  for (const auto& [token, count] : corpus.added()) keep.add(token);
}

/// Adds the tokens that the corpus is cut into, and one of those with the least score, which the score of
/// unknown characters hangs on. The best segmentations are still there, and no other became better.
inline void keep_exact(const unigram& model, const corpus_counts& corpus, token_set& keep) {
  keep_frequent(model, corpus, keep);
  if (const token_id least = least_scored(model); least != no_token) keep.add(least);
}

/// Adds the tokens that the corpus is cut into, and those that words which end up unknown were cut into until
/// no token fitted: without them, shorter ones might fit.
inline void keep_exact(const wordpiece& model, const corpus_counts& corpus, token_set& keep) {
  keep_frequent(model, corpus, keep);
  const token_table& tokens = model.tokens();
  std::size_t longest = 0;
  for (token_id t = 0; t < tokens.size(); ++t) longest = (std::max)(longest, tokens[t].size());
  const std::string& prefix = model.options().continuing_prefix;
  std::string spelled;
  corpus.pre_tokens().for_each_unordered([&](std::string_view word, std::uint64_t) {
    bool found = false;
    model.encode_piece(word, [&](token_id t) { found = found || t != model.options().unk; });
    if (found || count_characters(word) > model.options().max_chars) return;
    for (std::size_t at = 0; at < word.size();) {
      token_id best = no_token;
      std::size_t length = (std::min)(word.size() - at, longest);
      for (; length > 0; --length) {
        spelled.assign(at > 0 ? prefix : std::string()).append(word.substr(at, length));
        best = tokens.find(spelled);
        if (best != no_token) break;
      }
      if (best == no_token) return;
      keep.add(best);
      at += length;
    }
  });
}

/// Adds what no trimming takes away: `unk`, and the tokens of single bytes.
inline void keep_always(const bpe& model, token_set& keep) {
  if (model.options().unk != no_token) keep.add(model.options().unk);
  for (unsigned b = 0; b < 256; ++b) {
    const char byte = static_cast<char>(static_cast<unsigned char>(b));
    token_id token = no_token;
    if (model.options().byte_fallback) token = model.tokens().find(byte_name(b));
    if (token != no_token) keep.add(token);
    token = model.options().unit == bpe_unit::byte ? model.tokens().find({&byte, 1}) : no_token;
    if (token != no_token) keep.add(token);
  }
}
/// @overload
inline void keep_always(const unigram& model, token_set& keep) {
  if (model.options().unk != no_token) keep.add(model.options().unk);
  for (token_id t = 0; model.options().byte_fallback && t < model.size(); ++t) {
    if (named_byte(model.bytes_of(t)) >= 0) keep.add(t);
  }
  if (const token_id least = least_scored(model); least != no_token) keep.add(least);
}
/// @overload
inline void keep_always(const wordpiece& model, token_set& keep) {
  if (model.options().unk != no_token) keep.add(model.options().unk);
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
