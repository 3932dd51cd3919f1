// SPDX-License-Identifier: MIT
/// @file prompt/spelled_offsets.hpp
/// Where tokens lie in a text, for tokenizers whose tokens spell it.
#pragma once

#include "../core/tokenizer.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Calls `sink(token, begin, end)` for every token of a text with the bytes that it stands for, exact to the byte even
/// where tokens are parts of a character. Every token has to spell, by `bytes_of`, what comes next in the text; it may
/// have a space before that, which the text lacks (a dummy prefix). Gives false, and stops, at a token that does not,
/// and at the end when some text is left: a tokenizer that folds, drops or replaces characters.
/// Cost: that of encoding, and one comparison a byte.
template <tokenizer Tokenizer, class Sink>
bool encode_spelled(std::string_view text, const Tokenizer& encoder, Sink&& sink) {
  std::size_t at = 0;
  bool spelled = true;
  encoder.encode(text, [&](token_id id) {
    if (!spelled) return;
    std::string_view bytes = encoder.bytes_of(id);
    if (text.substr(at, bytes.size()) != bytes && !bytes.empty() && bytes.front() == ' ')
      bytes.remove_prefix(1);
    spelled = text.substr(at, bytes.size()) == bytes;
    if (!spelled) return;
    sink(id, at, at + bytes.size());
    at += bytes.size();
  });
  return spelled && at == text.size();
}

/// A tokenizer with offsets, out of any whose tokens spell their text. Sees the tokenizer.
template <tokenizer Tokenizer>
class spelled_offsets {
 public:
  constexpr explicit spelled_offsets(const Tokenizer& tokenizer) noexcept : tokenizer_(&tokenizer) {}

  template <class Sink>
  bool encode_offsets(std::string_view text, Sink&& sink) const {
    return encode_spelled(text, *tokenizer_, sink);
  }
  [[nodiscard]] bool is_control(token_id id) const
    requires requires(const Tokenizer& t) { t.is_control(id); }
  {
    return tokenizer_->is_control(id);
  }

 private:
  const Tokenizer* tokenizer_;
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
