// SPDX-License-Identifier: MIT
/// @file embed/compat.hpp
/// Known defects of reference releases, by name: to reproduce what they made, never the default.
#pragma once

#include <iterator>

#include "algebra.hpp"
#include "apply.hpp"
#include "subword.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {
namespace compat {

/// Mean as lowres-cve (mean_init.py) computes it: the source tokenizer is given the token's *entry in the
/// vocabulary file*, normaliser and all, instead of the bytes that it stands for. Markers and letters of the
/// byte alphabet are then text: the token of a Bengali letter becomes six tokens of Latin accents. An entry that
/// gives no token at all leaves a row of NaN.
///
/// `raw_ids(target_id)` returns the source tokens of the raw entry, as a range of `source_id`.
template <class RawIds>
struct mean_raw_string {
  RawIds raw_ids;

  [[nodiscard]] plan operator()(const vocab::expansion& e) const {
    plan_builder out(e.source_size);
    for (std::size_t r = 0; r < e.rows(); ++r) {
      const auto& ids = raw_ids(e.wanted[r]);
      const auto n = static_cast<double>(std::size(ids));
      for (const source_id id : ids) out.add(id, 1 / n);
      if (std::empty(ids)) out.set({.to = rescale::rule::nan});
      out.end_row(e.wanted[r], {method::mean, std::empty(ids) ? reason::no_pieces : reason::none});
    }
    return std::move(out).build();
  }
};
template <class RawIds>
mean_raw_string(RawIds) -> mean_raw_string<RawIds>;

/// Applies a plan to a head as lowres-cve (merge_init.py) does: its recursion reads the input embedding for every
/// list it meets, so that all rows made by `merge` are means of *input* rows. Other rows are of the head.
template <tensor<2> Input, tensor<2> Head, tensor<2> Out>
void merge_head_from_input(const plan& p, const Input& input, const Head& head, Out&& out) {
  const auto to = mat_view(out);
  apply(p, head, to);
  for (std::size_t r = 0; r < p.rows(); ++r) {
    if (p.made_by(r) != method::merge) continue;
    const plan one = select(p, [r](std::size_t row) { return row == r; });
    apply(one, input, to.slice_rows(static_cast<index_t>(r), 1));
  }
}

/// mergekit's tokenizer surgeon gives each matrix the weights meant for the other.
inline constexpr piece_weights first_last_input = subword::first_last_head;
inline constexpr piece_weights first_last_head = subword::first_last_input;
inline constexpr piece_weights weighted_mean_input = subword::weighted_mean_head;
inline constexpr piece_weights weighted_mean_head = subword::weighted_mean_input;

}  // namespace compat
}  // namespace embed
}  // namespace v0
}  // namespace lagom
