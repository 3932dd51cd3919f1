// SPDX-License-Identifier: MIT
/// @file vocab/cut_changes.hpp
/// How many lines another tokenizer cuts otherwise, and how many tokens it takes.
#pragma once

#include "ratio.hpp"
#include "segmentation.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

/// Lines under two tokenizers of any kind: a mergeable value.
///
/// ```cpp
/// lagom::vocab::cut_changes changes;
/// for (std::string_view line : source_language) changes.push_line(before, after, line);
/// changes.recut_share();                          // the side effect of an expansion on the old language
/// changes.after.character() / changes.before.character();     // N_t / N_s
/// ```
struct cut_changes {
  std::uint64_t recut = 0;      ///< lines whose tokens stand for other bytes, one by one
  std::uint64_t other_ids = 0;  ///< lines whose ids are other ones; a vocabulary of its own numbers all anew
  std::uint64_t more = 0, less = 0;  ///< lines that take more tokens than before, and fewer
  tokens_per before{}, after{};      ///< of all lines

  /// One line through both. O(bytes).
  template <tokenizer Before, tokenizer After>
  void push_line(const Before& old_one, const After& new_one, std::string_view line) {
    segmentation a, b;
    a.encode(old_one, line);
    b.encode(new_one, line);
    const auto same = [](auto x, auto y) { return std::equal(x.begin(), x.end(), y.begin(), y.end()); };
    if (a.bytes() != b.bytes() || !same(a.ends(), b.ends())) ++recut;
    if (!same(a.tokens(), b.tokens())) ++other_ids;
    if (b.size() > a.size()) ++more;
    if (b.size() < a.size()) ++less;
    const corpus_size size{.lines = 1, .bytes = line.size(), .characters = count_characters(line)};
    before.merge({a.size(), size});
    after.merge({b.size(), size});
  }

  void merge(const cut_changes& other) noexcept {
    recut += other.recut;
    other_ids += other.other_ids;
    more += other.more;
    less += other.less;
    before.merge(other.before);
    after.merge(other.after);
  }

  [[nodiscard]] std::uint64_t lines() const noexcept { return before.of.lines; }

  /// `recut` divided by the lines; 0 of none.
  [[nodiscard]] double recut_share() const noexcept { return ratio(recut, lines()); }

  friend bool operator==(const cut_changes&, const cut_changes&) = default;
};

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
