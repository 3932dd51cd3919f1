// SPDX-License-Identifier: MIT
/// @file vocab/wordpiece.hpp
/// WordPiece: the longest token first, from left to right.
#pragma once

#include <array>
#include <concepts>
#include <string>
#include <utility>

#include "token_table.hpp"
#include "wordpiece_automaton.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// How a WordPiece model spells and gives up.
struct wordpiece_options {
  std::string continuing_prefix = "##";  ///< spelled before every token but the first of a word
  std::size_t max_chars = 100;           ///< longer words (in characters) are unknown
  token_id unk = no_token;               ///< what an unknown word becomes; without it, it is left out
};

/// A WordPiece model. It encodes words, that is, what a pre-tokenizer leaves: at each place the longest token
/// that fits, and if somewhere none does, the whole word is `unk` (Schuster and Nakajima 2012, as in BERT).
/// A word may begin with any token, one that is spelled with the prefix included; it goes on with tokens that
/// have the prefix.
///
/// ```cpp
/// lagom::vocab::token_table tokens;                     // [UNK] 0, un 1, ##able 2
/// auto model = lagom::vocab::wordpiece::make(std::move(tokens), {.unk = 0});
/// model->encode_piece("unable", [](lagom::token_id t) { ... });   // 1 2
/// ```
/// Linear in the word, whatever the tokens are (`wordpiece_automaton`). Const calls may run in several
/// threads at once.
class wordpiece {
 public:
  /// Fails with `unknown_token` when `unk` is no token, `too_large` with over 2^30 bytes of tokens.
  static result<wordpiece> make(token_table tokens, wordpiece_options options = {}) {
    if (options.unk != no_token && !tokens.contains(options.unk)) {
      return failure{.code = errc::unknown_token, .key = "unk"};
    }
    auto automaton = detail::wordpiece_automaton::make(tokens, options.continuing_prefix);
    if (!automaton) return automaton.error();
    wordpiece out;
    out.tokens_ = std::move(tokens);
    out.options_ = std::move(options);
    out.automaton_ = std::move(*automaton);
    return out;
  }

  /// Calls `sink(token)` for every token of the word, in order. The word should be UTF-8. O(n); words of up to
  /// 64 tokens need no heap.
  template <std::invocable<token_id> Sink>
  void encode_piece(std::string_view word, Sink&& sink) const {
    if (word.empty()) return;
    std::array<token_id, 64> first;
    std::vector<token_id> rest;
    std::size_t n = 0;
    const auto push = [&](token_id t) {
      n < first.size() ? void(first[n] = t) : rest.push_back(t);
      ++n;
    };
    if (is_long(word) || !automaton_.run(word, push)) {
      if (options_.unk != no_token) sink(options_.unk);
      return;
    }
    for (std::size_t i = 0; i < n; ++i) sink(i < first.size() ? first[i] : rest[i - first.size()]);
  }

  /// The whole text as one word.
  template <std::invocable<token_id> Sink>
  void encode(std::string_view text, Sink&& sink) const {
    encode_piece(text, sink);
  }

  /// The token's spelling in the model, with its prefix.
  [[nodiscard]] std::string_view bytes_of(token_id token) const noexcept { return tokens_[token]; }

  /// One more than the largest token id.
  [[nodiscard]] index_t size() const noexcept { return tokens_.size(); }

  [[nodiscard]] const token_table& tokens() const noexcept { return tokens_; }
  [[nodiscard]] const wordpiece_options& options() const noexcept { return options_; }

 private:
  wordpiece() = default;

  [[nodiscard]] bool is_long(std::string_view word) const noexcept {
    if (word.size() <= options_.max_chars) return false;
    std::size_t chars = 0;
    for (const char c : word) chars += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
    return chars > options_.max_chars;
  }

  token_table tokens_;
  wordpiece_options options_;
  detail::wordpiece_automaton automaton_;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
