// SPDX-License-Identifier: MIT
/// @file vocab/reference_alignment.hpp
/// Alignment as the reference release of "How Can We Effectively Expand the Vocabulary of LLMs with 0.01GB of
/// Target Language Text?" (arXiv 2406.11477) does it: by character offsets, with what goes wrong there.
#pragma once

#include "corpus_alignment.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// A token and the characters [begin, end) of the text that its tokenizer says it came from. Unlike byte spans,
/// such spans may be empty, and several tokens may share them.
struct offset_token {
  token_id token = no_token;
  std::uint32_t begin = 0, end = 0;
  friend bool operator==(const offset_token&, const offset_token&) = default;
};

/// How tokenizers report offsets in characters. All defaults are what Hugging Face tokenizers does.
struct offset_options {
  token_id bos = no_token;    ///< a token put before the text, with the offsets (0, 0)
  bool dummy_prefix = false;  ///< the stream begins with a space that the text has not
  bool zero_length = false;   ///< the offsets (begin, begin), as some releases of 2024 gave them
};

/// The character offsets of a segmentation of `text`:
/// - all tokens of one character carry that character's span;
/// - a dummy prefix that is a token by itself shares the span of the first character.
/// Precondition: the bytes of the segmentation are those of the text, after the dummy prefix if there is one.
[[nodiscard]] inline std::vector<offset_token> character_offsets(std::string_view text, cuts of,
                                                                 const offset_options& options = {}) {
  std::vector<std::uint32_t> character;  // of each byte
  std::uint32_t n = 0;
  for (std::size_t i = 0; i < text.size(); ++n) {
    const std::size_t length = decode_utf8(text, i).length;
    character.insert(character.end(), length, n);
    i += length;
  }
  character.push_back(n);
  std::vector<offset_token> out;
  if (options.bos != no_token) out.push_back({options.bos, 0, 0});
  const std::size_t prefix = options.dummy_prefix ? 1 : 0;
  const auto in_text = [&](std::size_t at) { return (std::min)(at < prefix ? 0 : at - prefix, text.size()); };
  for (std::size_t i = 0, p = 0; i < of.tokens.size(); p = of.ends[i++]) {
    const std::size_t begin = in_text(p), end = in_text(of.ends[i]);
    offset_token t{of.tokens[i], character[begin], character[begin]};
    if (end > begin) t.end = character[end - 1] + 1;
    if (of.ends[i] > p && end == begin && n > 0) t.end = t.begin + 1;  // the dummy prefix alone
    if (options.zero_length) t.end = t.begin;
    out.push_back(t);
  }
  return out;
}

/// The reference's rule on offsets: a target token takes the source tokens whose span lies in its own, and those
/// in whose span its own lies, where an empty span lies in every span that it touches. A mergeable value.
///
/// What follows from that, each switched by the offsets that are pushed or by `last_of_line`:
/// - only the last occurrence of a token in a line counts, because the line's result is keyed by the token;
/// - a BOS at (0, 0) is taken by every token that begins the text;
/// - a source token that crosses a boundary is taken by nobody;
/// - a source token with an empty span is taken by both neighbours;
/// - two target tokens that share a character take all of its byte tokens, both of them;
/// - a dummy prefix by itself is taken by every token that covers the first character.
/// The reference compares every pair of a line, in O(n m), and keeps all occurrences; here it is O(n + m +
/// matches), and counts.
class reference_alignment {
 public:
  explicit reference_alignment(token_set wanted, bool last_of_line = true)
      : wanted_(std::move(wanted)), last_of_line_(last_of_line) {}

  /// Counts a line. Precondition: begins and ends never fall, in both lists.
  void push_line(std::span<const offset_token> source, std::span<const offset_token> target) {
    line_.clear();
    std::size_t first = 0;
    for (const offset_token& t : target) {
      while (first < source.size() && source[first].end < t.begin) ++first;
      if (!wanted_.contains(t.token)) continue;
      std::vector<aligned_piece> pieces;
      for (std::size_t s = first; s < source.size() && source[s].begin <= t.end; ++s) {
        const bool inside = source[s].begin >= t.begin && source[s].end <= t.end;
        const bool around = t.begin >= source[s].begin && t.end <= source[s].end;
        if (inside || around) pieces.push_back({static_cast<source_id>(source[s].token), 1});
      }
      if (last_of_line_) {
        line_[t.token] = std::move(pieces);
      } else {
        counts_.push(static_cast<target_id>(t.token), pieces);
      }
    }
    for (const auto& [token, pieces] : line_) counts_.push(static_cast<target_id>(token), pieces);
  }

  void merge(const reference_alignment& other) { counts_.merge(other.counts_); }
  [[nodiscard]] const alignment_counts& counts() const noexcept { return counts_; }

 private:
  token_set wanted_;
  bool last_of_line_;
  std::map<token_id, std::vector<aligned_piece>> line_;
  alignment_counts counts_;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
