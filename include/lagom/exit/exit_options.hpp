// SPDX-License-Identifier: MIT
/// @file exit/exit_options.hpp
/// Every exit that a model could have, and what each would do with every row of a trace.
#pragma once

#include "exit_costs.hpp"
#include "exit_losses.hpp"
#include "row_set.hpp"

namespace lagom {
inline namespace v0 {

/// One possible exit: a layer, a kind of probe, a rule. Of a row that comes by it is known whether it would leave.
struct exit_option {
  layer_index layer{};
  probe_kind kind = probe_kind::head;
  int tag = 0;  ///< the caller's: which rule, which threshold
  probe_costs costs{};
  row_set looks{};  ///< rows at which the second stage of the probe runs; matters where `costs.look` does
  row_set stops{};  ///< rows that leave
  row_set loses{};  ///< rows whose answer here is a loss
};

/// All options over the same rows. A row that no exit keeps answers at the last layer, and loses nothing.
struct exit_options {
  int layers = 0;
  index_t rows = 0;
  exit_costs costs{};
  std::vector<exit_option> options{};
};

/// A set of rows of a trace for every layer, the last one's included. Bit i is the i-th row that was kept.
using layer_sets = std::vector<row_set>;

namespace detail {
template <class Keep>
LAGOM_INLINE index_t count_kept(index_t rows, const Keep& keep) {
  index_t n = 0;
  for (index_t row = 0; row < rows; ++row) n += keep(row) ? 1 : 0;
  return n;
}
}  // namespace detail

/// An empty list of options over the rows of a trace for which `keep(row)` is true.
template <backend B = portable, trace_kind Kind, class Keep = every_row>
[[nodiscard]] exit_options no_options(const trace<Kind>& t, const exit_costs& costs, const Keep& keep = {}) {
  return {.layers = t.layers(), .rows = detail::count_kept(t.rows(), keep), .costs = costs};
}

/// The rows that would leave at each layer if it were the only exit: a policy decides exactly so wherever the row
/// comes by, whatever the other exits are, for the rule remembers nothing and no signal looks at the last probed layer
/// (others do not compile). Nothing stops at the last layer.
/// Fails with `wrong_features` when a signal needs what was not recorded. Cost: rows x layers rule steps.
template <trace_kind Kind, class... Ss, stop_rule R, class Keep = every_row, backend B = portable>
[[nodiscard]] result<layer_sets> rows_that_stop(const trace<Kind>& t, const features<Ss...>& pack,
                                                const R& rule, const Keep& keep = {}, const B& b = {}) {
  static_assert(std::is_empty_v<typename R::state>,
                "rows_that_stop: the rule must have no memory, or its verdict hangs on the other exits");
  static_assert(
      !intersects(features<Ss...>::needs, need::last_stats),
      "rows_that_stop: no signal may compare with the last probed layer, which hangs on the other exits");
  layer_sets sets(static_cast<std::size_t>(t.layers()), row_set(detail::count_kept(t.rows(), keep)));
  for (int l = 0; l + 1 < t.layers(); ++l) {
    const auto only = [l](layer_index i, int) noexcept { return i.value == l; };
    const auto run = replay(t, exit_policy{pack, rule, only, b}, keep);
    if (!run) return run.error();
    index_t bit = 0;
    for (index_t row = 0; row < t.rows(); ++row) {
      if (!keep(row)) continue;
      if (run->outcomes[static_cast<std::size_t>(row)].stop.value == l)
        sets[static_cast<std::size_t>(l)].add(bit);
      ++bit;
    }
  }
  return sets;
}

/// The rows that lose by answering at each layer what `answers` says there, against the full model of `full`. Two traces
/// where probes read a few rows of the head; else the same one twice. Precondition: of the same rows and layers.
template <backend B = portable, trace_kind Kind, class Keep = every_row>
[[nodiscard]] layer_sets rows_that_lose(const trace<Kind>& answers, const trace<Kind>& full, exit_loss loss,
                                        const Keep& keep = {}) {
  static_assert(replayed<Kind>::exact,
                "rows_that_lose: a free-running trace does not say what the model would have done");
  LAGOM_ASSERT(answers.rows() == full.rows() && answers.layers() == full.layers());
  layer_sets sets(static_cast<std::size_t>(full.layers()), row_set(detail::count_kept(full.rows(), keep)));
  index_t bit = 0;
  for (index_t row = 0; row < full.rows(); ++row) {
    if (!keep(row)) continue;
    for (int l = 0; l < full.layers(); ++l) {
      const bool lost = loss == exit_loss::textual
                            ? answers.stats(row, l).top != full.final_token(row)
                            : detail::right(full, row, full.layers() - 1) && !detail::right(answers, row, l);
      if (lost) sets[static_cast<std::size_t>(l)].add(bit);
    }
    ++bit;
  }
  return sets;
}

/// Adds an exit at every layer but the last that any row would leave at. `looks` is for `probe_kind::cheap_first`: the
/// rows that the cheap signal passes on to the head; of those in `stops` only they leave.
/// Precondition: all sets are of `to.rows` rows and `to.layers` layers.
template <backend B = portable>
void add_exits(exit_options& to, probe_kind kind, const layer_sets& stops, const layer_sets& loses,
               int tag = 0, const layer_sets* looks = nullptr) {
  LAGOM_ASSERT((kind == probe_kind::cheap_first) == (looks != nullptr));
  for (int l = 0; l + 1 < to.layers; ++l) {
    const auto at = static_cast<std::size_t>(l);
    exit_option o{.layer = l,
                  .kind = kind,
                  .tag = tag,
                  .costs = costs_of(kind, to.costs),
                  .looks = looks != nullptr ? (*looks)[at] : row_set(to.rows),
                  .stops = stops[at],
                  .loses = loses[at]};
    if (looks != nullptr) o.stops &= o.looks;
    if (!o.stops.empty()) to.options.push_back(std::move(o));
  }
}

}  // namespace v0
}  // namespace lagom
