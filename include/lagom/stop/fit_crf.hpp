// SPDX-License-Identifier: MIT
/// @file stop/fit_crf.hpp
/// Fitting a linear-chain conditional random field.
#pragma once

#include "bfgs.hpp"
#include "crf.hpp"
#include "crf_chains.hpp"
#include "crf_objective.hpp"

namespace lagom {
inline namespace v0 {

/// min -sum over sequences of log P(y | x) + c2 |theta|^2, theta being all weights, biases and transitions: what
/// CRFsuite minimises with algorithm=lbfgs, c1=0, feature.possible_states and feature.possible_transitions on and
/// a constant attribute (the bias) in every item.
struct crf_config {
  double c2 = 1;
  bool standardize = true;
  double tolerance = 1e-12;  ///< of the objective, relative
  int max_iterations = 1000;
};

namespace detail {

/// The objective of the fit over groups of sequences: every `every`-th of them, messages in T.
template <std::size_t N, backend B, class T, executor E>
struct crf_lanes {
  static constexpr std::size_t parameters = crf_objective<N, B>::parameters;
  using vector = typename crf_objective<N, B>::vector;
  static constexpr std::size_t groups_of_a_task = 32;

  const chain_groups<N, B>& groups;
  double c2;
  std::size_t every;
  const E& run;

  /// False where T has no room for the messages.
  bool operator()(const vector& theta, vector& gradient, double& value) const {
    const double* const transition = theta.data() + 2 * N + 2;
    chain_model<N, T> model{};
    for (std::size_t j = 0; j < N; ++j) model.weights[j] = static_cast<T>(theta[N + j] - theta[j]);
    model.bias = static_cast<T>(theta[2 * N + 1] - theta[2 * N]);
    double lowest = transition[0], highest = transition[0];
    for (std::size_t k = 1; k < 4; ++k) {
      lowest = transition[k] < lowest ? transition[k] : lowest;
      highest = transition[k] > highest ? transition[k] : highest;
    }
    model.highest = highest;
    for (std::size_t k = 0; k < 4; ++k)
      model.move[k] = exp_nonpositive(static_cast<T>(transition[k] - highest));
    model.farthest = static_cast<T>((sizeof(T) == 4 ? 60.0 : 600.0) - (highest - lowest));

    struct part {
      double log_z = 0;
      chain_counts<N> surplus{};  // expected less observed
      bool sound = true;
    };
    const std::size_t used = (groups.size() + every - 1) / every;
    std::vector<part> parts((used + groups_of_a_task - 1) / groups_of_a_task);
    run(static_cast<index_t>(parts.size()), [&](index_t task) {
      const std::size_t first = static_cast<std::size_t>(task) * groups_of_a_task;
      const std::size_t last = first + groups_of_a_task < used ? first + groups_of_a_task : used;
      chain_pass<N, B, T> pass(model);
      part p;
      for (std::size_t g = first; g < last; ++g) {
        pass.push(groups[g * every], groups.features(g * every));
        for (std::size_t i = 0; i < N + 5; ++i) p.surplus[i] -= groups.observed(g * every)[i];
      }
      p.log_z = pass.log_z();
      for (std::size_t i = 0; i < N + 5; ++i) p.surplus[i] += pass.expected()[i];
      p.sound = pass.sound();
      parts[static_cast<std::size_t>(task)] = p;
    });

    gradient = {};
    value = 0;
    bool sound = model.farthest > 0;
    chain_counts<N> surplus{};
    for (const part& p : parts) {
      sound = sound && p.sound;
      value += p.log_z;
      for (std::size_t i = 0; i < N + 5; ++i) surplus[i] += p.surplus[i];
    }
    for (std::size_t g = 0; g < used; ++g) {
      const chain_counts<N>& seen = groups.observed(g * every);
      for (std::size_t j = 0; j < N; ++j) value -= (theta[N + j] - theta[j]) * seen[j];
      value -= (theta[2 * N + 1] - theta[2 * N]) * seen[N];
      for (std::size_t k = 0; k < 4; ++k) value -= transition[k] * seen[N + 1 + k];
    }
    for (std::size_t j = 0; j < N; ++j) {
      gradient[j] = -surplus[j];
      gradient[N + j] = surplus[j];
    }
    gradient[2 * N] = -surplus[N];
    gradient[2 * N + 1] = surplus[N];
    for (std::size_t k = 0; k < 4; ++k) gradient[2 * N + 2 + k] = surplus[N + 1 + k];
    if (value < 0) value = 0;  // -log P, but for rounding
    const double share = c2 / static_cast<double>(every);
    for (std::size_t i = 0; i < parameters; ++i) {
      value += share * theta[i] * theta[i];
      gradient[i] += 2 * share * theta[i];
    }
    return sound && is_finite(&value);
  }
};

/// Minimises the objective in stages: a sixteenth of the groups and then all in float, all in double; over logarithms where
/// even double has no room for the messages.
template <std::size_t N, backend B, executor E>
auto fit_chain(const training_rows<N>& rows, const crf_config& config, const E& run, fit_report& report) {
  using solver = bfgs<B, crf_objective<N, B>::parameters>;
  const chain_groups<N, B> groups(rows);
  solver s;
  if (groups.size() >= 64) {
    crf_lanes<N, B, float, E> few{groups, config.c2, 16, run};
    s.descend(few, 1e-9, config.max_iterations, false);
    s.scale(16);
    s.iterations = 0;
  }
  crf_lanes<N, B, float, E> quick{groups, config.c2, 1, run};
  auto end = s.descend(quick, 1e-9, config.max_iterations, false);
  crf_lanes<N, B, double, E> exact{groups, config.c2, 1, run};
  end = s.descend(exact, config.tolerance, config.max_iterations, true);
  if (end == solver::end::unsound) {
    const std::vector<float> x = scaled_features<N, B>(rows);
    crf_objective<N, B> f(x.data(), rows.data, config.c2);
    const auto logarithmic = [&f](const auto& theta, auto& gradient, double& value) {
      value = f(theta, gradient);
      return true;
    };
    end = s.descend(logarithmic, config.tolerance, config.max_iterations, true);
  }
  report.iterations = s.iterations;
  report.converged = end == solver::end::minimum;
  report.objective = s.value;
  return s.theta;
}

}  // namespace detail

/// Fits the CRF on the first N features. Sequences are those of the data set. Deterministic, whatever runs it.
/// Cost: O(rows N) an evaluation; over many sequences some 10 in float lanes and 5 in double, many more where c2 is small
/// and the labels are nearly separable.
/// Fails like `fit(linear_svm_config, ...)`, with `bad_value` for a c2 that is negative or not finite and
/// `unsupported` for rows of other weight than 1: a chain has no weights within.
template <std::size_t N, backend B = portable, executor E = seq>
result<fitted<standardized<crf<N>>>> fit(const crf_config& config, const dataset_view& data,
                                         const E& run = {}) {
  if (config.c2 != 0) {
    if (auto ok = detail::check_positive<B>(config.c2, "c2"); !ok) return ok.error();
  }
  if (auto ok = detail::check_shape<B>(data, N); !ok) return ok.error();
  for (index_t i = 0; i < data.weights.size(); ++i) {
    if (data.weights[i] != 1)
      return failure{.code = errc::unsupported, .key = "weight", .row = static_cast<std::uint64_t>(i)};
  }
  auto rows = detail::prepare<N, B>(data, config.standardize);
  if (!rows) return rows.error();
  fitted<standardized<crf<N>>> out{.model = {.scale = rows->scale}, .report = rows->report};
  const auto theta = detail::fit_chain<N, B>(*rows, config, run, out.report);
  auto& rule = out.model.rule;
  for (std::size_t y = 0; y < 2; ++y) {
    for (std::size_t j = 0; j < N; ++j) rule.weights[y][j] = static_cast<float>(theta[y * N + j]);
    rule.bias[y] = static_cast<float>(theta[2 * N + y]);
    for (std::size_t to = 0; to < 2; ++to)
      rule.transitions[y][to] = static_cast<float>(theta[2 * N + 2 + 2 * y + to]);
  }
  return detail::finished<B>(
      std::move(out), {vec_view<const float>(rule.weights[0], N), vec_view<const float>(rule.weights[1], N),
                       vec_view<const float>(rule.bias, 2), vec_view<const float>(rule.transitions[0], 2),
                       vec_view<const float>(rule.transitions[1], 2)});
}

}  // namespace v0
}  // namespace lagom
