// SPDX-License-Identifier: MIT
/// @file stop/fit_lte.hpp
/// Fitting BERxiT's learning-to-exit module.
#pragma once

#include "../signal/lte.hpp"
#include "linear_probe.hpp"

namespace lagom {
inline namespace v0 {

/// min l2 / 2 |w|^2 + mean over cells of (u - t)^2 with u = sigmoid(w . x + b) and t = 1 - [stopping was right]: BERxiT's
/// objective for classification, one module for all layers. x is the standardised state; what comes out reads the state
/// as it is.
struct lte_config {
  double l2 = 1e-4;
  double tolerance = 1e-7;  ///< of the largest element of the gradient
  int max_iterations = 500;
};

namespace detail {
struct squared_sigmoid_loss {
  LAGOM_INLINE static void at(double z, bool positive, double& value, double& slope) noexcept {
    const double u = sigmoid(z), off = u - (positive ? 0.0 : 1.0);
    value = off * off;
    slope = 2 * off * u * (1 - u);
  }
};
}  // namespace detail

/// Fits the module on labelled hidden states, by L-BFGS from zero. The objective is not convex: this finds a stationary
/// point. Deterministic, whatever runs it.
///
/// Fails with `empty`, `wrong_shape`, `bad_value`, `not_finite` (row = the cell), `one_class`, `not_converged` (a number
/// that is not finite). Cost: 2 h multiply-adds a cell and iteration.
template <backend B = portable, scalar T, executor E = seq>
[[nodiscard]] result<fitted<linear_probe<lte>>> fit(const lte_config& config,
                                                    const labelled_states_view<T>& data, const E& run = {}) {
  detail::state_cells cells;
  if (auto ok = detail::check_labelled_states<B>(data, cells.report); !ok) return ok.error();
  for (index_t i = 0; i < data.cells(); ++i)
    cells.weight.push_back(data.labels[i] == 0 ? 0.0 : 1 / static_cast<double>(cells.report.rows));
  return detail::fit_linear_probe<lte, B, detail::squared_sigmoid_loss>(
      data, cells, config.l2, config.tolerance, config.max_iterations, run);
}

}  // namespace v0
}  // namespace lagom
