// SPDX-License-Identifier: MIT
// pivot_data synthesize: texts and pairs in, sequences of the instruction synthesizer or pre-training texts out.
#pragma once

#include "row_writer.hpp"

namespace pivot_data {

struct synthesize_options {
  std::string in, answers, json, trained = "pairs_end", drop = "oldest";
  row_options rows;
  std::size_t shots = 1, rounds = 0, round = 0, new_tokens = 400;
  bool collect = false, templify = false, strict = false, begin_by_tokenizer = false;
  std::uint64_t seed = 42;
};
void synthesize(const synthesize_options& o);

// The jobs apart.
void tuning_sequences(const synthesize_options& o);
void prompts_of_a_round(const synthesize_options& o);
void pre_training_texts(const synthesize_options& o);

}  // namespace pivot_data
