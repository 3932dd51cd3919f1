// SPDX-License-Identifier: MIT
/// @file embed/align.hpp
/// A token as what it covers in a corpus.
#pragma once

#include "merge.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// The rule behind `align`.
struct aligned_row {
  static constexpr method made_by = method::align;
  const vocab::expansion* e;
  bool consider_mean = false;

  reason operator()(std::size_t r, plan_builder& out) const {
    const target_id token = e->wanted[r];
    const bool add_pieces = consider_mean && r < e->pieces.size() && !e->pieces[r].empty();
    std::uint64_t covered = 0, most = 0;
    for_each_tuple(token, [&](std::span<const vocab::aligned_piece> pieces, std::uint64_t count) {
      if (share_of(pieces) == 0) return;
      covered += count;
      most = count > most ? count : most;
    });
    if (covered == 0 && !add_pieces) {
      if (!e->alignment) return reason::not_aligned;
      return e->alignment->occurrences(token) == 0 ? reason::unseen : reason::never_covered;
    }
    const std::uint64_t of_pieces = !add_pieces ? 0 : covered == 0 ? 1 : most;
    const double total = static_cast<double>(covered) + static_cast<double>(of_pieces);
    for_each_tuple(token, [&](std::span<const vocab::aligned_piece> pieces, std::uint64_t count) {
      const double shares = share_of(pieces);
      if (shares == 0) return;
      for (const auto& [id, share] : pieces) {
        out.add(id, static_cast<double>(count) / total * (static_cast<double>(share) / shares));
      }
    });
    if (of_pieces > 0) {
      const auto pieces = e->pieces[r];
      const double each = static_cast<double>(of_pieces) / total / static_cast<double>(pieces.size());
      for (const source_id id : pieces) out.add(id, each);
    }
    return reason::none;
  }

 private:
  template <class Visit>
  void for_each_tuple(target_id token, Visit visit) const {
    if (e->alignment) e->alignment->for_each(token, visit);
  }
  static double share_of(std::span<const vocab::aligned_piece> pieces) noexcept {
    double sum = 0;
    for (const vocab::aligned_piece& p : pieces) sum += static_cast<double>(p.share);
    return sum;
  }
};

/// Align (arXiv 2406.11477): the row of a token is the mean, over its occurrences in a corpus, of the mean of
/// the source tokens that it covers there: sum_j w_j mean(E[tuple_j]), w_j = count_j / total. How a tuple is
/// taken is the alignment's policy; shares other than 1 weigh the tokens of a tuple (`overlap_weighted`).
///
/// The back-off is align, merge, mean, script Gaussian, the mean of all source rows; the plan keeps the
/// reasons. An expansion for which no corpus was aligned is taken for an appended one, where a token always
/// covers iso(t): its rows are those of `mean`, with reason `not_aligned`, and rows of Align, Mean and flat
/// Merge are the same. A token that an aligned corpus lacks is `unseen`, also where the corpus has none of
/// the wanted tokens. `consider_mean` counts iso(t) as one more tuple, as often as the most frequent one,
/// alone where there is none.
/// Cost: the distinct tuples.
struct align {
  bool consider_mean = false;
  merge_weights weights = merge_weights::tree;  ///< of the back-off to merge
  several_rules several = several_rules::mean;

  [[nodiscard]] plan operator()(const vocab::expansion& e) const {
    const aligned_row rule{&e, consider_mean};
    if (!e.alignment) return back_off(e, rule, piece_mean{&e}, script_row(e), mean_row{});
    const merge_values values(e, weights, several);
    return back_off(e, rule, merged_row{&values}, piece_mean{&e}, script_row(e), mean_row{});
  }
};

}  // namespace embed
}  // namespace v0
}  // namespace lagom
