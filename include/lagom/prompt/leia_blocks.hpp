// SPDX-License-Identifier: MIT
/// @file prompt/leia_blocks.hpp
/// Blocks of a constant number of tokens over a stream of documents, which cut no tagged name in two.
#pragma once

#include <algorithm>
#include <span>

#include "leia.hpp"
#include "spans.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Whether both ends of an anchor are starts of tokens (the end of the text is one), so that marks can be put there
/// without changing the tokens around: LEIA keeps only those (studio-ousia/leia). `starts`: bytes at which the tokens of
/// the text begin, ascending. O(log tokens).
[[nodiscard]] constexpr bool on_token_starts(const entity_anchor& a, std::span<const std::size_t> starts,
                                             std::size_t text_size) noexcept {
  const auto begins = [&](std::size_t at) {
    return at == text_size || std::binary_search(starts.begin(), starts.end(), at);
  };
  return begins(a.begin) && begins(a.end);
}

/// The tags with their names in a text, bytes [begin, end) from `open` to the end of `close`: what a cut must not split.
/// Calls `visit(span)`.
template <class Visit>
constexpr void for_each_tagged(const leia_text& text, Visit&& visit) {
  std::size_t at = 0, begin = 0, anchor = 0, left = 0;  // left: pieces of this anchor that are still to come
  for_each_segment(text, [&](const segment& s) {
    const bool tagged = s.section != "text";
    while (tagged && left == 0) {
      begin = at;
      left = (text.open.empty() ? 0u : 1u) + (text.anchors[anchor++].name.empty() ? 0u : 1u) +
             (text.close.empty() ? 0u : 1u);
    }
    at += s.text.size();
    if (tagged && --left == 0) visit(span{begin, at});
  });
}

/// What the cuts of a stream of tokens came to.
struct block_cuts {
  std::size_t blocks = 0;
  std::size_t moved = 0;  ///< cuts that went back to the beginning of a tagged name
  std::size_t split = 0;  ///< tagged names longer than a block, which no cut could spare
};

/// Cuts `tokens` tokens, the documents one after the other, into blocks of at most `size`. Calls `sink(span)` for each:
/// all tokens, once, in order. A cut that would fall inside one of the `tagged` spans (in tokens; in order, without
/// overlap) goes back to its beginning, so that block is shorter, to be padded; all others but the last have `size`.
/// O(blocks + spans). Precondition: size > 0.
template <class Sink>
constexpr block_cuts cut_blocks(std::size_t tokens, std::size_t size, std::span<const span> tagged,
                                Sink&& sink) {
  LAGOM_ASSERT(size > 0);
  block_cuts out;
  std::size_t s = 0;
  for (std::size_t begin = 0; begin < tokens; ++out.blocks) {
    std::size_t end = tokens - begin > size ? begin + size : tokens;
    while (s < tagged.size() && tagged[s].end <= end) ++s;
    if (s < tagged.size() && tagged[s].begin < end && end < tokens) {
      if (tagged[s].begin > begin) {
        end = tagged[s].begin;
        ++out.moved;
      } else {
        out.split += tagged[s].begin == begin ? 1u : 0u;
      }
    }
    sink(span{begin, end});
    begin = end;
  }
  return out;
}

namespace compat {

/// The released blocks (studio-ousia/leia): a cut after every `size` tokens, wherever it falls; a tag may end up in one
/// block and its name in the next, where the release then trains it. `split` counts those cuts.
template <class Sink>
constexpr block_cuts wrap_anywhere(std::size_t tokens, std::size_t size, std::span<const span> tagged,
                                   Sink&& sink) {
  LAGOM_ASSERT(size > 0);
  block_cuts out;
  std::size_t s = 0;
  for (std::size_t begin = 0; begin < tokens; ++out.blocks) {
    const std::size_t end = tokens - begin > size ? begin + size : tokens;
    while (s < tagged.size() && tagged[s].end <= end) ++s;
    out.split += s < tagged.size() && tagged[s].begin < end && end < tokens ? 1u : 0u;
    sink(span{begin, end});
    begin = end;
  }
  return out;
}

}  // namespace compat
}  // namespace prompt
}  // namespace v0
}  // namespace lagom
