// SPDX-License-Identifier: MIT
/// @file prompt/isolated.hpp
/// Labels that cannot drift: what is trained is tokenised apart from what is not.
#pragma once

#include "token_row.hpp"

namespace lagom {
inline namespace v0 {
namespace prompt {

/// Mask policy: each longest run of segments that are all trained, or all not, is tokenised by itself, so that no token
/// crosses from one into the other and the prompt of inference is a prefix of the row, token for token.
///
/// For a tokenizer with `encode_plain` a run also ends where literals meet contents: literals go through `encode`,
/// contents through `encode_plain`, and no text of a user becomes a control token. Other tokenizers see no difference
/// between the two.
///
/// The price: at seams the tokens are not those of the whole text, and a tokenizer that puts a space before every text
/// (SentencePiece's dummy prefix) puts one before every run. Where that matters, use `joint`.
/// Cost: that of the tokenizer; a run of several segments is copied once.
struct isolated {
  label_options labels{};

  /// Writes the tokens of a prompt.
  template <prompt_pieces P, row_tokenizer Tokenizer>
  row_verdict operator()(const P& pieces, Tokenizer&& tokenizer, token_row& row) const {
    constexpr bool plain = requires(std::string_view text, lagom::detail::token_sink sink) {
      tokenizer.encode_plain(text, sink);
    };
    row.clear();
    std::string_view run;
    bool trained = false, content = false;
    const auto flush = [&] {
      if (run.empty()) return;
      const auto sink = [&](token_id id) {
        if constexpr (plain && requires { tokenizer.is_control(id); }) {
          row.injected += content && tokenizer.is_control(id) ? 1u : 0u;
        }
        row.push(id, trained, labels);
      };
      const std::size_t before = row.ids.size();
      if constexpr (plain) {
        if (content) {
          tokenizer.encode_plain(run, sink);
        } else {
          tokenizer.encode(run, sink);
        }
      } else {
        tokenizer.encode(run, sink);
      }
      if (trained && row.ids.size() == before) row.uncovered += run.size();
      run = {};
    };
    for_each_segment(pieces, [&](const segment& s) {
      const bool is_content = plain && s.origin == origin::content;
      if (!run.empty() && (s.trained != trained || is_content != content)) flush();
      if (run.empty()) {
        run = s.text;
        trained = s.trained;
        content = is_content;
        row.text.clear();
      } else {
        if (row.text.empty()) row.text.assign(run);
        row.text.append(s.text);
        run = row.text;
      }
    });
    flush();
    row.put_begin(labels);
    return verdict_of(row, labels);
  }
};

}  // namespace prompt
}  // namespace v0
}  // namespace lagom
