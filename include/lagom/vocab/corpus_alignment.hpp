// SPDX-License-Identifier: MIT
/// @file vocab/corpus_alignment.hpp
/// Two tokenizations of a corpus, aligned and counted.
#pragma once

#include "align.hpp"
#include "token_set.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// Whether two tokenizers make one byte stream of their texts. A mergeable value.
struct stream_agreement {
  std::uint64_t same = 0;       ///< texts of which both make the same bytes
  std::uint64_t prefixed = 0;   ///< and those where one puts one space before
  std::uint64_t different = 0;  ///< all others, which are not aligned
  void merge(const stream_agreement& other) noexcept {
    same += other.same;
    prefixed += other.prefixed;
    different += other.different;
  }
  friend bool operator==(const stream_agreement&, const stream_agreement&) = default;
};

/// Makes one byte stream of two segmentations of a text: the bytes that the tokens stand for, one after the
/// other, must be the same. Where one stream has one space more, before its first byte, that space is the dummy
/// prefix of its tokenizer and is taken away, from the token that holds it: "▁ab" then covers what "ab"
/// covers, and "▁" alone covers nothing. Any other difference (a normalizer, an unknown token) is counted as
/// `different`; then the result is false.
inline bool agree(segmentation& source, segmentation& target, stream_agreement& found) {
  const auto prefixed = [](std::string_view longer, std::string_view other) {
    return longer.size() == other.size() + 1 && longer[0] == ' ' && longer.substr(1) == other;
  };
  if (source.bytes() == target.bytes()) {
    ++found.same;
    return true;
  }
  const bool in_source = prefixed(source.bytes(), target.bytes());
  if (in_source || prefixed(target.bytes(), source.bytes())) {
    (in_source ? source : target).drop_first_byte();
    ++found.prefixed;
    return true;
  }
  ++found.different;
  return false;
}

/// What the tokens of a target tokenizer cover in a source tokenization of the same corpus: a mergeable value.
/// Any order and any split of the corpus give the same counts.
///
/// ```cpp
/// lagom::vocab::corpus_alignment sum(lagom::vocab::align_policy::exact_cover, wanted);
/// sum.push(source, target, counts);        // two models behind one pre-tokenizer
/// for (auto line : lines) sum.push_line(source, target, line);   // any two tokenizers
/// ```
class corpus_alignment {
 public:
  /// Counts all target tokens.
  explicit corpus_alignment(align_policy policy = align_policy::exact_cover) : policy_(policy) {}

  /// Counts the tokens of `wanted` only.
  corpus_alignment(align_policy policy, token_set wanted)
      : policy_(policy), some_(true), wanted_(std::move(wanted)) {}

  /// One line through both tokenizers. O(bytes).
  template <tokenizer Source, tokenizer Target>
  void push_line(const Source& source, const Target& target, std::string_view line) {
    source_.encode(source, line);
    target_.encode(target, line);
    push(source_, target_, 1);
  }

  /// A counted corpus: one alignment for each distinct pre-token, times its count. For tokenizers that
  /// normalize and cut alike; added tokens cover themselves and are not counted.
  template <tokenizer Source, tokenizer Target>
  void push(const Source& source, const Target& target, const corpus_counts& corpus) {
    corpus.pre_tokens().for_each_unordered([&](std::string_view piece, std::uint64_t count) {
      source_.encode_piece(source, piece);
      target_.encode_piece(target, piece);
      push(source_, target_, count);
    });
  }

  /// Two segmentations of a text that occurs `count` times. Both may be changed.
  void push(segmentation& source, segmentation& target, std::uint64_t count) {
    stream_agreement once;
    const bool one_stream = agree(source, target, once);
    streams_.same += once.same * count;
    streams_.prefixed += once.prefixed * count;
    streams_.different += once.different * count;
    if (!one_stream) return;
    const auto tokens = target.tokens();
    align(policy_, source, target, scratch_,
          [&](std::size_t i, std::span<const aligned_piece> pieces, bool crossing) {
            if (some_ && !wanted_.contains(tokens[i])) return;
            counts_.push(static_cast<target_id>(tokens[i]), pieces, count, crossing);
          });
  }

  void merge(const corpus_alignment& other) {
    counts_.merge(other.counts_);
    streams_.merge(other.streams_);
  }

  [[nodiscard]] const alignment_counts& counts() const noexcept { return counts_; }

  /// Of the texts (lines, or occurrences of pre-tokens) that were pushed.
  [[nodiscard]] const stream_agreement& streams() const noexcept { return streams_; }

  /// The same counts of the same policy.
  friend bool operator==(const corpus_alignment& a, const corpus_alignment& b) noexcept {
    return a.policy_ == b.policy_ && a.streams_ == b.streams_ && a.counts_ == b.counts_;
  }

 private:
  align_policy policy_;
  bool some_ = false;
  token_set wanted_;
  alignment_counts counts_;
  stream_agreement streams_;
  segmentation source_, target_;
  std::vector<aligned_piece> scratch_;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
