// SPDX-License-Identifier: MIT
/// @file vocab/pre_token.hpp
/// Tokenizers whose model sees a text in pieces.
#pragma once

#include "../core/tokenizer.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// A part of a text, as a tokenizer cuts it: what its model encodes by itself, or an added token.
struct pre_token {
  std::string_view text{};  ///< as the model sees it; valid while the sink runs; empty for an added token
  token_id added = no_token;
};

namespace detail {
struct pre_token_sink {
  void operator()(const pre_token&) const noexcept {}
};
}  // namespace detail

/// A tokenizer that says how it cuts:
/// - `pre_tokenize(text, sink)` calls `sink(pre_token)` for every part, in order;
/// - `encode_piece(piece, sink)` calls `sink(token)` for every token of one part;
/// and `encode` is one after the other. A corpus is then counted by distinct parts.
template <class T>
concept piecewise_tokenizer =
    tokenizer<T> && requires(const T& t, std::string_view text, detail::pre_token_sink parts,
                             lagom::detail::token_sink tokens) {
      t.pre_tokenize(text, parts);
      t.encode_piece(text, tokens);
    };

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
