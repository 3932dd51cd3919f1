// SPDX-License-Identifier: MIT
// One network, several vocabularies: what each loses on the same text.
#pragma once

#include <unistd.h>

#include "held_out_loss.hpp"
#include "new_rows.hpp"
#include "source_model.hpp"

namespace expand_vocabulary {

class loss_meter {
 public:
  // Fails like the decoder for what it does not run, with `too_large` for a model that would fill half of the memory as
  // float, and with `missing_key` without a token to begin a text after.
  static lagom::result<std::unique_ptr<loss_meter>> open(const source_model& source,
                                                         std::vector<std::string> lines, unsigned threads) {
    auto config = decoder::load_config(source.directory);
    if (!config) return config.error();
    const auto bytes = 4 * static_cast<std::uint64_t>(lagom::cost::parameters(config->shape()));
    const auto memory = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                        static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    if (bytes > memory / 2) {
      return lagom::failure{
          .code = lagom::errc::too_large, .key = "model", .expected = memory / 2, .found = bytes};
    }
    if (source.start() == lagom::no_token) {
      return lagom::failure{
          .code = lagom::errc::missing_key, .file = source.directory + "/config.json", .key = "bos_token_id"};
    }
    if (config->context < 2) {
      return lagom::failure{.code = lagom::errc::out_of_range,
                            .file = source.directory + "/config.json",
                            .key = "max_position_embeddings"};
    }
    auto network = decoder::model<float>::load(source.directory);
    if (!network) return network.error();
    return std::unique_ptr<loss_meter>(
        new loss_meter{source, std::move(*network), std::move(lines), threads});
  }

  [[nodiscard]] lagom::result<text_loss> of_source() const {
    return held_out_loss(network_, source_.tokenizer, source_.start(), {}, lines_, threads_,
                         "measuring source");
  }

  // The loss with other rows. `head` is empty where the model is tied. A special token of the start keeps its id.
  [[nodiscard]] lagom::result<text_loss> of(const lagom::io::hf_tokenizer& tokenizer,
                                            const matrix_rows& input, const std::optional<matrix_rows>& head,
                                            lagom::token_id start, const std::vector<lagom::token_id>& fresh,
                                            const std::string& what) {
    auto embedding = table_of(source_.input(), input);
    if (!embedding) return embedding.error();
    decoder::table unembedding;
    if (head) {
      auto made = table_of(source_.head(), *head);
      if (!made) return made.error();
      unembedding = std::move(*made);
    }
    network_.exchange_vocabulary(std::move(*embedding), std::move(unembedding));
    return held_out_loss(network_, tokenizer, start, fresh, lines_, threads_, what);
  }

 private:
  loss_meter(const source_model& source, decoder::model<float> network, std::vector<std::string> lines,
             unsigned threads)
      : source_(source), network_(std::move(network)), lines_(std::move(lines)), threads_(threads) {}

  const source_model& source_;
  decoder::model<float> network_;
  std::vector<std::string> lines_;
  unsigned threads_;
};

}  // namespace expand_vocabulary
