// SPDX-License-Identifier: MIT
/// @file vocab/line_changes.hpp
/// Lines that another model behind the same pre-tokenizer cuts otherwise.
#pragma once

#include <vector>

#include "pre_token.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// How many lines of a corpus change when a tokenizer's model is exchanged: a mergeable value. It is what an
/// expansion does to the language that the source was made for.
///
/// ```cpp
/// lagom::vocab::line_changes changes;
/// for (std::string_view line : english) changes.push_line(tokenizer, more->model, line);
/// print(changes.changed_share());
/// ```
struct line_changes {
  std::uint64_t lines = 0, changed = 0;
  std::uint64_t source_tokens = 0, target_tokens = 0;  ///< added tokens count in both

  /// Old tokens keep their ids in the target, so a line is changed when its ids are.
  template <piecewise_tokenizer T, class Model>
  void push_line(const T& tokenizer, const Model& target, std::string_view line) {
    std::vector<token_id> before, after;
    bool same = true;
    tokenizer.pre_tokenize(line, [&](const pre_token& part) {
      if (part.added != no_token) {
        ++source_tokens;
        ++target_tokens;
        return;
      }
      before.clear();
      after.clear();
      tokenizer.encode_piece(part.text, [&](token_id t) { before.push_back(t); });
      target.encode_piece(part.text, [&](token_id t) { after.push_back(t); });
      source_tokens += before.size();
      target_tokens += after.size();
      same = same && before == after;
    });
    ++lines;
    changed += same ? 0 : 1;
  }

  void merge(const line_changes& o) noexcept {
    lines += o.lines;
    changed += o.changed;
    source_tokens += o.source_tokens;
    target_tokens += o.target_tokens;
  }

  /// Share of the lines that are cut otherwise; 0 without lines.
  [[nodiscard]] double changed_share() const noexcept {
    return lines == 0 ? 0 : static_cast<double>(changed) / static_cast<double>(lines);
  }
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
