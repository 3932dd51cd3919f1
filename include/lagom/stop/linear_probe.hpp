// SPDX-License-Identifier: MIT
/// @file stop/linear_probe.hpp
/// A fitted linear signal of the hidden state: its weights, and the objective that the fits minimise.
#pragma once

#include <vector>

#include "../core/executor.hpp"
#include "../kernel/dot.hpp"
#include "fit.hpp"
#include "labelled_states.hpp"
#include "lbfgs.hpp"

namespace lagom {
inline namespace v0 {

/// Owns the weights of a signal that multiplies the hidden state: `lte`, `meta_confidence`.
template <class Signal>
struct linear_probe {
  std::vector<float> weights;
  float bias = 0;

  /// The signal, which sees these weights. Valid as long as they are.
  [[nodiscard]] LAGOM_INLINE Signal signal() const& noexcept { return {weights, bias}; }
  Signal signal() const&& = delete;
};

namespace detail {

/// Weights of the cells of a data set, mean and deviation of its states.
struct state_cells {
  std::vector<double> weight;  ///< 0 = left out
  std::vector<double> mean, inverse_deviation;
  fit_report report{};
};

/// What every fit on states refuses: shapes that disagree, states that are not finite, labels all the same.
template <backend B, scalar T>
result<done> check_labelled_states(const labelled_states_view<T>& data, fit_report& report) {
  const auto same = [](std::string_view key, index_t expected, index_t found) -> result<done> {
    if (expected == found) return done{};
    return failure{.code = errc::wrong_shape,
                   .key = key,
                   .expected = static_cast<std::uint64_t>(expected),
                   .found = static_cast<std::uint64_t>(found)};
  };
  if (data.cells() == 0 || data.width() == 0) return failure{.code = errc::empty, .key = "hidden states"};
  if (auto ok = same("states", data.cells(), data.states.rows()); !ok) return ok;
  if (data.layers <= 0) return failure{.code = errc::bad_value, .key = "layers"};
  if (auto ok = same("layers of the last sequence", 0, data.cells() % data.layers); !ok) return ok;
  for (index_t i = 0; i < data.cells(); ++i) {
    const int label = data.labels[i];
    if (label == 0) continue;
    const auto fail = [i](errc code, std::string_view key) {
      return failure{.code = code, .key = key, .row = static_cast<std::uint64_t>(i)};
    };
    if (label != 1 && label != -1) return fail(errc::bad_value, "label");
    ++report.rows;
    report.positives += label > 0;
    const auto state = data.states.row(i);
    for (index_t j = 0; j < state.size(); ++j) {
      const auto x = static_cast<accumulator_t<T>>(state[j]);
      if (!is_finite(&x)) return fail(errc::not_finite, "hidden state");
    }
  }
  if (report.positives == 0 || report.positives == report.rows)
    return failure{.code = errc::one_class, .key = "label"};
  return done{};
}

/// Mean and population deviation of every element of the states that count; a constant element keeps its size.
template <backend B, scalar T>
void scale_states(const labelled_states_view<T>& data, state_cells& cells) {
  const auto h = static_cast<std::size_t>(data.width());
  cells.mean.assign(h, 0);
  cells.inverse_deviation.assign(h, 0);
  const auto each = [&](const auto& add) {
    for (index_t i = 0; i < data.cells(); ++i) {
      if (!(cells.weight[static_cast<std::size_t>(i)] > 0)) continue;
      const auto state = data.states.row(i);
      for (std::size_t j = 0; j < h; ++j) add(j, static_cast<double>(state[static_cast<index_t>(j)]));
    }
  };
  double n = 0;
  for (const double w : cells.weight) n += w > 0 ? 1 : 0;
  each([&](std::size_t j, double x) { cells.mean[j] += x; });
  for (double& m : cells.mean) m /= n;
  each([&](std::size_t j, double x) {
    cells.inverse_deviation[j] += (x - cells.mean[j]) * (x - cells.mean[j]);
  });
  for (std::size_t j = 0; j < h; ++j) {
    const double deviation = sqrt(cells.inverse_deviation[j] / n);
    const double size = cells.mean[j] < 0 ? -cells.mean[j] : cells.mean[j];
    cells.inverse_deviation[j] = deviation > 1e-7 * size && deviation > 1e-30 ? 1 / deviation : 1;
  }
}

/// F(w, b) = l2 / 2 |w|^2 + sum_i weight_i loss(w . x_i + b, y_i) over standardised states; the last unknown is b.
/// `Loss::at(z, positive, value, slope)`. Cut into blocks by the number of cells, joined in order: every executor gives
/// the same bits.
template <backend B, class Loss, scalar T, executor E>
class state_objective {
  static constexpr index_t block = 2048;

 public:
  state_objective(const labelled_states_view<T>& data, const state_cells& cells, double l2, const E& run)
      : data_(data), cells_(cells), l2_(l2), run_(run) {}

  bool operator()(const std::vector<double>& theta, std::vector<double>& gradient, double& value) const {
    const std::size_t h = theta.size() - 1;
    const std::vector<double> raw = unscaled(theta);
    const index_t blocks = (data_.cells() + block - 1) / block;
    std::vector<double> parts(static_cast<std::size_t>(blocks) * (h + 2));
    run_(blocks, [&](index_t k) { add(raw, k, parts.data() + static_cast<std::size_t>(k) * (h + 2)); });
    std::vector<double> sum(h + 2);
    for (std::size_t k = 0; k < static_cast<std::size_t>(blocks); ++k) {
      for (std::size_t j = 0; j < h + 2; ++j) sum[j] += parts[k * (h + 2) + j];
    }
    value = sum[h + 1];
    gradient[h] = sum[h];
    for (std::size_t j = 0; j < h; ++j) {
      value += l2_ / 2 * theta[j] * theta[j];
      gradient[j] = cells_.inverse_deviation[j] * (sum[j] - cells_.mean[j] * sum[h]) + l2_ * theta[j];
    }
    return is_finite(&value);
  }

  /// Weights of the states as they are, from those of standardised ones.
  [[nodiscard]] std::vector<double> unscaled(const std::vector<double>& theta) const {
    std::vector<double> raw = theta;
    for (std::size_t j = 0; j + 1 < theta.size(); ++j) {
      raw[j] *= cells_.inverse_deviation[j];
      raw.back() -= raw[j] * cells_.mean[j];
    }
    return raw;
  }

 private:
  /// Sums of slope * state, of slopes and of values, over one block.
  void add(const std::vector<double>& raw, index_t k, double* LAGOM_RESTRICT sums) const {
    const index_t h = data_.width();
    const index_t end = (k + 1) * block < data_.cells() ? (k + 1) * block : data_.cells();
    for (index_t i = k * block; i < end; ++i) {
      const double weight = cells_.weight[static_cast<std::size_t>(i)];
      if (!(weight > 0)) continue;
      const auto state = data_.states.row(i);
      const double z = dot(B{}, state, vec_view<const double>(raw.data(), h)) + raw.back();
      double loss = 0, slope = 0;
      Loss::at(z, data_.labels[i] > 0, loss, slope);
      slope *= weight;
      sums[h + 1] += weight * loss;
      sums[h] += slope;
      for (index_t j = 0; j < h; ++j) sums[j] += slope * static_cast<double>(state[j]);
    }
  }

  const labelled_states_view<T>& data_;
  const state_cells& cells_;
  double l2_;
  const E& run_;
};

/// The probe at the minimum.
template <class Signal, backend B, class Loss, scalar T, executor E>
result<fitted<linear_probe<Signal>>> fit_linear_probe(const labelled_states_view<T>& data, state_cells& cells,
                                                      double l2, double tolerance, int max_iterations,
                                                      const E& run) {
  if (!is_finite(&l2) || l2 < 0) return failure{.code = errc::bad_value, .key = "l2"};
  if (auto ok = check_positive<B>(tolerance, "tolerance"); !ok) return ok.error();
  scale_states<B>(data, cells);
  const state_objective<B, Loss, T, E> objective(data, cells, l2, run);
  lbfgs<B> solver;
  solver.theta.assign(static_cast<std::size_t>(data.width()) + 1, 0.0);
  const auto end = solver.descend(objective, tolerance, max_iterations);
  fitted<linear_probe<Signal>> out{.model = {}, .report = cells.report};
  out.report.objective = solver.value;
  out.report.iterations = solver.iterations;
  out.report.converged = end == lbfgs<B>::end::minimum;
  const auto raw = objective.unscaled(solver.theta);
  for (std::size_t j = 0; j + 1 < raw.size(); ++j) out.model.weights.push_back(static_cast<float>(raw[j]));
  out.model.bias = static_cast<float>(raw.back());
  const vec_view<const float> weights = out.model.weights;
  const vec_view<const float> bias(&out.model.bias, 1);
  return finished<B>(std::move(out), {weights, bias});
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
