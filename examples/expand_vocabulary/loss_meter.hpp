// SPDX-License-Identifier: MIT
// One network, several vocabularies: what each loses on the same text, in nats a byte, so that tokenizations of any
// length compare.
#pragma once

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "new_rows.hpp"

namespace expand_vocabulary {

struct text_loss {
  double nats = 0;
  std::uint64_t bytes = 0, tokens = 0, lines = 0;
  double new_mass = 0;  // probability that went to new tokens, summed over positions

  void merge(const text_loss& other) {
    nats += other.nats;
    bytes += other.bytes;
    tokens += other.tokens;
    lines += other.lines;
    new_mass += other.new_mass;
  }
  // All of a text that is not empty.
  [[nodiscard]] double per_byte() const { return nats / static_cast<double>(bytes); }
  [[nodiscard]] double tokens_per_line() const {
    return static_cast<double>(tokens) / static_cast<double>(lines);
  }
  [[nodiscard]] double mass_on_new() const { return tokens > 0 ? new_mass / static_cast<double>(tokens) : 0; }
};

class loss_meter {
 public:
  // Fails like the decoder for what it does not run, with `empty` for no lines, `too_large` for a model that would fill
  // half of the memory as float, and with `missing_key` without a token to begin a text after.
  static lagom::result<std::unique_ptr<loss_meter>> open(const source_model& source,
                                                         std::vector<std::string> lines, unsigned threads);
  virtual ~loss_meter() = default;

  [[nodiscard]] virtual lagom::result<text_loss> of_source() const = 0;

  // The loss with other rows, each line read after `start`; `fresh` are the new tokens.
  [[nodiscard]] virtual lagom::result<text_loss> of(const lagom::io::hf_tokenizer& tokenizer,
                                                    const model_rows& rows, lagom::token_id start,
                                                    const std::vector<lagom::token_id>& fresh,
                                                    const std::string& what) = 0;
};

}  // namespace expand_vocabulary
