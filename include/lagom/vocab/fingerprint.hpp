// SPDX-License-Identifier: MIT
/// @file vocab/fingerprint.hpp
/// A number that tells tokenizers and files apart.
#pragma once

#include "token_counts.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// FNV-1a with 64 bits: the same on every machine. It finds accidents; it does not stop a forger.
class fnv1a {
 public:
  void push(std::string_view bytes) noexcept {
    for (const char c : bytes) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  }
  void push(std::uint64_t number) noexcept {
    for (unsigned shift = 0; shift < 64; shift += 8)
      state_ = (state_ ^ ((number >> shift) & 0xFFu)) * 0x100000001B3u;
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return state_; }

 private:
  std::uint64_t state_ = 0xCBF29CE484222325u;
};

/// Tells whether counts made with one tokenizer serve another: a hash of the bytes of all its tokens, and of
/// how it cuts and encodes a text full of numbers, spaces, contractions, punctuation, line ends and scripts.
/// Tokenizers that differ in nothing that shows there are taken for the same.
template <tokenizer T>
[[nodiscard]] std::uint64_t fingerprint(const T& tokenizer) {
  constexpr std::string_view probe =
      "Hello  world, it's THEY'LL 12345 3.14 x=1;\t\r\n\n  y_z // $100%! don't\xE2\x80\x99s "
      "\xC3\x89\x74\xC3\xA9 "
      "e\xCC\x81 \xCE\xB1\xCE\xB2\xCE\xB3 \xD0\xBC\xD0\xB8\xD1\x80 \xD8\xB9\xD8\xB1\xD8\xA8 "
      "\xE0\xA4\xB9\xE0\xA4\xBF\xE0\xA4\x82\xE0\xA4\xA6\xE0\xA5\x80 \xE0\xB9\x84\xE0\xB8\x97\xE0\xB8\xA2 "
      "\xE4\xB8\xAD\xE6\x96\x87\xE3\x81\xAE\xE3\x83\x86 \xED\x95\x9C\xEA\xB5\xAD\xEC\x96\xB4 "
      "\xF0\x9F\x98\x80 "
      "\xEF\xAC\x81 \xC2\xA0 \xE2\x96\x81 <s></s><unk>[MASK]<|endoftext|> ##a    ";
  fnv1a hash;
  const auto count = static_cast<std::uint64_t>(tokenizer.size());
  hash.push(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::string_view bytes = tokenizer.bytes_of(static_cast<token_id>(i));
    hash.push(static_cast<std::uint64_t>(bytes.size()));
    hash.push(bytes);
  }
  corpus_counts cuts;
  cuts.push_line(tokenizer, probe);
  cuts.pre_tokens().for_each([&](std::string_view piece, std::uint64_t n) {
    hash.push(static_cast<std::uint64_t>(piece.size()));
    hash.push(piece);
    hash.push(n);
    detail::encode_piece(tokenizer, piece, [&](token_id t) { hash.push(static_cast<std::uint64_t>(t)); });
  });
  for (const auto& [token, n] : cuts.added()) {
    hash.push(static_cast<std::uint64_t>(token));
    hash.push(n);
  }
  return hash.value();
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
