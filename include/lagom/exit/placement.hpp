// SPDX-License-Identifier: MIT
/// @file exit/placement.hpp
/// Which exits to build: the cheapest for every number of rows that may be lost.
#pragma once

#include <string_view>

#include "../core/math.hpp"
#include "placement_search.hpp"

namespace lagom {
inline namespace v0 {

/// A placement: which options are built, what it costs and loses over the rows that chose it.
struct placed_exits {
  std::vector<index_t> options{};  ///< of `exit_options::options`, from the first layer to the last
  index_t errors = 0;              ///< rows that lose
  double cost = 0;                 ///< mean of a row, in the unit of the costs
  double bound = 0;                ///< no placement with at most so many errors costs less than this
};

/// The placements that are worth having, from no exits at all (no errors, full cost) to the cheapest: errors rise and
/// costs fall strictly.
struct placement_front {
  index_t rows = 0;
  bool exact = true;  ///< nothing was left out: every cost is its bound
  std::vector<placed_exits> points{};

  /// The share of rows that lose under a point.
  [[nodiscard]] LAGOM_INLINE double risk(const placed_exits& p) const noexcept {
    return rows > 0 ? static_cast<double>(p.errors) / static_cast<double>(rows) : 0;
  }
};

/// What a placement does with every row.
struct placement_walk {
  std::vector<index_t> left{};  ///< row by row: the option it left at, -1 at the last layer
  row_set lost{};
  double cost = 0;  ///< mean of a row
  mean_layers_used used{};
};

namespace detail {

template <backend B>
result<done> check_exits(const exit_options& all) noexcept {
  const auto bad_cost = [](double c) { return !is_finite(&c) || c < 0; };
  if (all.rows <= 0) return failure{.code = errc::empty, .key = "rows"};
  if (all.layers <= 0) return failure{.code = errc::out_of_range, .key = "layers"};
  if (bad_cost(all.costs.block) || bad_cost(all.costs.skipped) || bad_cost(all.costs.head))
    return failure{.code = errc::out_of_range, .key = "costs"};
  for (std::size_t i = 0; i < all.options.size(); ++i) {
    const exit_option& o = all.options[i];
    std::string_view what;
    if (o.layer.value < 0 || o.layer.value + 1 >= all.layers) what = "layer";
    if (bad_cost(o.costs.probe) || bad_cost(o.costs.look) || bad_cost(o.costs.answer)) what = "costs";
    if (o.looks.rows() != all.rows || o.stops.rows() != all.rows || o.loses.rows() != all.rows) what = "rows";
    if (!what.empty()) return failure{.code = errc::out_of_range, .key = what, .row = i};
  }
  return done{};
}

}  // namespace detail

/// Walks every row through a placement: of a front, or of one's own. Fails with `out_of_range` for an option that does
/// not exist and for options that are not in the order of their layers, one a layer, and as `place_exits` does.
template <backend B = portable>
[[nodiscard]] result<placement_walk> walk_exits(const exit_options& all, vec_view<const index_t> options) {
  if (auto ok = detail::check_exits<B>(all); !ok) return ok.error();
  placement_walk w{.left = std::vector<index_t>(static_cast<std::size_t>(all.rows), -1),
                   .lost = row_set(all.rows)};
  row_set here(all.rows, true);
  double cost = 0, blocks = 0;
  int reached = 0;  // blocks run by the rows that are here
  for (index_t i = 0; i < options.size(); ++i) {
    const bool known = 0 <= options[i] && options[i] < static_cast<index_t>(all.options.size());
    if (!known || all.options[static_cast<std::size_t>(options[i])].layer.value < reached)
      return failure{.code = errc::out_of_range, .key = "option", .row = static_cast<std::uint64_t>(i)};
    const exit_option& o = all.options[static_cast<std::size_t>(options[i])];
    const auto run = static_cast<double>(here.count() * (o.layer.value + 1 - reached));
    const row_set leave = here & o.stops;
    blocks += run;
    cost += run * all.costs.block + static_cast<double>(here.count()) * o.costs.probe +
            static_cast<double>((here & o.looks).count()) * o.costs.look +
            static_cast<double>(leave.count()) *
                (o.costs.answer + (all.layers - 1 - o.layer.value) * all.costs.skipped);
    for (index_t row = 0; row < all.rows; ++row) {
      if (!leave.has(row)) continue;
      w.left[static_cast<std::size_t>(row)] = options[i];
      if (o.loses.has(row)) w.lost.add(row);
    }
    here -= leave;
    reached = o.layer.value + 1;
  }
  const auto run = static_cast<double>(here.count() * (all.layers - reached));
  blocks += run;
  cost += run * all.costs.block + static_cast<double>(here.count()) * all.costs.head;
  w.cost = cost / static_cast<double>(all.rows);
  w.used = mean_layers_used(blocks / static_cast<double>(all.rows));
  return w;
}

/// Chooses exits, at most one a layer, that minimise the mean honest cost of a row (blocks, skipped keys and values,
/// probes, decisions, answers) with at most `errors` rows lost; the whole front of costs against errors up to there.
///
/// ```cpp
/// auto exits = lagom::no_options(trace, lagom::ledger_costs(shape, lagom::cost::decode(500)), training);
/// auto stops = lagom::rows_that_stop(trace, pack, rule, training);
/// auto loses = lagom::rows_that_lose(trace, trace, lagom::exit_loss::textual, training);
/// lagom::add_exits(exits, lagom::probe_kind::head, *stops, loses);
/// auto front = lagom::place_exits(exits, exits.rows / 20);            // at most 5 % lost
/// for (auto i : front->points.back().options) schedule.add(exits.options[i].layer);
/// ```
/// A dynamic programme over the layers. Its state after a layer is (rows still there, cost so far, errors so far).
/// Why that is enough: an option decides about a row by that row alone, so what rows do from here on depends on who is
/// there and not on how they got there; and future costs and errors are sums over those rows of terms that are not
/// negative. Hence a state with a subset of another's rows at no greater cost and no more errors is no worse under any
/// completion, and the other is dropped; by induction over the layers no front point is lost. So it is exact for rules
/// without memory (`rows_that_stop`) at fixed thresholds, one shared or several as several options of a layer.
///
/// Where rows that would stop at a layer would stop at all later ones, and options of a layer stop the same rows, the rows
/// still there depend on the last exit alone: at most L (errors + 1) states a layer. Else there may be up to 2^l sets
/// at layer l; beyond `states` those of the least bound are kept, the search is greedy from there on, `exact` is false and
/// every point's `bound` (what a completion would cost in which each row chooses its own exit, errors counted) says
/// what may have been missed.
///
/// Choosing fits the rows it sees: certify what was chosen on others (`certify`; a front in order of risk is a sequence
/// to test, Laufer-Goldenberg et al. 2023, arXiv 2210.07913).
/// Cost: L x states x options of a layer x (rows + states x rows / 64). Fails with `empty` without rows, and with
/// `out_of_range` for errors or states below 0 or 1, for options at the last layer or none, of other rows, and for costs
/// that are negative or not finite.
template <backend B = portable>
[[nodiscard]] result<placement_front> place_exits(const exit_options& all, index_t errors,
                                                  index_t states = 2000) {
  if (auto ok = detail::check_exits<B>(all); !ok) return ok.error();
  if (errors < 0) return failure{.code = errc::out_of_range, .key = "errors"};
  if (states < 1) return failure{.code = errc::out_of_range, .key = "states"};
  detail::placement_search<B> search(all, errors < all.rows ? errors : all.rows, states);
  search.run();
  placement_front front{.rows = all.rows, .exact = search.exact()};
  const auto n = static_cast<double>(all.rows);
  for (index_t e = 0; e <= search.budget(); ++e) {
    const auto& best = search.best(e);
    if (best.errors != e) continue;  // fewer errors were as cheap
    front.points.push_back({best.options, e, best.cost / n, search.bound(e) / n});
  }
  return front;
}

}  // namespace v0
}  // namespace lagom
