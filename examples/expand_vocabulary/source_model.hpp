// SPDX-License-Identifier: MIT
// A model directory as vocabulary work sees it: tokenizer, embedding matrices, configuration.
#pragma once

#include <lagom/io/embedding_tensors.hpp>
#include <memory>
#include <string>

#include "line_tokenizer.hpp"

namespace expand_vocabulary {

struct source_model {
  std::string directory;
  lagom::io::json config;
  std::string tokenizer_json;  // with the tokens that other files name: its size is the first free id
  std::unique_ptr<lagom::io::hf_tokenizer> tokenizer_of_file;
  lagom::io::checkpoint weights;
  lagom::io::embedding_tensors tensors;

  // Fails for what cannot be edited in the end, before any work: matrices that are lower than the tokenizer, and a
  // "vocab_size" that is the height of none.
  static lagom::result<std::unique_ptr<source_model>> open(const std::string& directory);

  [[nodiscard]] const lagom::io::hf_tokenizer& tokenizer() const { return *tokenizer_of_file; }
  [[nodiscard]] const lagom::io::tensor_view& input() const { return *weights.find(tensors.inputs.front()); }
  [[nodiscard]] const lagom::io::tensor_view& head() const {
    return tensors.heads.empty() ? input() : *weights.find(tensors.heads.front());
  }

  // The token that a text begins after: the beginning of a sequence, or the end of the one before.
  [[nodiscard]] lagom::token_id start() const;
};

}  // namespace expand_vocabulary
