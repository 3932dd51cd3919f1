// SPDX-License-Identifier: MIT
/// @file vocab/segmentation.hpp
/// A text as the tokens that it was cut into.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "token_counts.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// Tokens and where each one ends, in bytes of the stream that they make. The first one begins at 0, each
/// other one where the one before it ends; a token may be empty. A view.
struct cuts {
  std::span<const token_id> tokens{};
  std::span<const std::size_t> ends{};  ///< as many as tokens, never falling
};

/// What a tokenizer makes of a text: tokens, ends, and the bytes that they stand for one after the other. It
/// is filled again and again without new memory.
class segmentation {
 public:
  /// Of a line, through the whole tokenizer.
  template <tokenizer T>
  void encode(const T& tokenizer, std::string_view line) {
    clear();
    tokenizer.encode(line, [&](token_id t) { push(t, tokenizer.bytes_of(t)); });
  }

  /// Of one pre-token, through the model alone.
  template <tokenizer T>
  void encode_piece(const T& tokenizer, std::string_view piece) {
    clear();
    detail::encode_piece(tokenizer, piece, [&](token_id t) { push(t, tokenizer.bytes_of(t)); });
  }

  void push(token_id token, std::string_view bytes) {
    tokens_.push_back(token);
    bytes_.append(bytes);
    ends_.push_back(bytes_.size());
  }
  void clear() noexcept {
    tokens_.clear();
    ends_.clear();
    bytes_.clear();
  }

  /// Takes the first byte away: from the first token that is not empty. Precondition: there is one.
  void drop_first_byte() {
    LAGOM_ASSERT(!bytes_.empty());
    bytes_.erase(0, 1);
    for (std::size_t& end : ends_) end -= end > 0 ? 1 : 0;
  }

  [[nodiscard]] operator cuts() const noexcept { return {tokens_, ends_}; }
  [[nodiscard]] std::span<const token_id> tokens() const noexcept { return tokens_; }
  [[nodiscard]] std::span<const std::size_t> ends() const noexcept { return ends_; }
  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t size() const noexcept { return tokens_.size(); }

 private:
  std::vector<token_id> tokens_;
  std::vector<std::size_t> ends_;
  std::string bytes_;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
