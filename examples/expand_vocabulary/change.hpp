// SPDX-License-Identifier: MIT
// The new vocabulary: its tokenizer, read back from the text that will be written, and what is known of the change.
#pragma once

#include <lagom/cost/vocabulary_plan.hpp>
#include <lagom/io/tokenizer_files.hpp>
#include <lagom/vocab/corpus_counts.hpp>
#include <lagom/vocab/placement.hpp>

#include "source_model.hpp"

namespace expand_vocabulary {

struct changed_vocabulary {
  lagom::vocab::expansion change;
  lagom::io::tokenizer_edits files;
  std::unique_ptr<lagom::io::hf_tokenizer> tokenizer;
  std::vector<lagom::vocab::new_token> tokens;  // of an expansion
  std::uint64_t unreachable = 0, unused = 0, crossing = 0;
  bool cuts_alike = true;  // the two tokenizers differ in their models only

  // What a source token is called now; `no_token` when it is gone.
  [[nodiscard]] lagom::token_id map(lagom::token_id source) const;

  // Tokens of the target that the source has too.
  [[nodiscard]] std::size_t shared() const;
};

using lagom::vocab::placement;

// Fails with `unsupported` for a model that is no BPE.
[[nodiscard]] lagom::result<const lagom::vocab::bpe*> bpe_of(const source_model& source);

// New tokens of a BPE model, whose added tokens keep their texts and their ids to themselves.
[[nodiscard]] lagom::result<lagom::vocab::expanded> choose_tokens(const source_model& source,
                                                                  const lagom::vocab::byte_counts& pieces,
                                                                  placement how, std::size_t tokens);

// Expansion: the source's tokens keep their ids, new ones follow. A Unigram model has one placement only.
[[nodiscard]] lagom::result<changed_vocabulary> expand(const source_model& source,
                                                       const lagom::vocab::corpus_counts& corpus,
                                                       placement how, std::size_t tokens);

// Replacement: a vocabulary of its own, rows for all of it. Special tokens of one role are the same, as the files beside
// the two tokenizers say.
[[nodiscard]] lagom::result<changed_vocabulary> replace(const source_model& source, const std::string& path);

// Trimming: fewer tokens, numbered anew. Keeps what the corpora need to be tokenized as before, the added tokens and
// the bytes; of a BPE model no more than `most` tokens, if that is not 0: the least frequent leaves go first. Fails
// with `unsupported` for `most` without merges.
[[nodiscard]] lagom::result<changed_vocabulary> trim(const source_model& source,
                                                     const lagom::vocab::corpus_counts& corpus,
                                                     std::size_t most);

// The curve over the number of tokens, and how many are recommended; nothing for what is no BPE, or where the decoder
// does not know the shape.
struct size_plan {
  std::vector<lagom::cost::vocabulary_point> curve;
  lagom::cost::vocabulary_recommendation best;
};
[[nodiscard]] lagom::result<std::optional<size_plan>> plan_size(const source_model& source,
                                                                const lagom::vocab::corpus_counts& corpus);

namespace detail {

// Reads the tokenizer back.
[[nodiscard]] lagom::result<changed_vocabulary> finish(lagom::vocab::expansion change,
                                                       lagom::io::tokenizer_edits files);

// The contents of added tokens, which no new token may have.
[[nodiscard]] lagom::vocab::reserved_texts reserved_of(const source_model& source);

// Adds tokens to the source's files, and reads the tokenizer back.
[[nodiscard]] lagom::result<changed_vocabulary> finish_expansion(const source_model& source,
                                                                 lagom::vocab::expansion change,
                                                                 const lagom::io::tokenizer_addition& more,
                                                                 std::vector<lagom::vocab::new_token> tokens,
                                                                 std::uint64_t crossing);

[[nodiscard]] lagom::result<changed_vocabulary> expand_unigram(const source_model& source,
                                                               const lagom::vocab::corpus_counts& corpus,
                                                               std::size_t tokens);

}  // namespace detail

}  // namespace expand_vocabulary
