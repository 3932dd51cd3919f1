// SPDX-License-Identifier: MIT
// Small vocabularies and what models make of texts, for the tests of this folder.
#pragma once

#include <lagom/core/random.hpp>
#include <lagom/vocab.hpp>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace lagom_test {

using lagom::token_id;
using lagom::vocab::bpe;
using lagom::vocab::bpe_options;
using lagom::vocab::merge;
using lagom::vocab::token_table;
using ids_t = std::vector<token_id>;
using corpus_t = std::vector<std::pair<std::string, std::uint64_t>>;

struct chooser {
  lagom::philox random;
  std::uint64_t n = 0;
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random.below(limit, 0, n++)); }
};

inline token_table table(std::initializer_list<std::string_view> texts) {
  token_table out;
  token_id next = 0;
  for (const auto text : texts) REQUIRE(out.add(next++, text));
  return out;
}

// Merges by the texts of their sides; what they make is looked up.
inline std::vector<merge> merges_of(const token_table& tokens,
                                    std::initializer_list<std::pair<std::string, std::string>> pairs) {
  std::vector<merge> out;
  for (const auto& [left, right] : pairs) {
    out.push_back({tokens.find(left), tokens.find(right), tokens.find(left + right)});
  }
  return out;
}

inline bpe model_of(token_table tokens, std::vector<merge> merges, bpe_options options = {}) {
  auto model = bpe::make(std::move(tokens), std::move(merges), std::move(options));
  REQUIRE(model);
  return std::move(*model);
}

template <class Model>
ids_t encode(const Model& model, std::string_view piece) {
  ids_t out;
  model.encode_piece(piece, [&](token_id t) { out.push_back(t); });
  return out;
}

template <class Model>
std::string spelled(const Model& model, std::string_view piece) {
  std::string out;
  model.encode_piece(piece,
                     [&](token_id t) { out.append(out.empty() ? "" : "|").append(model.bytes_of(t)); });
  return out;
}

}  // namespace lagom_test
