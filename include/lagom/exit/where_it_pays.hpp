// SPDX-License-Identifier: MIT
/// @file exit/where_it_pays.hpp
/// Rows leave where the smaller batch saves more than making it costs.
#pragma once

#include "batch_rule.hpp"

namespace lagom {
inline namespace v0 {

/// Rows leave as under `each_row`, at layers where that pays. With n rows of which m want to stop, and r layers left,
///   saved = r m layer_row,  cost = move + (n - m) move_row,
/// and the last rows of a batch always leave, which saves the layers whole.
///
/// A layer that is bound by reading its weights costs nearly the same for one row as for eight (`layer_row` is small), and
/// then few exits pay for moving the other rows: the profitability test of batched serving (cf. DREX, arXiv 2512.15705).
/// Times in any one unit, measured on the engine. Rows that are held back are asked again at the next probe.
struct where_it_pays {
  double layer_row = 1;  ///< time that a layer takes longer for each row
  double move = 0;       ///< time of making the smaller batch
  double move_row = 0;   ///< and for each row that stays

  LAGOM_LEAF leaving operator()(const batch_moment& m) const noexcept {
    const auto wanting = static_cast<double>(m.wanting());
    const auto staying = static_cast<double>(m.scores.size()) - wanting;
    if (staying == 0) return leaving::wanting;
    const double saved = static_cast<double>(m.layers_left) * layer_row * wanting;
    return saved > move + move_row * staying ? leaving::wanting : leaving::none;
  }
};

}  // namespace v0
}  // namespace lagom
