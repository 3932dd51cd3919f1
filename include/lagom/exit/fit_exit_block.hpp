// SPDX-License-Identifier: MIT
/// @file exit/fit_exit_block.hpp
/// Training a block module on recorded sequences, the model itself frozen.
#pragma once

#include "../core/result.hpp"
#include "exit_block_training.hpp"
#include "replay.hpp"

namespace lagom {
inline namespace v0 {

/// A trained block, and its mean loss on the answers that chose among the epochs: every eighth, not trained on (all where
/// there are fewer than 16).
template <rotation R = rope>
struct fitted_block {
  exit_block_shape shape{};
  std::vector<float> parameters;
  double epsilon = 1e-5;
  R turns{};
  /// Of the model's own norm and head at this layer: a block that stays above is not worth its cost.
  double without = 0;
  double before = 0;  ///< the block that it started as
  double after = 0;   ///< the epoch that judged best, or the start where none was better
  index_t rows = 0;   ///< answers trained on

  [[nodiscard]] LAGOM_INLINE bool helps() const noexcept { return after < without; }
  /// What probes and memories take; valid as long as this.
  [[nodiscard]] LAGOM_INLINE exit_block<R> block() const noexcept {
    return {.shape = shape, .parameters = parameters, .epsilon = epsilon, .turns = turns};
  }
};

/// Trains a copy of `start` (EE-Tuning: the model's last block behind its final norm's weight) for the layer that `states`
/// were recorded after, on the answers for which `keep(answer)` is true and whose states up to there are all finite, against
/// what the model says of them after its last layer.
///
/// ```cpp
/// const lagom::exit_block last{.shape = shape, .parameters = last_block, .epsilon = eps, .turns = lagom::rope{theta}};
/// auto fitted = lagom::fit(lagom::exit_block_config{}, last, states, head);
/// lagom::exit_block_memory memory(shape, context);      // then probe_through(fitted->block(), head, memory)
/// ```
/// Deterministic: seed and data give the same bits. The head's final norm must be an `rms_norm`. Fails with `bad_value` (a
/// setting, a shape), `wrong_shape` (parameters, states, head), `not_finite` (parameters), `empty` (no answer). Cost an
/// epoch: 3 times the multiply-adds of the keys and values of every position that a batch sees, 3 times those of the block an
/// answer, and of the head 2 V h an answer (3 V h against distributions). Memory: 5 times the parameters, and 3 h + 4 Hkv hd
/// floats a position that a batch sees.
template <backend B = portable, rotation R, scalar T, scalar W, scalar G, class Keep = every_row>
  requires std::same_as<accumulator_t<T>, float>
[[nodiscard]] result<fitted_block<R>> fit(const exit_block_config& config, const exit_block<R>& start,
                                          const hidden_sequences<T>& states, const head<W, rms_norm<G>>& to,
                                          const Keep& keep = {}) {
  const auto bad = [](std::string_view key) { return failure{.code = errc::bad_value, .key = key}; };
  const auto wrong = [](std::string_view key, index_t expected, index_t found) {
    return failure{.code = errc::wrong_shape,
                   .key = key,
                   .expected = static_cast<std::uint64_t>(expected),
                   .found = static_cast<std::uint64_t>(found)};
  };
  const exit_block_shape& shape = start.shape;
  if (config.epochs < 0) return bad("epochs");
  if (config.batch <= 0) return bad("batch");
  if (!is_finite(&config.optimizer.learning_rate) || config.optimizer.learning_rate <= 0)
    return bad("learning_rate");
  if (!shape.valid()) return bad("shape of the block");
  if (!is_finite(&start.epsilon) || start.epsilon < 0) return bad("epsilon");
  if (start.parameters.size() != shape.parameters())
    return wrong("parameters of the block", shape.parameters(), start.parameters.size());
  if (states.width() != shape.width) return wrong("hidden states", shape.width, states.width());
  if (to.rows.cols() != shape.width || to.norm.weight.size() != shape.width)
    return wrong("head", shape.width, to.rows.cols());
  const auto finite = [](auto x) {
    bool all = true;
    for (index_t j = 0; j < x.size(); ++j) {
      const auto v = static_cast<float>(x[j]);
      all = all && is_finite(&v);
    }
    return all;
  };
  if (!finite(start.parameters)) return failure{.code = errc::not_finite, .key = "parameters of the block"};
  std::vector<index_t> used;
  index_t longest = 0;
  std::vector<signed char> sound(static_cast<std::size_t>(states.stored()));
  for (index_t p = 0; p < states.stored(); ++p) sound[static_cast<std::size_t>(p)] = finite(states.state(p));
  for (index_t a = 0; a < states.answers(); ++a) {
    if (!keep(a)) continue;
    const auto [sequence, position] = states.answered(a);
    const auto places = states.places(sequence);
    bool all = finite(states.last(a));
    for (index_t p = 0; p <= position; ++p) all = all && sound[static_cast<std::size_t>(places[p])] != 0;
    if (all) used.push_back(a);
    if (all && position >= longest) longest = position + 1;
  }
  if (used.empty() || to.rows.rows() == 0) return failure{.code = errc::empty, .key = "hidden states"};
  std::vector<float> norm;
  for (index_t j = 0; j < shape.width; ++j)
    norm.push_back(static_cast<float>(to.norm.weight[j]) + (to.norm.unit_offset ? 1.0f : 0.0f));
  detail::block_training<B, T, W> with{
      config, states, shape, start.epsilon, to.rows, to.scale, norm, to.norm.epsilon, {}, {}, {}, {}};
  with.turns.resize(static_cast<std::size_t>(longest * shape.head_dim));
  for (index_t p = 0; p < longest; ++p)
    start.turns.turn(p, shape.head_dim, with.turns.data() + p * shape.head_dim);
  const auto all = static_cast<index_t>(used.size());
  const index_t n = config.max_rows > 0 && config.max_rows < all ? config.max_rows : all;
  const philox random{0};
  with.hard.resize(static_cast<std::size_t>(states.answers()), no_token);
  for (index_t k = 0; k < n; ++k) {  // one from each of n equal stretches
    const index_t first = k * all / n, width = (k + 1) * all / n - first;
    const auto skip = random.below(static_cast<std::uint64_t>(width), 0, static_cast<std::uint64_t>(k));
    const index_t a = used[static_cast<std::size_t>(first) + static_cast<std::size_t>(skip)];
    const auto says = unembed(B{}, states.last(a), to);
    if (!says.valid()) continue;
    with.hard[static_cast<std::size_t>(a)] = says.top - to.first_token;
    (n >= 16 && k % 8 == 7 ? with.judge : with.train).push_back(a);
  }
  if (with.train.empty()) return failure{.code = errc::empty, .key = "valid answers"};
  if (with.judge.empty()) with.judge = with.train;
  detail::block_trainer<B, T, W> trainer(with, start.parameters);
  fitted_block<R> out{.shape = shape,
                      .parameters = {},
                      .epsilon = start.epsilon,
                      .turns = start.turns,
                      .without = trainer.without(),
                      .before = trainer.judged(),
                      .rows = static_cast<index_t>(with.train.size())};
  out.after = trainer.train(out.before);
  out.parameters = std::move(trainer.parameters());
  return out;
}

}  // namespace v0
}  // namespace lagom
