// SPDX-License-Identifier: MIT
/// @file exit/exit_losses.hpp
/// From a trace and a family of policies to the table that `certify` reads.
#pragma once

#include "../core/mat_view.hpp"
#include "evaluate.hpp"

namespace lagom {
inline namespace v0 {

/// What a row of a trace loses by leaving early.
enum class exit_loss : std::uint8_t {
  textual,  ///< 1 where the answer is not the full model's: textual consistency of one token
  risk,     ///< 1 where the full model is right and the early answer is not: risk consistency of one token
};

/// Losses of candidates, a row each from the safest to the boldest, over calibration units, a column each.
struct loss_table {
  index_t candidates = 0;
  index_t units = 0;
  std::vector<double> values{};          ///< candidates x units
  std::vector<mean_layers_used> used{};  ///< of every candidate, over all rows that were kept

  [[nodiscard]] LAGOM_INLINE mat_view<const double> view() const noexcept {
    return {values.data(), candidates, units};
  }
};

/// Every row of a trace is a calibration unit of its own.
struct row_by_row {
  LAGOM_INLINE constexpr index_t operator()(index_t row) const noexcept { return row; }
};

/// Replays the policies `make(0) ... make(candidates - 1)` over the rows of a trace for which `keep(row)` is true.
/// Adjacent kept rows of one `unit(row)` are one column, their mean loss: the tokens of one prompt are not independent.
///
/// ```cpp
/// auto table = lagom::exit_losses(trace, thresholds.size(), lagom::exit_loss::textual, [&](lagom::index_t c) {
///   return lagom::exit_policy{lagom::features<lagom::gap>{}, lagom::threshold{thresholds[c]}};   // from high to low
/// });
/// auto kept = lagom::certify(table->view(), lagom::tolerance{0.05}, lagom::error_rate{0.1});
/// ```
/// A guarantee supposes that a replay is what the model would have done, so a trace of free-running tokens does not
/// compile; with teacher-forced tokens the loss is that of the next token after a reference.
/// Fails with `wrong_features` when a signal needs what was not recorded. Cost: candidates x rows x layers rule steps.
template <backend B = portable, trace_kind Kind, class Make, class Keep = every_row, class Unit = row_by_row>
[[nodiscard]] result<loss_table> exit_losses(const trace<Kind>& t, index_t candidates, exit_loss loss,
                                             const Make& make, const Keep& keep = {}, const Unit& unit = {}) {
  static_assert(replayed<Kind>::exact,
                "exit_losses: a free-running trace does not say what the model would have done");
  loss_table table{.candidates = candidates};
  std::vector<double> sizes;  // rows of every unit
  for (index_t row = 0, last = -1; row < t.rows(); ++row) {
    if (!keep(row)) continue;
    if (last < 0 || unit(row) != unit(last)) sizes.push_back(0);
    sizes.back() += 1;
    last = row;
  }
  table.units = static_cast<index_t>(sizes.size());
  table.values.resize(static_cast<std::size_t>(candidates) * sizes.size(), 0.0);
  for (index_t c = 0; c < candidates; ++c) {
    const auto run = replay(t, make(c), keep);
    if (!run) return run.error();
    double* const losses = table.values.data() + static_cast<std::size_t>(c) * sizes.size();
    moments stop;
    index_t column = -1;
    for (index_t row = 0, last = -1; row < t.rows(); ++row) {
      if (!keep(row)) continue;
      if (last < 0 || unit(row) != unit(last)) ++column;
      last = row;
      const exit_outcome& out = run->outcomes[static_cast<std::size_t>(row)];
      const bool lost = loss == exit_loss::textual
                            ? out.token != t.final_token(row)
                            : detail::right(t, row, t.layers() - 1) && !detail::right(t, row, out.stop);
      losses[column] += lost;
      stop.push(out.stop.value);
    }
    for (std::size_t u = 0; u < sizes.size(); ++u) losses[u] /= sizes[u];
    table.used.push_back(used_when_stopped_at(mean_layer_index(stop.mean)));
  }
  return table;
}

}  // namespace v0
}  // namespace lagom
