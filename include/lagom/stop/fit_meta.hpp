// SPDX-License-Identifier: MIT
/// @file stop/fit_meta.hpp
/// Fitting CALM's meta confidence.
#pragma once

#include "../signal/meta_confidence.hpp"
#include "linear_probe.hpp"

namespace lagom {
inline namespace v0 {

/// What the meta head is trained to say.
enum class meta_loss : std::uint8_t {
  /// Is this layer right? Cross-entropy with balanced classes at each layer, then the mean over layers.
  independent,
  /// At which layer does the model first become right? P(stop at d) = p_d prod_{j<d} (1 - p_j), and the cross-entropy of
  /// the first right layer (the last one where none before is): CALM's `geom_like`.
  geometric,
};

/// `independent`: min l2 / 2 |w|^2 + mean over layers of (sum_i c_i log(1 + exp(-y_i (w . x_i + b)))) / sum_i c_i, with
/// c_i = 1 - f where y_i = +1 and f where y_i = -1, f the share of +1 at the layer. A layer of one label says nothing and
/// is left out of the mean.
/// `geometric`: min l2 / 2 |w|^2 - mean over sequences of log P(stop at the first right layer).
/// x is the standardised state; what comes out reads the state as it is.
struct meta_config {
  meta_loss loss = meta_loss::independent;
  double l2 = 1e-4;
  double tolerance = 1e-7;  ///< of the largest element of the gradient
  int max_iterations = 500;
};

namespace detail {
struct cross_entropy_loss {
  LAGOM_INLINE static void at(double z, bool positive, double& value, double& slope) noexcept {
    value = softplus(positive ? -z : z);
    slope = sigmoid(z) - (positive ? 1.0 : 0.0);
  }
};

/// Balanced within each layer.
template <backend B, scalar T>
result<done> weigh_independent(const labelled_states_view<T>& data, std::vector<double>& weight) {
  const auto layers = static_cast<std::size_t>(data.layers);
  std::vector<double> rows(layers), positives(layers);
  for (index_t i = 0; i < data.cells(); ++i) {
    const auto l = static_cast<std::size_t>(i) % layers;
    rows[l] += data.labels[i] != 0;
    positives[l] += data.labels[i] > 0;
  }
  double counted = 0;
  for (std::size_t l = 0; l < layers; ++l) counted += positives[l] > 0 && positives[l] < rows[l];
  if (!(counted > 0)) return failure{.code = errc::one_class, .key = "label at every layer"};
  for (index_t i = 0; i < data.cells(); ++i) {
    const auto l = static_cast<std::size_t>(i) % layers;
    if (data.labels[i] == 0 || !(positives[l] > 0 && positives[l] < rows[l])) continue;
    const double f = positives[l] / rows[l];  // sum of all c_i: 2 rows f (1 - f)
    weight[static_cast<std::size_t>(i)] =
        (data.labels[i] > 0 ? 1 - f : f) / (2 * rows[l] * f * (1 - f) * counted);
  }
  return done{};
}

/// Every layer up to the first right one: the likelihood of that layer is theirs.
template <backend B, scalar T>
result<done> weigh_geometric(const labelled_states_view<T>& data, std::vector<double>& weight) {
  double sequences = 0;
  index_t counted = 0, positives = 0;
  for (index_t s = 0; s < data.sequences(); ++s) {
    bool any = false;
    for (int l = 0; l < data.layers; ++l) {
      const index_t i = s * data.layers + l;
      if (data.labels[i] == 0) continue;
      any = true;
      weight[static_cast<std::size_t>(i)] = 1;
      ++counted;
      positives += data.labels[i] > 0;
      if (data.labels[i] > 0) break;
    }
    sequences += any;
  }
  if (positives == 0 || positives == counted)
    return failure{.code = errc::one_class, .key = "label up to the first right layer"};
  for (double& w : weight) w /= sequences;
  return done{};
}
}  // namespace detail

/// Fits the meta head on labelled hidden states (label them with `agrees_with_final`), by L-BFGS. Convex: the minimum is
/// the only one where l2 > 0. Deterministic, whatever runs it.
///
/// ```cpp
/// auto labelled = lagom::label(trace, states, lagom::label_kind::agrees_with_final);
/// auto head = lagom::fit(lagom::meta_config{}, labelled->view());
/// lagom::exit_policy policy{lagom::features{head->model.signal()}, lagom::threshold{0.9f}};
/// ```
/// Source: Schuster et al. 2022, arXiv 2207.07061, section 3.5 (both objectives).
/// Fails with `empty`, `wrong_shape`, `bad_value`, `not_finite` (row = the cell), `one_class`, `not_converged` (a number
/// that is not finite). Cost: 2 h multiply-adds a cell and iteration.
template <backend B = portable, scalar T, executor E = seq>
[[nodiscard]] result<fitted<linear_probe<meta_confidence>>> fit(const meta_config& config,
                                                                const labelled_states_view<T>& data,
                                                                const E& run = {}) {
  detail::state_cells cells;
  if (auto sound = detail::check_labelled_states<B>(data, cells.report); !sound) return sound.error();
  cells.weight.resize(static_cast<std::size_t>(data.cells()));
  auto ok = config.loss == meta_loss::geometric ? detail::weigh_geometric<B>(data, cells.weight)
                                                : detail::weigh_independent<B>(data, cells.weight);
  if (!ok) return ok.error();
  return detail::fit_linear_probe<meta_confidence, B, detail::cross_entropy_loss>(
      data, cells, config.l2, config.tolerance, config.max_iterations, run);
}

}  // namespace v0
}  // namespace lagom
