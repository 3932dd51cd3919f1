// SPDX-License-Identifier: MIT
/// @file embed/subword.hpp
/// Other weights for the pieces of a token: the variants of mergekit's tokenizer surgeon.
#pragma once

#include "mean.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// How the n pieces of a token are weighted, first to last.
enum class piece_weights : std::uint8_t {
  sum,      ///< 1 each: the row is n times too long to lie among the source rows
  first,    ///< 1 for the first
  last,     ///< 1 for the last
  rising,   ///< 1, 2, ..., n, divided by their sum
  falling,  ///< n, ..., 2, 1, divided by their sum
};

/// A token's row as a weighted sum of the rows of its pieces.
///
/// The intent behind "first_last" is that the state after a token is that after its last piece, and that a head
/// predicts a token by its first: `last` for the input embedding, `first` for the head; likewise "weighted_mean"
/// is `rising` for the input and `falling` for the head. The released code does the reverse. Back-off as for
/// `mean`.
struct subword {
  piece_weights weights = piece_weights::sum;

  static constexpr piece_weights first_last_input = piece_weights::last;
  static constexpr piece_weights first_last_head = piece_weights::first;
  static constexpr piece_weights weighted_mean_input = piece_weights::rising;
  static constexpr piece_weights weighted_mean_head = piece_weights::falling;

  struct rule {
    static constexpr method made_by = method::subword;
    const vocab::expansion* e;
    piece_weights weights;
    reason operator()(std::size_t r, plan_builder& out) const {
      if (r >= e->pieces.size() || e->pieces[r].empty()) return reason::no_pieces;
      const auto pieces = e->pieces[r];
      const std::size_t n = pieces.size();
      const double all = 0.5 * static_cast<double>(n) * static_cast<double>(n + 1);
      for (std::size_t i = 0; i < n; ++i) {
        double weight = 1;
        switch (weights) {
          case piece_weights::sum:
            break;
          case piece_weights::first:
            if (i != 0) continue;
            break;
          case piece_weights::last:
            if (i + 1 != n) continue;
            break;
          case piece_weights::rising:
            weight = static_cast<double>(i + 1) / all;
            break;
          case piece_weights::falling:
            weight = static_cast<double>(n - i) / all;
            break;
        }
        out.add(pieces[i], weight);
      }
      return reason::none;
    }
  };

  [[nodiscard]] plan operator()(const vocab::expansion& e) const {
    return back_off(e, rule{&e, weights}, script_row(e), mean_row{});
  }
};

}  // namespace embed
}  // namespace v0
}  // namespace lagom
