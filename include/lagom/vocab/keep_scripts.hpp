// SPDX-License-Identifier: MIT
/// @file vocab/keep_scripts.hpp
/// The tokens of some scripts.
#pragma once

#include "../core/tokenizer.hpp"
#include "../text/script.hpp"
#include "token_set.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// Whether bytes are text of some scripts, as far as one can tell from a piece of text:
/// - each whole character is of one of the scripts, or is common or inherited (digits, punctuation, marks);
/// - a character that is cut off at the end may become one of those;
/// - bytes that end a character begun before say nothing; and other ill-formed bytes are no text.
/// Empty bytes are.
[[nodiscard]] inline bool is_of_scripts(std::string_view bytes, const script_set& scripts) noexcept {
  script_set allowed = scripts;
  allowed.add(script::common);
  allowed.add(script::inherited);
  std::size_t at = 0;
  while (at < bytes.size() && at < 3 && (static_cast<unsigned char>(bytes[at]) & 0xC0) == 0x80) ++at;
  while (at < bytes.size()) {
    const utf8_char c = decode_utf8(bytes, at);
    if (!c.well_formed) {
      const bool cut_off = at + c.length == bytes.size();
      return cut_off && allowed.meets(scripts_of(characters_from(bytes.substr(at))));
    }
    if (!allowed.contains(script_of(c.code))) return false;
    at += c.length;
  }
  return true;
}

/// Adds the tokens whose bytes are of some scripts, but not those without bytes. For a BPE model, close the set
/// afterwards (`bpe_ancestry::close`): a token may be made of pieces of characters that are not in it.
template <tokenizer T>
void keep_scripts(const T& tokenizer, const script_set& scripts, token_set& keep) {
  for (index_t i = 0; i < tokenizer.size(); ++i) {
    const auto token = static_cast<token_id>(i);
    const std::string_view bytes = tokenizer.bytes_of(token);
    if (!bytes.empty() && is_of_scripts(bytes, scripts)) keep.add(token);
  }
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
