// SPDX-License-Identifier: MIT
// A model directory as vocabulary work sees it: tokenizer, embedding matrices, configuration.
#pragma once

#include <lagom/io/embedding_tensors.hpp>
#include <lagom/io/tokenizer_json.hpp>
#include <memory>
#include <string>

namespace expand_vocabulary {

struct source_model {
  std::string directory;
  lagom::io::json config;
  lagom::io::hf_tokenizer tokenizer;
  lagom::io::checkpoint weights;
  lagom::io::embedding_tensors tensors;

  [[nodiscard]] const lagom::io::tensor_view& input() const { return *weights.find(tensors.inputs.front()); }
  [[nodiscard]] const lagom::io::tensor_view& head() const {
    return tensors.heads.empty() ? input() : *weights.find(tensors.heads.front());
  }

  // The tokens that config.json and generation_config.json name: they stay whatever is trimmed.
  [[nodiscard]] std::vector<lagom::token_id> named_tokens() const {
    std::vector<lagom::token_id> out;
    const auto add = [&](const lagom::io::json& value) {
      if (value.is_number_integer() && value.get<std::int64_t>() >= 0 &&
          value.get<std::int64_t>() < tokenizer.size()) {
        out.push_back(value.get<lagom::token_id>());
      }
    };
    const auto read = [&](const lagom::io::json& from) {
      for (const auto& [key, value] : from.items()) {
        if (!key.ends_with("_token_id") && !key.ends_with("_token_ids")) continue;
        add(value);
        if (value.is_array()) {
          for (const auto& each : value) add(each);
        }
      }
    };
    if (config.is_object()) read(config);
    if (const auto more = lagom::io::load_json(directory + "/generation_config.json");
        more && more->is_object()) {
      read(*more);
    }
    return out;
  }

  // The token that a text begins after: the beginning of a sequence, or the end of the one before.
  [[nodiscard]] lagom::token_id start() const {
    for (const char* const key : {"bos_token_id", "eos_token_id"}) {
      const lagom::io::json* at = lagom::io::find(config, key);
      if (at != nullptr && at->is_array() && !at->empty()) at = &at->front();
      if (at != nullptr && at->is_number_integer() && at->get<std::int64_t>() >= 0 &&
          at->get<std::int64_t>() < tokenizer.size()) {
        return at->get<lagom::token_id>();
      }
    }
    return lagom::no_token;
  }

  static lagom::result<std::unique_ptr<source_model>> open(const std::string& directory) {
    auto config = lagom::io::load_json(directory + "/config.json");
    if (!config) return config.error();
    auto text = lagom::io::mapped_file::open(directory + "/tokenizer.json");
    if (!text) return text.error();
    auto tokenizer = lagom::io::hf_tokenizer::parse(text->text());
    if (!tokenizer) return tokenizer.error().in(directory + "/tokenizer.json");
    auto weights = lagom::io::checkpoint::open(directory);
    if (!weights) return weights.error();
    auto tensors = lagom::io::find_embeddings(*weights, *config);
    if (!tensors) return tensors.error().in(directory);
    if (auto ok = lagom::io::require_rows(*tensors, static_cast<std::uint64_t>(tokenizer->size())); !ok) {
      return ok.error().in(directory);
    }
    return std::unique_ptr<source_model>(new source_model{
        directory, std::move(*config), std::move(*tokenizer), std::move(*weights), std::move(*tensors)});
  }
};

}  // namespace expand_vocabulary
