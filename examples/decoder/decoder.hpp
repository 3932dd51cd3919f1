// SPDX-License-Identifier: MIT
// A small Llama-architecture decoder: the engine that shows how an engine uses lagom.
#pragma once

#include <cmath>
#include <lagom/adapt/xtensor_blas.hpp>
#include <lagom/kernel/head.hpp>
#include <lagom/signal/layer_obs.hpp>
#include <span>

#include "kv_cache.hpp"
#include "rope.hpp"
#include "weights.hpp"
#include "workspace.hpp"

namespace decoder {

// New tokens of one sequence, to be appended to its cache.
template <std::floating_point T>
struct feed {
  kv_cache<T>* cache;
  std::span<const lagom::token_id> tokens;
};

// A position of a sequence.
template <std::floating_point T>
struct place {
  kv_cache<T>* cache;
  std::size_t position;
};

// What a block shows of all new tokens, one row each, in the order of the feeds. At the first layer
// `prev_hidden` is the embedding, and there is no previous attention or MLP output.
template <std::floating_point T>
struct block_states {
  lagom::layer_index layer;
  lagom::mat_view<const T> hidden, prev_hidden, attention, prev_attention, mlp, prev_mlp;

  // Row `r` as a policy sees it.
  [[nodiscard]] lagom::basic_layer_obs<T> observation(lagom::index_t r) const {
    const auto row = [r](lagom::mat_view<const T> m) {
      return m.empty() ? lagom::vec_view<const T>() : m.row(r);
    };
    return {.layer = layer,
            .hidden = row(hidden),
            .prev_hidden = row(prev_hidden),
            .attention = row(attention),
            .prev_attention = row(prev_attention),
            .mlp = row(mlp),
            .prev_mlp = row(prev_mlp)};
  }
};

// RMSNorm, RoPE, grouped-query attention, SwiGLU. A token's states have the same bits alone or in a batch, in
// prefill or in decoding (linear.hpp says how). Const: threads share one model, each with caches of its own.
template <std::floating_point T>
class model {
 public:
  static lagom::result<model> load(const std::string& directory) {
    auto config = load_config(directory);
    if (!config) return config.error();
    auto weights = load_weights<T>(directory, *config);
    if (!weights) return weights.error();
    return model(std::move(*config), std::move(*weights));
  }

  // A model of weights that are there already. Precondition: they have the shapes that the configuration says.
  model(model_config config, model_weights<T> weights)
      : config_(std::move(config)), weights_(std::move(weights)), rope_(config_) {}

  [[nodiscard]] const model_config& config() const { return config_; }
  [[nodiscard]] kv_cache<T> make_cache(std::size_t capacity) const { return kv_cache<T>(config_, capacity); }

  // The same network with other embedding rows: what a changed vocabulary needs. The head is the embedding where the
  // model is tied; then `head` must be empty. Precondition: rows are as wide as before, head and embedding as high
  // as each other.
  void exchange_vocabulary(table embedding, table head) {
    config_.vocab = static_cast<int>(embedding.rows());
    weights_.embedding = std::move(embedding);
    weights_.head = std::move(head);
  }

  [[nodiscard]] const table& embedding() const { return weights_.embedding; }
  [[nodiscard]] const table& head() const { return config_.tied ? weights_.embedding : weights_.head; }

  // Calls `use(lagom::head)`: the unembedding with the final norm before it, in its stored type.
  template <class Use>
  decltype(auto) with_head(Use&& use) const {
    const lagom::rms_norm norm{weights_.final_norm, config_.norm_epsilon};
    return (config_.tied ? weights_.embedding : weights_.head).visit([&](auto rows) -> decltype(auto) {
      return use(lagom::head{rows, norm});
    });
  }

  // Logits of a state, final norm and head included, over a temperature.
  void logits(lagom::vec_view<const T> x, T temperature, lagom::vec_view<T> to) const {
    with_head([&](const auto& head) {
      const T scale = head.norm.prepare(lagom::native{}, x);
      std::vector<T> normed(static_cast<std::size_t>(x.size()));
      for (lagom::index_t j = 0; j < x.size(); ++j)
        normed[static_cast<std::size_t>(j)] = head.norm.apply(scale, x[j], j);
      logits_normed(normed, temperature, to);
    });
  }
  // The same of a state that has been normed already.
  void logits_normed(lagom::vec_view<const T> x, T temperature, lagom::vec_view<T> to) const {
    with_head([&](const auto& head) {
      for (lagom::index_t t = 0; t < to.size(); ++t)
        to[t] = static_cast<T>(lagom::dot(lagom::native{}, x, head.rows.row(t))) / temperature;
    });
  }

  // Runs the new tokens through the blocks. After each block `watch(block_states)` may return true: stop here.
  // Returns the number of blocks run. Deeper layers of a stopped token hold no keys and values of it.
  // Fails with `too_long` past the context or the cache, `unknown_token`, and `hole` where an earlier early stop
  // left a layer without keys and values.
  template <class Watch>
  lagom::result<lagom::layers_used> forward(std::span<const feed<T>> feeds, Watch&& watch) const {
    std::vector<place<T>> places;
    for (const feed<T>& f : feeds) {
      for (std::size_t i = 0; i < f.tokens.size(); ++i) {
        const place<T> at{f.cache, f.cache->length() + i};
        if (auto ok = check(at, f.tokens[i]); !ok) return ok.error();
        places.push_back(at);
      }
    }
    workspace<T> work;
    work.begin(config_, places.size());
    std::size_t row = 0;
    for (const feed<T>& f : feeds) {
      for (const lagom::token_id t : f.tokens) embed(t, &work.x()(static_cast<lagom::index_t>(row++), 0));
    }
    turn(places, work);
    for (int l = 0; l < config_.layers; ++l) {
      if (auto ok = block(l, places, work); !ok) return ok.error();
      if (watch(states_of(l, work))) return lagom::layers_used(l + 1);
    }
    return lagom::layers_used(config_.layers);
  }

  // The pieces that `forward` is made of, for whoever runs layers in an order of their own (sequence.hpp).

  // May this token come to this place? Fails as `forward` does.
  [[nodiscard]] lagom::result<lagom::done> check(const place<T>& at, lagom::token_id token) const {
    const std::size_t limit = std::min(at.cache->capacity(), static_cast<std::size_t>(config_.context));
    if (at.position < limit && token >= 0 && token < config_.vocab) return lagom::done{};
    return refusal(at.position, limit, token);
  }
  void embed(lagom::token_id token, T* out) const { weights_.embedding.row(token, out); }
  // The rotations of a pass, before its first block.
  void turn(std::span<const place<T>> places, workspace<T>& work) const {
    const auto d = static_cast<std::size_t>(config_.head_dim);
    for (std::size_t r = 0; r < places.size(); ++r) rope_.turn(places[r].position, &work.turns[r * d]);
  }

  // Block `l` over the states in work.x(), a row a place; places of one sequence follow each other. Their keys and values are
  // appended to the caches. Fails with `hole`.
  lagom::result<lagom::done> block(int l, std::span<const place<T>> places, workspace<T>& work) const {
    const block_weights<T>& w = weights_.blocks[static_cast<std::size_t>(l)];
    const auto d = static_cast<std::size_t>(config_.head_dim);
    work.next_block();
    norm(work.x(), w.attention_norm, work.normed());
    w.qkv(work.normed(), work.qkv(), 0, queries());
    w.qkv(work.normed(), work.qkv(), queries(), keys_and_values());
    for (std::size_t r = 0; r < places.size(); ++r) {
      const auto i = static_cast<lagom::index_t>(r);
      if (auto ok = attend(static_cast<std::size_t>(l), places[r], &work.turns[r * d], &work.qkv()(i, 0),
                           &work.mixed()(i, 0), work.scores);
          !ok)
        return ok.error();
    }
    w.output(work.mixed(), work.attention(), 0, width(config_.hidden));
    add(work.attention(), work.x());
    norm(work.x(), w.mlp_norm, work.normed());
    w.gate_up(work.normed(), work.gate_up(), 0, 2 * width(config_.ffn));
    swiglu(work.gate_up(), work.gated());
    w.down(work.gated(), work.mlp(), 0, width(config_.hidden));
    add(work.mlp(), work.x());
    return lagom::done{};
  }

  // Appends keys and values of the states in work.x() to layer `l`, as its block would, and does nothing else.
  lagom::result<lagom::done> project(int l, std::span<const place<T>> places, workspace<T>& work) const {
    const block_weights<T>& w = weights_.blocks[static_cast<std::size_t>(l)];
    const auto d = static_cast<std::size_t>(config_.head_dim);
    norm(work.x(), w.attention_norm, work.normed());
    w.qkv(work.normed(), work.qkv(), queries(), keys_and_values());
    for (std::size_t r = 0; r < places.size(); ++r) {
      T* const k = &work.qkv()(static_cast<lagom::index_t>(r), static_cast<lagom::index_t>(queries()));
      if (auto ok = store(static_cast<std::size_t>(l), places[r], &work.turns[r * d], k); !ok)
        return ok.error();
    }
    return lagom::done{};
  }

  // What the block that ran last shows.
  [[nodiscard]] block_states<T> states_of(int l, workspace<T>& work) const {
    const lagom::mat_view<const T> none;
    return {l,
            work.x(),
            work.before(),
            work.attention(),
            l == 0 ? none : work.attention_before(),
            work.mlp(),
            l == 0 ? none : work.mlp_before()};
  }

 private:
  [[nodiscard]] static std::size_t width(int n) { return static_cast<std::size_t>(n); }
  // Out of the way of the code that runs for every token.
  [[gnu::cold, gnu::noinline]] static lagom::failure refusal(std::size_t position, std::size_t limit,
                                                             lagom::token_id token) {
    if (position >= limit)
      return {.code = lagom::errc::too_long, .key = "sequence", .expected = limit, .found = position + 1};
    return {.code = lagom::errc::unknown_token, .key = "token " + std::to_string(token)};
  }

  // Columns of the q, k and v map.
  [[nodiscard]] std::size_t queries() const { return width(config_.heads * config_.head_dim); }
  [[nodiscard]] std::size_t keys_and_values() const { return 2 * width(config_.kv_heads * config_.head_dim); }

  static void add(lagom::mat_view<const T> x, lagom::mat_view<T> to) {
    T* const out = to.data();
    for (lagom::index_t i = 0; i < x.rows() * x.cols(); ++i) out[i] += x.data()[i];
  }

  void norm(lagom::mat_view<const T> x, const xt::xtensor<T, 1>& weight, lagom::mat_view<T> out) const {
    const lagom::rms_norm form{weight, config_.norm_epsilon};
    for (lagom::index_t r = 0; r < x.rows(); ++r) {
      const T scale = form.prepare(lagom::portable{}, x.row(r));
      for (lagom::index_t j = 0; j < x.cols(); ++j) out(r, j) = form.apply(scale, x(r, j), j);
    }
  }

  // Rotates the keys `k` of one token, which its values follow, and appends both to layer `l`.
  lagom::result<lagom::done> store(std::size_t l, const place<T>& at, const float* turn, T* k) const {
    const auto kv_heads = width(config_.kv_heads), d = width(config_.head_dim);
    if (at.cache->filled(l) != at.position) {
      return lagom::failure{.code = lagom::errc::hole,
                            .key = "keys and values of layer " + std::to_string(l),
                            .expected = at.position,
                            .found = at.cache->filled(l)};
    }
    const std::size_t slot = at.cache->keys(l);
    for (std::size_t i = 0; i < kv_heads; ++i) {
      rope_.rotate(k + i * d, turn);
      std::copy_n(k + i * d, d, at.cache->key(l, i, slot));
      std::copy_n(k + (kv_heads + i) * d, d, at.cache->value(l, i, slot));
    }
    at.cache->advance(l);
    return lagom::done{};
  }

  // One token of one layer: rotates, appends to the cache, attends to all keys up to its own. Each head's products have a
  // shape that depends on their number alone.
  lagom::result<lagom::done> attend(std::size_t l, const place<T>& at, const float* turn, T* qkv, T* out,
                                    std::vector<T>& scores) const {
    const auto heads = width(config_.heads), kv_heads = width(config_.kv_heads), d = width(config_.head_dim);
    if (auto ok = store(l, at, turn, qkv + heads * d); !ok) return ok.error();
    for (std::size_t i = 0; i < heads; ++i) rope_.rotate(qkv + i * d, turn);
    const std::size_t seen = at.cache->keys(l);
    const T scale = 1 / std::sqrt(static_cast<T>(d));
    auto p = xt::adapt(scores.data(), seen, xt::no_ownership(), std::array{seen});
    for (std::size_t i = 0; i < heads; ++i) {
      const std::size_t group = i / (heads / kv_heads);
      const auto keys =
          xt::adapt(at.cache->key(l, group, 0), seen * d, xt::no_ownership(), std::array{seen, d});
      const auto values =
          xt::adapt(at.cache->value(l, group, 0), seen * d, xt::no_ownership(), std::array{seen, d});
      const auto q = xt::adapt(qkv + i * d, d, xt::no_ownership(), std::array{d});
      auto mixed = xt::adapt(out + i * d, d, xt::no_ownership(), std::array{d});
      xt::blas::gemv(keys, q, p, false, scale);
      softmax(std::span(scores.data(), seen));
      xt::blas::gemv(values, p, mixed, true);
    }
    return lagom::done{};
  }

  static void softmax(std::span<T> p) {
    T max = p[0], sum = 0;
    for (const T z : p) max = std::max(max, z);
    for (T& z : p) sum += z = lagom::exp_nonpositive(z - max);
    for (T& z : p) z /= sum;
  }

  static void swiglu(lagom::mat_view<const T> gate_up, lagom::mat_view<T> out) {
    for (lagom::index_t r = 0; r < out.rows(); ++r) {
      const T* const gate = &gate_up(r, 0);
      const T* const up = gate + out.cols();
      for (lagom::index_t j = 0; j < out.cols(); ++j) out(r, j) = gate[j] * lagom::sigmoid(gate[j]) * up[j];
    }
  }

  model_config config_;
  model_weights<T> weights_;
  rope rope_;
};

}  // namespace decoder
