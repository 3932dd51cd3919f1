// SPDX-License-Identifier: MIT
/// @file vocab/viterbi.hpp
/// Viterbi's algorithm over the pieces that begin at each place of a text.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <type_traits>

#include "../text/utf8.hpp"
#include "piece_trie.hpp"

namespace lagom {
inline namespace v0 {
namespace vocab {
namespace detail {

inline constexpr std::uint32_t nowhere = ~std::uint32_t{0};

/// The best way to reach a place.
struct viterbi_step {
  double sum;
  std::uint32_t start;  ///< where its last token begins; `nowhere` for a place that none reaches
  token_id id;          ///< its last token
};

/// SentencePiece's sums begin anew where they pass this magnitude.
inline constexpr double rebase_limit = 1e5;

/// Fills `ends`, one more than the text has bytes: the segmentation into pieces, and unknown characters where
/// no piece is just that character, with the greatest sum; of equal ones the one whose last piece is the
/// longest. `before` is the sum to begin with. Scores and sums are of type Sum; of
/// those in f32, the sum at a place where it passes `rebase_limit` is taken off all sums from there on, as the
/// library does it. With `margins`, as
/// long as `ends`: by how much the best way to each place beats the next one, or a huge number.
///
/// O(bytes times the longest piece).
template <class Sum>
void viterbi(const piece_trie& pieces, double unk_score, token_id unk, std::string_view text, double before,
             std::span<viterbi_step> ends, double* margins = nullptr) noexcept {
  constexpr double huge = (std::numeric_limits<double>::max)();
  for (viterbi_step& s : ends) s = {0, nowhere, no_token};
  if (margins != nullptr) std::fill_n(margins, ends.size(), huge);
  ends[0].sum = before;
  const auto offer = [&](std::size_t end, double sum, std::size_t start, token_id id) {
    viterbi_step& best = ends[end];
    if (best.start != nowhere) {
      const bool wins = sum > best.sum;
      if (margins != nullptr) margins[end] = wins ? sum - best.sum : (std::min)(margins[end], best.sum - sum);
      if (!wins) return;
    }
    best = {sum, static_cast<std::uint32_t>(start), id};
  };
  const auto sum_of = [](double score, double so_far) {
    return static_cast<double>(static_cast<Sum>(score) + static_cast<Sum>(so_far));
  };
  std::size_t farthest = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (std::is_same_v<Sum, float> && std::abs(ends[at].sum) > rebase_limit) {
      const auto base = static_cast<float>(ends[at].sum);
      for (std::size_t i = at; i <= farthest || i == at; ++i) {
        ends[i].sum = static_cast<double>(static_cast<float>(ends[i].sum) - base);
      }
    }
    const double here = ends[at].sum;
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t next = at + (lead < 0x80 ? 1u : decode_utf8(text, at).length);
    bool known = false;
    const piece_trie::node* node = &pieces.root();
    for (std::size_t end = at; end < text.size();) {
      node = pieces.step(*node, text[end++]);
      if (node == nullptr) break;
      if (node->id == no_token) continue;
      offer(end, sum_of(node->score, here), at, node->id);
      farthest = (std::max)(farthest, end);
      known = known || end == next;
    }
    if (!known) {
      offer(next, sum_of(unk_score, here), at, unk);
      farthest = (std::max)(farthest, next);
    }
    at = next;
  }
}

}  // namespace detail
}  // namespace vocab
}  // namespace v0
}  // namespace lagom
