// SPDX-License-Identifier: MIT
/// @file embed/merge.hpp
/// A token as what its merge rules put together.
#pragma once

#include "mean.hpp"
#include "merge_values.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// The rule behind `merge`.
struct merged_row {
  static constexpr method made_by = method::merge;
  const merge_values* values;
  reason operator()(std::size_t r, plan_builder& out) const {
    if ((*values)[r].empty()) return reason::no_rule;
    for (const auto& [id, weight] : (*values)[r]) out.add(id, weight);
    return reason::none;
  }
};

/// Merge (arXiv 2406.11477): the row of a token made by merge (a, b) is the mean of the rows of a and b, down to
/// source tokens. The mean of a binary tree: ((a b) c) is a/4 + b/4 + c/2. `merge_weights::flat` weighs all
/// leaves alike instead, which is `mean` for every token that the tokenizer can reach, if each has one rule.
/// Several rules for one token count alike, or the first of them does.
///
/// A token that no rule makes of known tokens backs off to `mean`, `script_gaussian`, the mean of all source
/// rows, with the reasons. Needs `expansion.rules`: byte pair encoding.
struct merge {
  merge_weights weights = merge_weights::tree;
  several_rules several = several_rules::mean;

  [[nodiscard]] plan operator()(const vocab::expansion& e) const {
    const merge_values values(e, weights, several);
    return back_off(e, merged_row{&values}, piece_mean{&e}, script_row(e), mean_row{});
  }
};

}  // namespace embed
}  // namespace v0
}  // namespace lagom
