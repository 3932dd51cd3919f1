// SPDX-License-Identifier: MIT
/// @file vocab/merges_of_pieces.hpp
/// A list of merges out of pieces: what becomes of a SentencePiece vocabulary in a tokenizer.json.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "../text/utf8.hpp"
#include "merge_table.hpp"
#include "token_table.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {

namespace detail {

struct piece_split {
  merge m{};
  float score = 0;                              // of the piece; 0 for all when there are no scores
  std::uint32_t left_size = 0, right_size = 0;  // in characters
};

inline std::uint32_t characters_in(std::string_view text) noexcept {
  std::uint32_t n = 0;
  for (std::size_t at = 0; at < text.size(); ++n) at += decode_utf8(text, at).length;
  return n;
}

}  // namespace detail

/// Every split of every piece into two pieces is a merge; the order of the list is that of Hugging Face
/// transformers' `generate_merges`: by (score, characters of the left side, of the right side), all falling,
/// when `scores` (by id) are given; by (id of the piece, characters left, right), all rising, when `scores` is
/// empty. Splits that tie stay in the order of their pieces' ids, and of their left sides.
///
/// Pieces of score 0 come first, the longest left side before all: not the order of training. Such a list
/// encodes like the scored model only where no two pairs of one score compete.
/// O(sum of squared piece lengths) bytes hashed. Precondition: `scores` is empty, or has `pieces.size()` entries
/// without NaN.
[[nodiscard]] inline std::vector<merge> merges_of_pieces(const token_table& pieces,
                                                         std::span<const float> scores = {}) {
  LAGOM_ASSERT(scores.empty() || scores.size() == static_cast<std::size_t>(pieces.size()));
  std::vector<detail::piece_split> splits;
  for (token_id id = 0; id < pieces.size(); ++id) {
    const std::string_view text = pieces[id];
    const std::uint32_t characters = detail::characters_in(text);
    std::uint32_t left_size = 0;
    for (std::size_t at = 0; at < text.size();) {
      at += decode_utf8(text, at).length;
      ++left_size;
      if (at == text.size()) break;
      const merge m{pieces.find(text.substr(0, at)), pieces.find(text.substr(at)), id};
      if (m.left == no_token || m.right == no_token) continue;
      splits.push_back(
          {m, scores.empty() ? 0 : scores[static_cast<std::size_t>(id)], left_size, characters - left_size});
    }
  }
  const auto by_id = [](const detail::piece_split& a, const detail::piece_split& b) {
    if (a.m.result != b.m.result) return a.m.result < b.m.result;
    return a.left_size < b.left_size;
  };
  const auto by_score = [](const detail::piece_split& a, const detail::piece_split& b) {
    if (a.score != b.score) return a.score > b.score;
    if (a.left_size != b.left_size) return a.left_size > b.left_size;
    return a.right_size > b.right_size;
  };
  if (scores.empty()) {
    std::stable_sort(splits.begin(), splits.end(), by_id);
  } else {
    std::stable_sort(splits.begin(), splits.end(), by_score);
  }
  std::vector<merge> out;
  out.reserve(splits.size());
  for (const detail::piece_split& s : splits) out.push_back(s.m);
  return out;
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
