// SPDX-License-Identifier: MIT
/// @file stop/fit_specee.hpp
/// Fitting SpecEE's predictors.
#pragma once

#include "../core/executor.hpp"
#include "fit.hpp"
#include "perceptron.hpp"
#include "specee.hpp"

namespace lagom {
inline namespace v0 {

/// Binary cross-entropy of perceptrons 3 K -> hidden -> ReLU -> 1, by Adam over shuffled mini-batches from PyTorch's initial
/// distribution; the paper's numbers are the defaults (batch, shuffling and the standardisation of inputs are not stated).
struct specee_config {
  index_t hidden = 512;
  int epochs = 100;
  index_t batch = 64;
  adam_config optimizer{};     ///< rate 1e-3
  bool per_layer = true;       ///< a perceptron a layer; else one for all
  bool standardize = true;     ///< inputs, folded into the first weights at the end
  double negative_weight = 1;  ///< of the rows where stopping is wrong
  index_t max_rows = 0;        ///< a perceptron is trained on so many rows, drawn evenly; 0 = all
  std::uint64_t seed = 1;
};

namespace detail {

/// Mean and 1 / deviation of every input (1 for a constant one).
template <backend B>
void scale_inputs(perceptron_rows& rows, std::size_t inputs, std::vector<float>& mean,
                  std::vector<float>& inverse_deviation) {
  const auto n = static_cast<double>(rows.label.size());
  for (std::size_t f = 0; f < inputs; ++f) {
    double m = 0, square = 0;
    for (std::size_t i = f; i < rows.inputs.size(); i += inputs) m += static_cast<double>(rows.inputs[i]);
    m /= n;
    for (std::size_t i = f; i < rows.inputs.size(); i += inputs) {
      const double d = static_cast<double>(rows.inputs[i]) - m;
      square += d * d;
    }
    const double deviation = sqrt(square / n);
    mean[f] = static_cast<float>(m);
    inverse_deviation[f] =
        deviation > 1e-7 * (1 + (m < 0 ? -m : m)) ? static_cast<float>(1 / deviation) : 1.0f;
    for (std::size_t i = f; i < rows.inputs.size(); i += inputs)
      rows.inputs[i] = (rows.inputs[i] - mean[f]) * inverse_deviation[f];
  }
}

/// One perceptron from its rows: its parameters, the sum of its losses, that of the best constant, its steps.
struct trained_perceptron {
  std::vector<float> theta;
  double loss = 0, constant_loss = 0, weight = 0;
  int steps = 0;
};
template <backend B>
trained_perceptron train_perceptron(perceptron_rows& rows, std::size_t inputs, const specee_config& config,
                                    std::uint64_t stream) {
  trained_perceptron out;
  perceptron<B> net(static_cast<index_t>(inputs), config.hidden);
  double positive = 0;
  for (std::size_t i = 0; i < rows.label.size(); ++i) {
    out.weight += static_cast<double>(rows.weight[i]);
    positive += rows.label[i] > 0 ? static_cast<double>(rows.weight[i]) : 0.0;
  }
  if (!(positive > 0 &&
        positive < out.weight)) {  // nothing to separate: a constant, never where there are no rows
    net.theta.back() = positive > 0 ? 20.0f : -20.0f;
    out.theta = std::move(net.theta);
    return out;
  }
  std::vector<float> mean(inputs, 0.0f), inverse_deviation(inputs, 1.0f);
  if (config.standardize) scale_inputs<B>(rows, inputs, mean, inverse_deviation);
  const philox random{config.seed};
  net.start(random, 2 * stream);
  out.steps = net.train(rows, config.optimizer, config.epochs, config.batch, random, 2 * stream + 1);
  std::vector<index_t> all(rows.label.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<index_t>(i);
  out.loss = out.weight * net.loss(rows, all.data(), static_cast<index_t>(all.size()), nullptr);
  const double f = positive / out.weight;
  out.constant_loss = -out.weight * (f * log(f) + (1 - f) * log(1 - f));
  if (config.standardize) net.fold(mean, inverse_deviation);
  out.theta = std::move(net.theta);
  return out;
}

/// The rows of every perceptron.
template <std::size_t K, backend B>
result<std::vector<perceptron_rows>> specee_rows(const specee_config& config, const dataset_view& data) {
  using rule = specee<K>;
  constexpr int most_layers = 4096;
  std::vector<perceptron_rows> nets(1);
  std::vector<float> x(rule::width);
  for (index_t s = 0; s < data.sequence_count(); ++s) {
    typename rule::state state;
    for (index_t i = data.sequence_begin(s); i < data.sequence_end(s); ++i) {
      for (std::size_t f = 0; f < rule::width; ++f) x[f] = data.features(static_cast<index_t>(f), i);
      float in[rule::inputs];
      rule::remember(state, x, in);
      const float layer = x[2 * K + 1];
      if (!(layer >= 0 && layer < static_cast<float>(most_layers)))
        return failure{.code = errc::bad_value, .key = "layer", .row = static_cast<std::uint64_t>(i)};
      if (!(data.weight(i) > 0)) continue;
      const std::size_t net = config.per_layer ? static_cast<std::size_t>(layer) : 0;
      if (net >= nets.size()) nets.resize(net + 1);
      const bool positive = data.labels[i] > 0;
      nets[net].inputs.insert(nets[net].inputs.end(), in, in + rule::inputs);
      nets[net].label.push_back(positive ? 1.0f : 0.0f);
      nets[net].weight.push_back(data.weight(i) *
                                 (positive ? 1.0f : static_cast<float>(config.negative_weight)));
    }
  }
  return nets;
}

/// One row from each of `most` equal stretches.
template <backend B>
void thin_out(perceptron_rows& rows, std::size_t inputs, index_t most) {
  const auto n = static_cast<index_t>(rows.label.size());
  if (most <= 0 || n <= most) return;
  const philox random{0};
  for (index_t k = 0; k < most; ++k) {
    const index_t first = k * n / most, end = (k + 1) * n / most;
    const auto skip = random.below(static_cast<std::uint64_t>(end - first), 0, static_cast<std::uint64_t>(k));
    const auto from = static_cast<std::size_t>(first) + static_cast<std::size_t>(skip);
    const auto to = static_cast<std::size_t>(k);
    for (std::size_t f = 0; f < inputs; ++f) rows.inputs[to * inputs + f] = rows.inputs[from * inputs + f];
    rows.label[to] = rows.label[from];
    rows.weight[to] = rows.weight[from];
  }
  const auto kept = static_cast<std::size_t>(most);
  rows.inputs.resize(kept * inputs);
  rows.label.resize(kept);
  rows.weight.resize(kept);
}

template <backend B>
result<done> check_specee(const specee_config& c) {
  const auto bad = [](std::string_view key) { return failure{.code = errc::bad_value, .key = key}; };
  if (c.hidden <= 0) return bad("hidden");
  if (c.epochs < 0) return bad("epochs");
  if (c.batch <= 0) return bad("batch");
  if (auto ok = check_positive<B>(c.negative_weight, "negative_weight"); !ok) return ok;
  return check_positive<B>(c.optimizer.learning_rate, "learning_rate");
}

}  // namespace detail

/// Trains the predictors on what `label` makes of a trace with a recorded `candidate_probe<K, Head>`:
///
/// ```cpp
/// using probe = lagom::candidate_probe<4, decltype(head)>;
/// const auto of_row = [&](lagom::index_t row) { return probe{head, drafts[row]}; };
/// auto ok = lagom::record_signal(trace, states, of_row);
/// auto data = lagom::label(trace, lagom::features<probe>{}, lagom::label_kind::agrees_with_final);
/// auto predictor = lagom::fit<4>(lagom::specee_config{}, data->view());
/// ```
/// A layer whose labels are all the same gets that constant. Deterministic: seed and data give the same bits, whatever runs
/// it (one task a perceptron). `report.objective` is the mean cross-entropy over the training rows, `iterations` the steps of
/// all, `converged` whether it beats the best constants.
///
/// Fails as the other fits do, and with `bad_value` for a layer that is none. Cost: 3 hidden (3 K + 1) multiply-adds a row and
/// epoch.
template <std::size_t K, backend B = portable, executor E = seq>
[[nodiscard]] result<fitted<specee<K>>> fit(const specee_config& config, const dataset_view& data,
                                            const E& run = {}) {
  using rule = specee<K>;
  if (auto ok = detail::check_specee<B>(config); !ok) return ok.error();
  const auto counts = detail::check_dataset<B>(data, rule::width);
  if (!counts) return counts.error();
  auto nets = detail::specee_rows<K, B>(config, data);
  if (!nets) return nets.error();
  std::vector<detail::trained_perceptron> trained(nets->size());
  run(static_cast<index_t>(nets->size()), [&](index_t k) {
    detail::perceptron_rows& rows = (*nets)[static_cast<std::size_t>(k)];
    detail::thin_out<B>(rows, rule::inputs, config.max_rows);
    trained[static_cast<std::size_t>(k)] =
        detail::train_perceptron<B>(rows, rule::inputs, config, static_cast<std::uint64_t>(k));
  });
  fitted<rule> out{.model = {}, .report = {.rows = counts->rows, .positives = counts->positives}};
  out.model.hidden = config.hidden;
  double weight = 0, constant = 0;
  for (const auto& net : trained) {
    out.model.parameters.insert(out.model.parameters.end(), net.theta.begin(), net.theta.end());
    out.report.objective += net.loss;
    out.report.iterations += net.steps;
    constant += net.constant_loss;
    weight += net.weight;
  }
  out.report.converged = out.report.objective < constant;
  out.report.objective /= weight;
  const vec_view<const float> parameters = out.model.parameters;
  return detail::finished<B>(std::move(out), {parameters});
}

}  // namespace v0
}  // namespace lagom
