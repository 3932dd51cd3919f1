// SPDX-License-Identifier: MIT
// Auxiliary vectors of tokens: trained on the corpus, or made of word vectors in files.
#pragma once

#include <lagom/vocab/expansion.hpp>

#include "texts.hpp"

namespace expand_vocabulary {

// FOCUS' vectors: target tokens in the corpus, as the target tokenizer cuts it, on the lines that are taken.
[[nodiscard]] lagom::result<lagom::vocab::token_vectors> train_vectors(
    const lagom::io::hf_tokenizer& tokenizer, const text_files& paths, const spread& taken);

// Word vectors of two languages, and words that translate each other.
struct word_vector_files {
  std::string target, source, dictionary;
};

// WECHSEL's way from words to tokens: by n-grams where the file has them, by the words that hold the token otherwise.
// With a dictionary the source's space is turned onto the target's. Fails as the readers do, and with `wrong_shape` for
// spaces of two widths, `empty` for a dictionary that both files know nothing of.
[[nodiscard]] lagom::result<lagom::done> vectors_of_words(const word_vector_files& files,
                                                          const lagom::io::hf_tokenizer& source,
                                                          const lagom::io::hf_tokenizer& target,
                                                          lagom::vocab::expansion& change);

}  // namespace expand_vocabulary
