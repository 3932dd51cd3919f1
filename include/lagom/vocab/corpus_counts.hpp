// SPDX-License-Identifier: MIT
/// @file vocab/corpus_counts.hpp
/// What a corpus is to a vocabulary: its distinct pre-tokens and how often each occurs.
#pragma once

#include <map>

#include "../text/utf8.hpp"
#include "byte_counts.hpp"
#include "pre_token.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// How long a corpus is. A mergeable value.
struct corpus_size {
  std::uint64_t lines = 0;
  std::uint64_t bytes = 0;       ///< of the lines, as they were before any normalizer; line ends do not count
  std::uint64_t characters = 0;  ///< code points of the lines; an ill-formed sequence is one
  void merge(const corpus_size& other) noexcept {
    lines += other.lines;
    bytes += other.bytes;
    characters += other.characters;
  }
  friend bool operator==(const corpus_size&, const corpus_size&) = default;
};

/// Counts of a corpus, in one pass: a mergeable value. Any order and any split of the lines over threads,
/// shards or machines give the same value, if one tokenizer cut them all.
///
/// ```cpp
/// lagom::vocab::corpus_counts counts;
/// for (std::string_view line : lines) counts.push_line(tokenizer, line);
/// counts.pre_tokens().for_each([](std::string_view bytes, std::uint64_t n) { ... });
/// ```
/// Pre-tokens depend on how a tokenizer normalizes and cuts, not on its model: the counts serve every model
/// behind the same pre-tokenizer. Memory grows with the distinct pre-tokens (see `byte_counts`), not with the
/// corpus.
class corpus_counts {
 public:
  /// Counts one line, without its line end. A tokenizer that does not say how it cuts sees it as one piece.
  template <tokenizer T>
  void push_line(const T& tokenizer, std::string_view line) {
    push(corpus_size{.lines = 1, .bytes = line.size(), .characters = count_characters(line)});
    if constexpr (piecewise_tokenizer<T>) {
      tokenizer.pre_tokenize(line, [this](const pre_token& part) {
        if (part.added != no_token) {
          push_added(part.added);
        } else {
          push_pre_token(part.text);
        }
      });
    } else if (!line.empty()) {
      push_pre_token(line);
    }
  }

  /// Counts some occurrences of a pre-token, as the model sees it.
  void push_pre_token(std::string_view bytes, std::uint64_t count = 1) { pre_tokens_.push(bytes, count); }

  /// Counts some occurrences of an added token.
  void push_added(token_id token, std::uint64_t count = 1) {
    if (count > 0) added_[token] += count;
  }

  /// Adds to the length of the corpus.
  void push(const corpus_size& size) noexcept { size_.merge(size); }

  void merge(const corpus_counts& other) {
    size_.merge(other.size_);
    pre_tokens_.merge(other.pre_tokens_);
    if (&other == this) {
      for (auto& [token, count] : added_) count *= 2;
    } else {
      for (const auto& [token, count] : other.added_) push_added(token, count);
    }
  }

  [[nodiscard]] const corpus_size& size() const noexcept { return size_; }
  [[nodiscard]] std::uint64_t lines() const noexcept { return size_.lines; }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return size_.bytes; }
  [[nodiscard]] std::uint64_t characters() const noexcept { return size_.characters; }

  /// The pre-tokens, as the model sees them; added tokens are not among them.
  [[nodiscard]] const byte_counts& pre_tokens() const noexcept { return pre_tokens_; }

  /// Occurrences of added tokens in the lines, by id.
  [[nodiscard]] const std::map<token_id, std::uint64_t>& added() const noexcept { return added_; }

  friend bool operator==(const corpus_counts& a, const corpus_counts& b) noexcept {
    return a.size_ == b.size_ && a.added_ == b.added_ && a.pre_tokens_ == b.pre_tokens_;
  }

 private:
  corpus_size size_;
  byte_counts pre_tokens_;
  std::map<token_id, std::uint64_t> added_;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
