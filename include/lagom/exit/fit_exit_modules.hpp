// SPDX-License-Identifier: MIT
/// @file exit/fit_exit_modules.hpp
/// Training exit modules on recorded states, the model itself frozen.
#pragma once

#include "../core/random.hpp"
#include "../core/result.hpp"
#include "../stop/adam.hpp"
#include "exit_module_gradient.hpp"
#include "exit_modules.hpp"
#include "hidden_states.hpp"
#include "module_target.hpp"
#include "replay.hpp"

namespace lagom {
inline namespace v0 {

/// Mean loss over rows, by Adam over shuffled mini-batches, the rate falling evenly to 0. A module starts as the model's own
/// probe (A = 0, D = 0, g the model's), so that training can only add to it.
struct exit_modules_config {
  exit_module kind = exit_module::linear;
  index_t inner = 0;  ///< units of an `mlp`
  module_target target = module_target::distribution;
  bool weigh_by_confidence =
      false;  ///< loss times the module's own top_prob (EE-Tuning's dynamic token weights)
  int epochs = 8;
  index_t batch = 32;
  adam_config optimizer{};
  index_t max_rows = 4000;  ///< trained on so many rows, drawn evenly; 0 = all
  std::uint64_t seed = 1;
};

/// The modules, and the mean loss of every layer before and after on the rows that chose among the epochs: every eighth, not
/// trained on (all rows where there are fewer than 16). A module that no epoch improved was thrown away: before and after are
/// then the same.
struct fitted_modules {
  exit_modules model;
  std::vector<double> before, after;  ///< 0 at layers that were not trained
  index_t rows = 0;                   ///< rows trained on
};

namespace detail {

/// Everything the training of one layer reads.
template <backend B, scalar T, scalar W>
struct module_training {
  const exit_modules_config& config;
  const hidden_states<T>& states;
  mat_view<const W> rows;
  float scale;
  vec_view<const float> norm;  ///< the model's final norm
  double epsilon;
  std::vector<index_t> train, judge;
  std::vector<token_id> hard;  ///< row of the head that answers, for every row of `states` that is used

  void state(index_t row, int layer, float* x) const noexcept {
    const auto from = states.at(row, layer);
    for (index_t j = 0; j < from.size(); ++j) x[j] = static_cast<float>(from[j]);
  }
};

template <backend B, scalar T, scalar W>
class module_trainer {
 public:
  module_trainer(const module_training<B, T, W>& with, const exit_module_shape& shape, int layer)
      : with_(with),
        layer_(layer),
        shape_(shape),
        module_(shape, with.epsilon, with.rows, with.scale),
        teacher_({.width = shape.width}, with.epsilon, with.rows, with.scale),
        theta_(static_cast<std::size_t>(shape.parameters())),
        x_(static_cast<std::size_t>(shape.width)),
        last_(static_cast<std::size_t>(shape.width)),
        target_(static_cast<std::size_t>(with.rows.rows())) {
    for (index_t j = 0; j < shape.width; ++j) theta_[static_cast<std::size_t>(j)] = with.norm[j];
    if (shape.kind != exit_module::mlp) return;
    const philox random{with.config.seed};
    const double bound = 1 / sqrt(static_cast<double>(shape.width));
    const auto h = static_cast<std::size_t>(shape.width), i = static_cast<std::size_t>(shape.inner);
    for (std::size_t k = h; k < 2 * h; ++k) theta_[k] = 1;
    for (std::size_t k = 2 * h; k < 2 * h + 2 * i * h; ++k)
      theta_[k] = static_cast<float>((2 * random.uniform(stream(0), k) - 1) * bound);
  }

  [[nodiscard]] const std::vector<float>& parameters() const noexcept { return theta_; }

  /// Trains, and keeps the parameters of the epoch that judged best: its loss, `before` where none was better.
  double train(double before) {
    const exit_modules_config& c = with_.config;
    std::vector<float> best = theta_;
    const auto n = static_cast<index_t>(with_.train.size());
    const philox random{c.seed};
    adam<B> optimizer(c.optimizer, shape_.parameters());
    std::vector<float> gradient(theta_.size());
    std::vector<index_t> order = with_.train;
    const double steps = static_cast<double>(c.epochs) * static_cast<double>((n + c.batch - 1) / c.batch);
    double step = 0;
    for (int epoch = 0; epoch < c.epochs; ++epoch) {
      for (std::size_t i = order.size(); i > 1; --i) {
        const auto j = random.below(i, stream(1), static_cast<std::uint64_t>(epoch) * order.size() + i);
        std::swap(order[i - 1], order[static_cast<std::size_t>(j)]);
      }
      for (index_t first = 0; first < n; first += c.batch, ++step) {
        const index_t end = first + c.batch < n ? first + c.batch : n;
        for (float& g : gradient) g = 0;
        for (index_t k = first; k < end; ++k)
          add(order[static_cast<std::size_t>(k)], 1 / static_cast<float>(end - first), gradient.data());
        optimizer.step(theta_, gradient, 1 - step / steps);
      }
      const double now = judged();
      if (is_finite(&now) && now < before) {
        before = now;
        best = theta_;
      }
    }
    theta_ = best;
    return before;
  }

  /// Mean loss over the rows that judge.
  double judged() noexcept {
    double sum = 0;
    for (const index_t row : with_.judge) sum += loss(row);
    return sum / static_cast<double>(with_.judge.size());
  }

  /// Cross-entropy of one row, less the entropy of a soft target. The forward pass stays for `add`.
  double loss(index_t row) noexcept {
    with_.state(row, layer_, x_.data());
    module_.forward(theta_.data(), x_.data());
    if (with_.config.target == module_target::distribution) {
      with_.state(row, with_.states.layers() - 1, last_.data());
      teacher_.forward(with_.norm.data(), last_.data());
    }
    return module_loss(with_.config.target, module_, teacher_, with_.hard[static_cast<std::size_t>(row)],
                       target_.data());
  }

  /// Adds the gradient of one row's loss.
  void add(index_t row, float weight, float* gradient) noexcept {
    (void)loss(row);
    if (!module_.stats().valid()) return;
    if (with_.config.weigh_by_confidence) weight *= module_.stats().top_prob();
    const bool soft = with_.config.target == module_target::distribution;
    module_.add(theta_.data(), x_.data(), soft ? target_.data() : nullptr,
                with_.hard[static_cast<std::size_t>(row)], weight, gradient);
  }

 private:
  [[nodiscard]] std::uint64_t stream(std::uint64_t use) const noexcept {
    return 2 * static_cast<std::uint64_t>(layer_) + use;
  }

  const module_training<B, T, W>& with_;
  int layer_;
  exit_module_shape shape_;
  exit_module_gradient<B, W> module_, teacher_;
  std::vector<float> theta_, x_, last_, target_;
};

template <backend B, scalar T>
bool finite_states(const hidden_states<T>& states, index_t row) noexcept {
  for (int l = 0; l < states.layers(); ++l) {
    const auto x = states.at(row, l);
    for (index_t j = 0; j < x.size(); ++j) {
      const auto v = static_cast<float>(x[j]);
      if (!is_finite(&v)) return false;
    }
  }
  return true;
}

}  // namespace detail

/// Trains a module for every layer that `probed` looks at but the last, on the states of the rows for which `keep(row)` is true
/// and all is finite, against what the model says of them after its last layer.
///
/// ```cpp
/// auto fitted = lagom::fit(lagom::exit_modules_config{}, states, head);
/// std::vector<float> scratch(fitted->model.shape().scratch());
/// auto ok = lagom::record_answers(trace, states, [&](lagom::layer_index l) { return fitted->model.at(l, head, scratch); });
/// ```
/// Deterministic: seed and data give the same bits, whatever runs it (one task a layer). The head's final norm must be an
/// `rms_norm`. Fails with `wrong_shape` (states and head), `bad_value` (a setting), `empty` (no row). Cost a row, epoch and
/// layer: 2 V h multiply-adds (3 V h against distributions) and 3 times the module's.
template <backend B = portable, scalar T, scalar W, scalar G, class Keep = every_row,
          schedule Schedule = every_layer, executor E = seq>
  requires std::same_as<accumulator_t<T>, float>
[[nodiscard]] result<fitted_modules> fit(const exit_modules_config& config, const hidden_states<T>& states,
                                         const head<W, rms_norm<G>>& to, const Keep& keep = {},
                                         const Schedule& probed = {}, const E& run = {}) {
  const auto bad = [](std::string_view key) { return failure{.code = errc::bad_value, .key = key}; };
  if (config.epochs < 0) return bad("epochs");
  if (config.batch <= 0) return bad("batch");
  if (config.kind == exit_module::mlp && config.inner <= 0) return bad("inner");
  if (!is_finite(&config.optimizer.learning_rate) || config.optimizer.learning_rate <= 0)
    return bad("learning_rate");
  if (to.rows.cols() != states.width() || to.norm.weight.size() != states.width()) {
    return failure{.code = errc::wrong_shape,
                   .key = "head",
                   .expected = static_cast<std::uint64_t>(states.width()),
                   .found = static_cast<std::uint64_t>(to.rows.cols())};
  }
  std::vector<index_t> used;
  for (index_t row = 0; row < states.rows(); ++row) {
    if (keep(row) && detail::finite_states<B>(states, row)) used.push_back(row);
  }
  if (used.empty() || to.rows.rows() == 0) return failure{.code = errc::empty, .key = "hidden states"};
  std::vector<float> norm;
  for (index_t j = 0; j < states.width(); ++j)
    norm.push_back(static_cast<float>(to.norm.weight[j]) + (to.norm.unit_offset ? 1.0f : 0.0f));
  detail::module_training<B, T, W> with{config, states, to.rows, to.scale, norm, to.norm.epsilon, {}, {}, {}};
  const auto all = static_cast<index_t>(used.size());
  const index_t n = config.max_rows > 0 && config.max_rows < all ? config.max_rows : all;
  const philox random{0};
  with.hard.resize(static_cast<std::size_t>(states.rows()), no_token);
  for (index_t k = 0; k < n; ++k) {  // one row from each of n equal stretches
    const index_t first = k * all / n, width = (k + 1) * all / n - first;
    const auto skip = random.below(static_cast<std::uint64_t>(width), 0, static_cast<std::uint64_t>(k));
    const index_t row = used[static_cast<std::size_t>(first) + static_cast<std::size_t>(skip)];
    const auto answer = unembed(B{}, states.at(row, states.layers() - 1), to);
    if (!answer.valid()) continue;
    with.hard[static_cast<std::size_t>(row)] = answer.top - to.first_token;
    (n >= 16 && k % 8 == 7 ? with.judge : with.train).push_back(row);
  }
  if (with.train.empty()) return failure{.code = errc::empty, .key = "valid answers"};
  if (with.judge.empty()) with.judge = with.train;
  const exit_module_shape shape{config.kind, states.width(),
                                config.kind == exit_module::mlp ? config.inner : 0};
  const auto layers = static_cast<std::size_t>(states.layers());
  fitted_modules out{.model = exit_modules(states.layers(), shape, norm, to.norm.epsilon),
                     .before = std::vector<double>(layers),
                     .after = std::vector<double>(layers),
                     .rows = static_cast<index_t>(with.train.size())};
  run(states.layers() - 1, [&](index_t l) {
    const auto layer = static_cast<int>(l);
    if (!probed(layer_index(layer), states.layers())) return;
    detail::module_trainer<B, T, W> trainer(with, shape, layer);
    double& before = out.before[static_cast<std::size_t>(l)];
    double& after = out.after[static_cast<std::size_t>(l)];
    before = trainer.judged();
    after = trainer.train(before);
    if (after < before) out.model.set(layer, trainer.parameters());
  });
  return out;
}

}  // namespace v0
}  // namespace lagom
