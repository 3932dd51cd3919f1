// SPDX-License-Identifier: MIT
/// @file embed/algebra.hpp
/// Plans out of plans: mixed, selected, overlaid, composed.
#pragma once

#include <concepts>

#include "row_copier.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// alpha a + (1 - alpha) b, row by row. Noise is mixed as it is drawn: two rows with the same seed and token
/// share it. A row keeps its tag and its rescaling, which is applied to the mixture; tags that differ in method
/// become `other`, reasons add up. A plan with factor 0 leaves no terms.
///
/// Fails with `wrong_shape` when the plans are not for the same tokens and the same source, with `unsupported`
/// (and the row) when the two rows are rescaled differently.
[[nodiscard]] inline result<plan> mix(double alpha, const plan& a, const plan& b) {
  if (a.source_size() != b.source_size() ||
      !std::equal(a.targets().begin(), a.targets().end(), b.targets().begin(), b.targets().end())) {
    return failure{
        .code = errc::wrong_shape, .key = "plans of other tokens", .expected = a.rows(), .found = b.rows()};
  }
  plan_builder out(a.source_size());
  row_copier from_a(a, out), from_b(b, out);
  for (std::size_t r = 0; r < a.rows(); ++r) {
    if (alpha != 0) from_a.add(r, alpha);
    if (alpha != 1) from_b.add(r, 1 - alpha);
    const rescale s = from_a.rescaling(r);
    if (s != from_b.rescaling(r))
      return failure{.code = errc::unsupported, .key = "mixed rescaling", .row = r};
    out.set(s);
    const tag x = a.tag_of(r), y = b.tag_of(r);
    const method made_by = alpha == 0                             ? y.made_by
                           : alpha == 1 || x.made_by == y.made_by ? x.made_by
                                                                  : method::other;
    out.end_row(a.target(r), {made_by, x.why | y.why});
  }
  return std::move(out).build();
}

/// The rows for which `keep(r)` is true, by number in the plan:
/// ```cpp
/// using lagom::embed::reason;
/// auto backed_off = lagom::embed::select(p, [&](std::size_t r) { return p.reason(r) != reason::none; });
/// ```
template <std::predicate<std::size_t> Keep>
[[nodiscard]] plan select(const plan& p, Keep keep) {
  plan_builder out(p.source_size());
  row_copier rows(p, out);
  for (std::size_t r = 0; r < p.rows(); ++r) {
    if (keep(r)) rows.copy(r);
  }
  return std::move(out).build();
}

/// The rows of both plans; those of `over` where both have one. Fails with `wrong_shape` when the sources differ
/// in size.
[[nodiscard]] inline result<plan> overlay(const plan& base, const plan& over) {
  if (base.source_size() != over.source_size()) {
    return failure{.code = errc::wrong_shape,
                   .key = "source size",
                   .expected = static_cast<std::uint64_t>(base.source_size()),
                   .found = static_cast<std::uint64_t>(over.source_size())};
  }
  plan_builder out(base.source_size());
  row_copier below(base, out), above(over, out);
  std::size_t i = 0, j = 0;
  while (i < base.rows() || j < over.rows()) {
    if (j == over.rows() || (i < base.rows() && base.target(i) < over.target(j))) {
      below.copy(i++);
    } else {
      if (i < base.rows() && base.target(i) == over.target(j)) ++i;
      above.copy(j++);
    }
  }
  return std::move(out).build();
}

/// Two steps as one: `first` makes tokens from a source, `second` makes tokens from what is there then: the
/// tokens that `first` makes, and else the source tokens under their own ids. The result makes the second's
/// tokens from the first's source.
///
/// Fails with `out_of_range` (a token that is neither), with `unsupported` where a row is no combination any
/// more: `second` asks for statistics of rows, or `first` rescales a row that `second` uses.
[[nodiscard]] inline result<plan> compose(const plan& second, const plan& first) {
  plan_builder out(first.source_size());
  row_copier made(first, out);
  for (std::size_t r = 0; r < second.rows(); ++r) {
    for (const auto& [id, weight] : second.row(r)) {
      const std::size_t at = first.find(static_cast<target_id>(id));
      if (at < first.rows()) {
        if (first.rescaling(at).to != rescale::rule::none) {
          return failure{.code = errc::unsupported, .key = "composed rescaling", .row = r};
        }
        made.add(at, static_cast<double>(weight));
      } else if (static_cast<index_t>(id) < first.source_size()) {
        out.add(id, static_cast<double>(weight));
      } else {
        return failure{.code = errc::out_of_range, .key = "source row", .row = r, .found = row_of(id)};
      }
    }
    for (const gaussian& g : second.gaussians(r)) {
      if (g.group != gaussian::standard)
        return failure{.code = errc::unsupported, .key = "composed means", .row = r};
      out.add(g);
    }
    const rescale s = second.rescaling(r);
    if (s.to == rescale::rule::mean || s.to == rescale::rule::quantile) {
      return failure{.code = errc::unsupported, .key = "composed rescaling", .row = r};
    }
    out.set(s);
    out.end_row(second.target(r), second.tag_of(r));
  }
  return std::move(out).build();
}

/// The plan without its noise: every row's expectation. What an optimizer's moments want.
[[nodiscard]] inline plan without_noise(const plan& p) {
  plan_builder out(p.source_size());
  row_copier rows(p, out);
  for (std::size_t r = 0; r < p.rows(); ++r) {
    rows.add(r);
    out.silence();
    out.set(rows.rescaling(r));
    out.end_row(p.target(r), p.tag_of(r));
  }
  return std::move(out).build();
}

/// The plan with every row rescaled, say to the median norm of the source rows.
[[nodiscard]] inline plan rescaled(const plan& p, const rescale& to) {
  plan_builder out(p.source_size());
  row_copier rows(p, out);
  for (std::size_t r = 0; r < p.rows(); ++r) {
    rows.add(r);
    out.set(to);
    out.end_row(p.target(r), p.tag_of(r));
  }
  return std::move(out).build();
}

/// The plan without the terms whose weights are smaller than `least` in magnitude. Nothing is added up again: a
/// row's sum says what went.
[[nodiscard]] inline plan without_small_weights(const plan& p, float least) {
  plan_builder out(p.source_size());
  row_copier rows(p, out);
  for (std::size_t r = 0; r < p.rows(); ++r) {
    rows.add(r);
    out.drop_weights_below(least);
    out.set(rows.rescaling(r));
    out.end_row(p.target(r), p.tag_of(r));
  }
  return std::move(out).build();
}

}  // namespace embed
}  // namespace v0
}  // namespace lagom
