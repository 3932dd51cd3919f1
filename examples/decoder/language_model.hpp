// SPDX-License-Identifier: MIT
// A model directory: weights and tokenizer.
#pragma once

#include <lagom/io/tokenizer_json.hpp>
#include <memory>

#include "decoder.hpp"

namespace decoder {

template <std::floating_point T>
struct language_model {
  model<T> network;
  lagom::io::hf_tokenizer tokenizer;

  static lagom::result<std::unique_ptr<language_model>> load(const std::string& directory) {
    auto network = model<T>::load(directory);
    if (!network) return network.error();
    auto tokenizer = lagom::io::hf_tokenizer::open(directory + "/tokenizer.json");
    if (!tokenizer) return tokenizer.error();
    return std::make_unique<language_model>(language_model{std::move(*network), std::move(*tokenizer)});
  }
};

}  // namespace decoder
