// SPDX-License-Identifier: MIT
/// @file cost/rebatching.hpp
/// What it is worth to let rows of a split batch wait for others.
#pragma once

#include "../core/math.hpp"
#include "../core/vec_view.hpp"
#include "ledger.hpp"

namespace lagom {
inline namespace v0 {
namespace cost {

/// Layers between two exits, and the share of rows that come so far: 1 for the first part of a model.
struct model_part {
  int layers = 0;
  double reached = 1;
};

/// Times in any one unit, measured on the engine. A layer over n rows takes layer + n layer_row: reading the weights, and the
/// work of a row.
struct batch_times {
  double layer = 1;
  double layer_row = 0;
  double move_row = 0;  ///< a row that is laid aside and joins another batch
};

/// Mean time of a token where a batch of `rows` closes its gaps and goes on smaller:
///   sum over parts of layers (layer (1 - (1 - reached)^rows) / rows + layer_row reached).
/// Rows are taken to leave independently. O(parts). Preconditions: rows > 0, 0 <= reached <= 1.
LAGOM_LEAF constexpr double split_batch_time(vec_view<const model_part> parts, int rows,
                                             const batch_times& t) noexcept {
  LAGOM_ASSERT(rows > 0);
  double sum = 0;
  for (index_t i = 0; i < parts.size(); ++i) {
    double none = 1;
    for (int r = 0; r < rows; ++r) none *= 1 - parts[i].reached;
    sum += parts[i].layers * (t.layer * (1 - none) / rows + t.layer_row * parts[i].reached);
  }
  return sum;
}

/// The same where rows that stay wait until `rows` of them are there, so that every part runs full batches (DREX, arXiv
/// 2512.15705):
///   sum over parts of reached (layers (layer / rows + layer_row) + move_row), no move into the first.
/// A lower bound for batches that a bound on waiting sends off early. The quotient of the two times is the speed-up.
LAGOM_LEAF constexpr double rebatched_time(vec_view<const model_part> parts, int rows,
                                           const batch_times& t) noexcept {
  LAGOM_ASSERT(rows > 0);
  double sum = 0;
  for (index_t i = 0; i < parts.size(); ++i) {
    const double run = parts[i].layers * (t.layer / rows + t.layer_row);
    sum += parts[i].reached * (run + (i > 0 ? t.move_row : 0));
  }
  return sum;
}

/// Is it worth to let the rows wait that stay at an exit? Of a batch of `rows`, `staying` go on through `layers_left` layers: alone,
/// each of them bears layer / staying of every layer, in a full batch layer / rows, for one move:
///   layers_left layer (1 / staying - 1 / rows) > move_row.
LAGOM_LEAF constexpr bool waiting_pays(int staying, int rows, int layers_left,
                                       const batch_times& t) noexcept {
  if (staying <= 0 || staying >= rows) return false;
  return layers_left * t.layer * (1.0 / staying - 1.0 / rows) > t.move_row;
}

}  // namespace cost
}  // namespace v0
}  // namespace lagom
