// SPDX-License-Identifier: MIT
/// @file embed/back_off.hpp
/// Builders as chains of rules: each row is made by the first rule that can.
#pragma once

#include <concepts>

#include "../vocab/expansion.hpp"
#include "plan_builder.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// A way to make one row: `rule(r, out)` adds the terms of row `r` of its expansion to `out` and returns
/// `reason::none`, or adds nothing and says why. `made_by` is the method to be tagged. A rule may keep what
/// it learns: each plan has its own copy.
template <class R>
concept row_rule = requires(R& rule, std::size_t r, plan_builder& out) {
  { rule.made_by } -> std::convertible_to<method>;
  { rule(r, out) } -> std::same_as<reason>;
};

/// The source token that row `r` is too, or `none`, also where the expansion lists none.
[[nodiscard]] inline source_id same_token(const vocab::expansion& e, std::size_t r) noexcept {
  return row_of(e.wanted[r]) < e.same.size() ? e.same_as(r) : source_id::none;
}

/// A plan whose rows are made by the first of the rules that can; the reasons of those before it are kept. A
/// token that is a source token too is copied. A row that no rule makes is zero.
/// ```cpp
/// struct first_piece {                                   // a rule of your own
///   static constexpr auto made_by = lagom::embed::method::other;
///   const lagom::vocab::expansion& e;
///   lagom::embed::reason operator()(std::size_t r, lagom::embed::plan_builder& out) const {
///     if (e.pieces[r].empty()) return lagom::embed::reason::no_pieces;
///     out.add(e.pieces[r].front(), 1);
///     return lagom::embed::reason::none;
///   }
/// };
/// auto plan = lagom::embed::back_off(e, first_piece{e}, lagom::embed::mean_row{});
/// ```
template <row_rule... Rules>
[[nodiscard]] plan back_off(const vocab::expansion& e, Rules... rules) {
  plan_builder out(e.source_size);
  for (std::size_t r = 0; r < e.rows(); ++r) {
    if (const source_id same = same_token(e, r); same != source_id::none) {
      out.add(same, 1);
      out.end_row(e.wanted[r], {method::copy, reason::none});
      continue;
    }
    tag how{method::zero, reason::none};
    bool made = false;
    [[maybe_unused]] const auto attempt = [&](auto& rule) {
      if (made) return;
      const reason why = rule(r, out);
      made = why == reason::none;
      if (made) {
        how.made_by = rule.made_by;
      } else {
        how.why = how.why | why;
      }
    };
    (attempt(rules), ...);
    out.end_row(e.wanted[r], how);
  }
  return std::move(out).build();
}

/// The rule that always can: statistics of all source rows, by default their mean.
struct mean_row {
  static constexpr method made_by = method::source_mean;
  gaussian value{.deviation = 0};
  reason operator()(std::size_t, plan_builder& out) const {
    out.add(value);
    return reason::none;
  }
};

}  // namespace embed
}  // namespace v0
}  // namespace lagom
