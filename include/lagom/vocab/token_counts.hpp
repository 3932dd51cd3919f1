// SPDX-License-Identifier: MIT
/// @file vocab/token_counts.hpp
/// How many tokens a corpus takes, and which.
#pragma once

#include "corpus_counts.hpp"
#include "ratio.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

namespace detail {

/// One piece through the model: the whole tokenizer where it has no model of its own.
template <tokenizer T, class Sink>
void encode_piece(const T& tokenizer, std::string_view piece, Sink&& sink) {
  if constexpr (piecewise_tokenizer<T>) {
    tokenizer.encode_piece(piece, sink);
  } else {
    tokenizer.encode(piece, sink);
  }
}

}  // namespace detail

/// How many tokens a text takes.
struct tokens_per {
  std::uint64_t tokens = 0;
  corpus_size of{};

  /// Tokens divided by bytes, characters or lines; 0 for an empty text.
  [[nodiscard]] double byte() const noexcept { return ratio(tokens, of.bytes); }
  [[nodiscard]] double character() const noexcept { return ratio(tokens, of.characters); }
  [[nodiscard]] double line() const noexcept { return ratio(tokens, of.lines); }

  /// Bytes divided by tokens: the compression. 0 without tokens.
  [[nodiscard]] double bytes_per_token() const noexcept { return ratio(of.bytes, tokens); }

  void merge(const tokens_per& other) noexcept {
    tokens += other.tokens;
    of.merge(other.of);
  }
  friend bool operator==(const tokens_per&, const tokens_per&) = default;
};

/// Occurrences of each token of a tokenizer in a corpus that it, or one that cuts alike, has counted.
class token_counts {
 public:
  /// Encodes each distinct pre-token once. O(distinct bytes).
  template <tokenizer T>
  token_counts(const T& tokenizer, const corpus_counts& corpus)
      : by_id_(static_cast<std::size_t>(tokenizer.size())) {
    per_.of = corpus.size();
    corpus.pre_tokens().for_each_unordered([&](std::string_view piece, std::uint64_t count) {
      detail::encode_piece(tokenizer, piece, [&](token_id t) { push(t, count); });
    });
    for (const auto& [token, count] : corpus.added()) push(token, count);
  }

  /// The occurrences of a token; 0 for an id that is none.
  [[nodiscard]] std::uint64_t operator[](token_id token) const noexcept {
    const auto i = static_cast<std::size_t>(token);
    return token >= 0 && i < by_id_.size() ? by_id_[i] : 0;
  }

  /// By token id, for every id below the tokenizer's `size()`.
  [[nodiscard]] const std::vector<std::uint64_t>& by_id() const noexcept { return by_id_; }

  /// The sum, and the corpus that it is of.
  [[nodiscard]] const tokens_per& per() const noexcept { return per_; }
  [[nodiscard]] std::uint64_t total() const noexcept { return per_.tokens; }

 private:
  void push(token_id token, std::uint64_t count) {
    per_.tokens += count;
    const auto i = static_cast<std::size_t>(token);
    if (token >= 0 && i < by_id_.size()) by_id_[i] += count;
  }

  std::vector<std::uint64_t> by_id_;
  tokens_per per_;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
