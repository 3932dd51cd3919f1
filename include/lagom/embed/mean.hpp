// SPDX-License-Identifier: MIT
/// @file embed/mean.hpp
/// A token as the mean of what its bytes are made of.
#pragma once

#include "script_gaussian.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// The rule behind `mean`.
struct piece_mean {
  static constexpr method made_by = method::mean;
  const vocab::expansion* e;
  reason operator()(std::size_t r, plan_builder& out) const {
    if (r >= e->pieces.size() || e->pieces[r].empty()) return reason::no_pieces;
    const auto pieces = e->pieces[r];
    for (const source_id id : pieces) out.add(id, 1 / static_cast<double>(pieces.size()));
    return reason::none;
  }
};

/// Mean, also known as FVT (Gee et al., EMNLP 2022, arXiv 2402.09977; "Mean" of arXiv 2406.11477): the row of t
/// is the mean of the rows of iso(t), the source tokens of its bytes alone. A piece that is there twice counts
/// twice.
///
/// A token without pieces (an added token has no bytes) backs off to `script_gaussian`, then to the mean of all
/// source rows. Cost: the sum of the lengths of iso(t).
struct mean {
  [[nodiscard]] plan operator()(const vocab::expansion& e) const {
    return back_off(e, piece_mean{&e}, script_row(e), mean_row{});
  }
};

}  // namespace embed
}  // namespace v0
}  // namespace lagom
