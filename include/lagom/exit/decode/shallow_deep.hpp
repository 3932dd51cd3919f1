// SPDX-License-Identifier: MIT
/// @file exit/decode/shallow_deep.hpp
/// FREE: one exit, deferred states, and deep layers that say of every deferred token whether its exit was right.
#pragma once

#include <vector>

#include "../../core/backend.hpp"
#include "../../core/math.hpp"
#include "defer_batch.hpp"

namespace lagom {
inline namespace v0 {

/// Fast and robust early exiting (Bae et al. 2023, arXiv 2310.05424): a shallow model, the layers up to one exit, and a deep one,
/// all layers.
struct shallow_deep_config {
  layer_index exit{};
  index_t most = 16;  ///< tokens whose deep layers may wait
  double rollback =
      0;  ///< > 0: a token that the deep layers give a cross entropy (nats) above this is taken back (the
          ///< rollback of BiLD, arXiv 2302.07863, that FREE's program offers)
};

/// What a token took.
struct shallow_deep_answer {
  token_id token = no_token;
  layers_used used{};
  double confidence = 0;  ///< at the exit
  index_t caught_up = 0;  ///< tokens that got their deep layers beside this one
  index_t withdrawn = 0;  ///< tokens given last that are taken back; `token` follows what is left
};

/// Does nothing with what the deep layers say.
struct no_labels {
  LAGOM_INLINE constexpr void operator()(double, bool) const noexcept {}
};

/// Decodes shallow where the gap of the two best tokens at the exit is above a threshold, and deep otherwise: then all that wait
/// run their deep layers in the same pass (synchronised parallel decoding), and `label(confidence, agreed)` is told of each of
/// them, and of the token itself, whether the shallow answer was the deep one: what `adaptive_threshold` learns from.
///
/// ```cpp
/// lagom::shallow_deep<float> free{{.exit = 5, .most = 16}};
/// const auto learn = [&](double confidence, bool agreed) { adaptive.push(confidence, agreed); };
/// auto next = free.decode(sequence, last, adaptive.current().value, learn);
/// ```
/// Keys and values are exact, given the tokens. With rollback the tokens too are checked when their deep layers run: from the
/// first that is too improbable on, all are taken back, and the deep answer stands in its place. The caller then drops the last
/// `withdrawn` of its tokens.
/// Owns room for `most` + 1 tokens; decoding allocates nothing. One object a sequence.
template <scalar T, backend B = portable>
class shallow_deep {
  using Acc = accumulator_t<T>;

 public:
  explicit shallow_deep(const shallow_deep_config& config)
      : config_(config),
        waiting_(static_cast<std::size_t>(config.most) + 1),
        deep_(static_cast<std::size_t>(config.most) + 1) {
    LAGOM_ASSERT(config.most >= 0);
  }

  /// Feeds `last` and decodes the token after it. Fails as `feed` does. Precondition: the sequence was decoded by this object,
  /// or all its positions ran all layers.
  template <layered_sequence E, class Label = no_labels>
  [[nodiscard]] result<shallow_deep_answer> decode(E& engine, token_id last, double threshold,
                                                   Label&& label = {}) {
    const layer_index final_layer(engine.layers() - 1);
    LAGOM_ASSERT(0 <= config_.exit.value && config_.exit.value < engine.layers());
    if (auto fed = engine.feed(last); !fed) return fed.error();
    const index_t at = engine.length() - 1, first = engine.held(final_layer), deferred = at - first;
    for (int l = 0; l <= config_.exit.value; ++l) detail::catch_up(engine, layer_index(l));
    const auto shallow = engine.probe(engine.hidden(at));
    const double confidence = static_cast<double>(shallow.gap());
    waiting_[static_cast<std::size_t>(deferred)] = {shallow.top, confidence, shallow.valid()};
    if (config_.exit == final_layer)
      return shallow_deep_answer{shallow.top, layers_used(engine.layers()), confidence};
    if (shallow.valid() && confidence > threshold && deferred < config_.most)
      return shallow_deep_answer{shallow.top, used_when_stopped_at(config_.exit), confidence};
    for (int l = config_.exit.value + 1; l < engine.layers(); ++l) detail::catch_up(engine, layer_index(l));
    engine.answers(first, deferred + 1, vec_view<softmax_stats<Acc>>(deep_.data(), deferred + 1));
    shallow_deep_answer out{.used = layers_used(engine.layers()), .confidence = confidence};
    for (index_t i = 0; i <= deferred; ++i) {
      const auto& deep = deep_[static_cast<std::size_t>(i)];
      const token_left& early = waiting_[static_cast<std::size_t>(i)];
      if (early.sound && deep.valid()) label(early.confidence, early.token == deep.top);
      out.token = deep.valid() ? deep.top : no_token;
      ++out.caught_up;
      if (i < deferred && improbable(engine, first + i, early.token, deep)) {
        out.withdrawn = deferred - i;
        engine.crop(first + i + 1);
        break;
      }
    }
    --out.caught_up;  // the token itself, or the one in whose place it stands
    return out;
  }

 private:
  struct token_left {
    token_id token = no_token;
    double confidence = 0;
    bool sound = false;
  };

  /// Is -log p(token) above the bound?
  template <class E>
  [[nodiscard]] bool improbable(E& engine, index_t position, token_id token,
                                const softmax_stats<Acc>& deep) const {
    if (!(config_.rollback > 0) || !deep.valid() || token == deep.top) return false;
    if constexpr (requires { engine.logit(engine.hidden(position), token); }) {
      const auto z = static_cast<double>(engine.logit(engine.hidden(position), token));
      return static_cast<double>(deep.log_sum_exp()) - z > config_.rollback;
    } else {
      // Without the logit: no token but the best is more probable than the second.
      return -detail::log(static_cast<double>(deep.second_prob())) > config_.rollback;
    }
  }

  shallow_deep_config config_;
  std::vector<token_left> waiting_;
  std::vector<softmax_stats<Acc>> deep_;
};

}  // namespace v0
}  // namespace lagom
