// SPDX-License-Identifier: MIT
#include "source_model.hpp"

#include <lagom/io/reserved_ids.hpp>

namespace expand_vocabulary {

using lagom::io::json;

lagom::result<std::unique_ptr<source_model>> source_model::open(const std::string& directory) {
  auto config = lagom::io::load_json(directory + "/config.json");
  if (!config) return config.error();
  if (auto there = lagom::io::mapped_file::open(directory + "/tokenizer.json"); !there) return there.error();
  auto weights = lagom::io::checkpoint::open(directory);
  if (!weights) return weights.error();
  auto tensors = lagom::io::find_embeddings(*weights, *config);
  if (!tensors) return tensors.error().in(directory);
  auto text = lagom::io::complete_tokenizer(directory, tensors->input_rows);
  if (!text) return text.error();
  auto tokenizer = parse_tokenizer(text->text);
  if (!tokenizer) return tokenizer.error().in(directory + "/tokenizer.json");
  if (auto ok = lagom::io::require_rows(*tensors, static_cast<std::uint64_t>((*tokenizer)->size())); !ok) {
    return ok.error().in(directory);
  }
  if (tensors->vocab_size != tensors->head_rows && tensors->vocab_size != tensors->input_rows) {
    return lagom::failure{.code = lagom::errc::size_mismatch,
                          .file = directory + "/config.json",
                          .key = "vocab_size",
                          .expected = tensors->head_rows,
                          .found = tensors->vocab_size};
  }
  return std::unique_ptr<source_model>(new source_model{directory, std::move(*config), std::move(text->text),
                                                        std::move(*tokenizer), std::move(*weights),
                                                        std::move(*tensors)});
}

lagom::token_id source_model::start() const {
  for (const char* const key : {"bos_token_id", "eos_token_id"}) {
    const json* at = lagom::io::find(config, key);
    if (at != nullptr && at->is_array() && !at->empty()) at = &at->front();
    if (at != nullptr && at->is_number_integer() && at->get<std::int64_t>() >= 0 &&
        at->get<std::int64_t>() < tokenizer().size()) {
      return at->get<lagom::token_id>();
    }
  }
  return lagom::no_token;
}

}  // namespace expand_vocabulary
