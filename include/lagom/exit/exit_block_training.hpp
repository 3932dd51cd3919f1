// SPDX-License-Identifier: MIT
/// @file exit/exit_block_training.hpp
/// The training of a block module: batches whose answers share what they see, and the epoch that judges best.
#pragma once

#include "../core/random.hpp"
#include "../stop/adam.hpp"
#include "exit_block_gradient.hpp"
#include "hidden_sequences.hpp"
#include "module_target.hpp"

namespace lagom {
inline namespace v0 {

/// Mean loss over answers, by Adam over shuffled mini-batches, the rate falling evenly to 0.
struct exit_block_config {
  module_target target = module_target::distribution;
  bool weigh_by_confidence =
      false;  ///< loss times the module's own top_prob (EE-Tuning's dynamic token weights)
  int epochs = 4;
  index_t batch = 32;
  adam_config optimizer{};
  index_t max_rows = 4000;  ///< trained on so many answers, drawn evenly; 0 = all
  std::uint64_t seed = 1;
};

namespace detail {

/// Everything the training of a block reads.
template <backend B, scalar T, scalar W>
struct block_training {
  const exit_block_config& config;
  const hidden_sequences<T>& states;
  exit_block_shape shape;
  double epsilon;
  mat_view<const W> rows;
  float scale;
  vec_view<const float> norm;  ///< the model's final norm
  double norm_epsilon;
  std::vector<float> turns;  ///< of every position, head_dim each
  std::vector<index_t> train, judge;
  std::vector<token_id> hard;  ///< row of the head that answers, of every answer that is used
};

template <backend B, scalar T, scalar W>
class block_trainer {
 public:
  block_trainer(const block_training<B, T, W>& with, vec_view<const float> start)
      : with_(with),
        block_(with.shape, with.epsilon, with.rows, with.scale),
        model_({.width = with.shape.width}, with.norm_epsilon, with.rows, with.scale),
        bare_(model_),
        theta_(static_cast<std::size_t>(start.size())),
        x_(static_cast<std::size_t>(with.shape.width)),
        target_(static_cast<std::size_t>(with.rows.rows())),
        slot_(static_cast<std::size_t>(with.states.stored()), -1) {
    for (index_t j = 0; j < start.size(); ++j) theta_[static_cast<std::size_t>(j)] = start[j];
  }

  [[nodiscard]] std::vector<float>& parameters() noexcept { return theta_; }

  /// Trains, and keeps the parameters of the epoch that judged best: its loss, `before` where none was better.
  double train(double before) {
    const exit_block_config& c = with_.config;
    std::vector<float> best = theta_, gradient(theta_.size());
    std::vector<index_t> order = with_.train;
    const auto n = static_cast<index_t>(order.size());
    const philox random{c.seed};
    adam<B> optimizer(c.optimizer, static_cast<index_t>(theta_.size()));
    const double steps = static_cast<double>(c.epochs) * static_cast<double>((n + c.batch - 1) / c.batch);
    double step = 0;
    for (int epoch = 0; epoch < c.epochs; ++epoch) {
      for (std::size_t i = order.size(); i > 1; --i) {
        const auto j = random.below(i, 0, static_cast<std::uint64_t>(epoch) * order.size() + i);
        std::swap(order[i - 1], order[static_cast<std::size_t>(j)]);
      }
      for (index_t first = 0; first < n; first += c.batch, ++step) {
        const index_t count = first + c.batch < n ? c.batch : n - first;
        for (float& g : gradient) g = 0;
        (void)batch({order.data() + first, count}, gradient.data());
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

  /// Mean loss over the answers that judge.
  double judged() {
    double sum = 0;
    const auto n = static_cast<index_t>(with_.judge.size());
    for (index_t first = 0; first < n; first += with_.config.batch) {
      const index_t left = n - first;
      sum +=
          batch({with_.judge.data() + first, left < with_.config.batch ? left : with_.config.batch}, nullptr);
    }
    return sum / static_cast<double>(n);
  }

  /// Mean loss over the same answers of the model's own norm and head.
  double without() {
    double sum = 0;
    for (const index_t answer : with_.judge) {
      const auto [sequence, position] = with_.states.answered(answer);
      read(with_.states.state(with_.states.places(sequence)[position]));
      bare_.forward(with_.norm.data(), x_.data());
      sum += loss(bare_, answer);
    }
    return sum / static_cast<double>(with_.judge.size());
  }

 private:
  void read(vec_view<const T> from) noexcept {
    for (index_t j = 0; j < from.size(); ++j) x_[static_cast<std::size_t>(j)] = static_cast<float>(from[j]);
  }
  template <class Module>
  double loss(const Module& module, index_t answer) noexcept {
    if (with_.config.target == module_target::distribution) {
      read(with_.states.last(answer));
      model_.forward(with_.norm.data(), x_.data());
    }
    return module_loss(with_.config.target, module, model_, with_.hard[static_cast<std::size_t>(answer)],
                       target_.data());
  }

  /// Losses of some answers, summed; their mean's gradient where it is asked for. Positions that several of them see are
  /// computed once.
  double batch(vec_view<const index_t> answers, float* gradient) {
    used_.clear();
    for (index_t i = 0; i < answers.size(); ++i) {
      const auto [sequence, position] = with_.states.answered(answers[i]);
      const auto places = with_.states.places(sequence);
      for (index_t p = 0; p <= position; ++p) {
        index_t& slot = slot_[static_cast<std::size_t>(places[p])];
        if (slot >= 0) continue;
        slot = static_cast<index_t>(used_.size());
        used_.push_back({places[p], p});
      }
    }
    block_.begin(static_cast<index_t>(used_.size()));
    for (std::size_t slot = 0; slot < used_.size(); ++slot) {
      read(with_.states.state(used_[slot].place));
      block_.key_value(theta_.data(), static_cast<index_t>(slot), x_.data(),
                       with_.turns.data() + used_[slot].position * with_.shape.head_dim);
    }
    double sum = 0;
    const float share = 1 / static_cast<float>(answers.size());
    for (index_t i = 0; i < answers.size(); ++i) {
      const auto [sequence, position] = with_.states.answered(answers[i]);
      const auto places = with_.states.places(sequence);
      seen_.clear();
      for (index_t p = 0; p <= position; ++p) seen_.push_back(slot_[static_cast<std::size_t>(places[p])]);
      read(with_.states.state(places[position]));
      block_.forward(theta_.data(), x_.data(), seen_.data(), position + 1);
      sum += loss(block_, answers[i]);
      if (gradient == nullptr || !block_.stats().valid()) continue;
      const float weight = with_.config.weigh_by_confidence ? share * block_.stats().top_prob() : share;
      const bool soft = with_.config.target == module_target::distribution;
      block_.add(theta_.data(), seen_.data(), position + 1, soft ? target_.data() : nullptr,
                 with_.hard[static_cast<std::size_t>(answers[i])], weight, gradient);
    }
    if (gradient != nullptr) block_.finish(theta_.data(), gradient);
    for (const used& u : used_) slot_[static_cast<std::size_t>(u.place)] = -1;
    return sum;
  }

  struct used {
    index_t place, position;
  };
  const block_training<B, T, W>& with_;
  exit_block_gradient<B, W> block_;
  exit_module_gradient<B, W> model_, bare_;
  std::vector<float> theta_, x_, target_;
  std::vector<index_t> slot_, seen_;
  std::vector<used> used_;
};

}  // namespace detail
}  // namespace v0
}  // namespace lagom
