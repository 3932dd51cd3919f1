// SPDX-License-Identifier: MIT
/// @file prompt/spelled_offsets.hpp
/// Where tokens lie in a text, for tokenizers whose tokens spell it.
#pragma once

#include <vector>

#include "../core/tokenizer.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Calls `sink(token, begin, end)` for every token of a text with the bytes that it stands for, exact to the byte even
/// where tokens are parts of a character. Every token has to spell, by `bytes_of`, what comes next in the text; it may
/// have a space before that, which the text lacks (a dummy prefix). Where the text begins with a space too, the dummy is
/// looked for at the begin of the text, and after tokens of which `starts_over(token)` says that they cut it, if the
/// tokenizer has that.
///
/// Gives false, and may stop early, where a token spells something else, or some text is left at the end: a tokenizer
/// that folds, drops or replaces characters.
/// Cost: that of encoding, and one comparison a byte. `room` holds the tokens.
template <tokenizer Tokenizer, class Sink>
bool encode_spelled(std::string_view text, const Tokenizer& encoder, std::vector<token_id>& room,
                    Sink&& sink) {
  room.clear();
  encoder.encode(text, [&room](token_id id) { room.push_back(id); });
  std::size_t spelled = 0, at = 0;
  for (const token_id id : room) spelled += std::string_view(encoder.bytes_of(id)).size();
  if (spelled < text.size()) return false;
  std::size_t dummies = spelled - text.size();
  bool begins = true;
  for (const token_id id : room) {
    std::string_view bytes = encoder.bytes_of(id);
    const bool space = dummies > 0 && !bytes.empty() && bytes.front() == ' ';
    if (space && (begins || text.substr(at, bytes.size()) != bytes)) {
      bytes.remove_prefix(1);
      --dummies;
    }
    if (text.substr(at, bytes.size()) != bytes) return false;
    sink(id, at, at + bytes.size());
    at += bytes.size();
    begins = false;
    if constexpr (requires { encoder.starts_over(id); }) begins = encoder.starts_over(id);
  }
  return at == text.size();
}

/// A tokenizer with offsets, out of any whose tokens spell their text. Sees the tokenizer; one a thread.
template <tokenizer Tokenizer>
class spelled_offsets {
 public:
  explicit spelled_offsets(const Tokenizer& tokenizer) noexcept : tokenizer_(&tokenizer) {}

  template <class Sink>
  bool encode_offsets(std::string_view text, Sink&& sink) {
    return encode_spelled(text, *tokenizer_, room_, sink);
  }
  [[nodiscard]] bool is_control(token_id id) const
    requires requires(const Tokenizer& t) { t.is_control(id); }
  {
    return tokenizer_->is_control(id);
  }

 private:
  const Tokenizer* tokenizer_;
  std::vector<token_id> room_;
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
