// SPDX-License-Identifier: MIT
// A small Llama-architecture decoder: the engine that shows how an engine uses lagom.
#pragma once

#include <cmath>
#include <lagom/kernel/head.hpp>
#include <lagom/signal/layer_obs.hpp>
#include <span>

#include "kv_cache.hpp"
#include "rope.hpp"
#include "weights.hpp"

namespace decoder {

// New tokens of one sequence, to be appended to its cache.
template <std::floating_point T>
struct feed {
  kv_cache<T>* cache;
  std::span<const lagom::token_id> tokens;
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

  // Runs the new tokens through the blocks. After each block `watch(block_states)` may return true: stop here.
  // Returns the number of blocks run. Deeper layers of a stopped token hold no keys and values of it.
  // Fails with `too_long` past the context or the cache, `unknown_token`, and `hole` where an earlier early stop
  // left a layer without keys and values.
  template <class Watch>
  lagom::result<lagom::layers_used> forward(std::span<const feed<T>> feeds, Watch&& watch) const {
    auto rows = rows_of(feeds);
    if (!rows) return rows.error();
    const std::size_t n = rows->size(), h = static_cast<std::size_t>(config_.hidden);
    using matrix = xt::xtensor<T, 2>;
    matrix x = matrix::from_shape({n, h}), before = x, normed = x, attention = x, attention_before = x,
           mlp = x, mlp_before = x;
    matrix qkv = matrix::from_shape(
        {n, static_cast<std::size_t>((config_.heads + 2 * config_.kv_heads) * config_.head_dim)});
    matrix mixed = matrix::from_shape({n, static_cast<std::size_t>(config_.heads * config_.head_dim)});
    matrix gate_up = matrix::from_shape({n, 2 * static_cast<std::size_t>(config_.ffn)});
    matrix gated = matrix::from_shape({n, static_cast<std::size_t>(config_.ffn)});
    const auto d = static_cast<std::size_t>(config_.head_dim);
    std::vector<float> turns(n * d);
    for (std::size_t r = 0; r < n; ++r) {
      weights_.embedding.row((*rows)[r].token, &x(r, 0));
      rope_.turn((*rows)[r].position, &turns[r * d]);
    }

    for (std::size_t l = 0; l < weights_.blocks.size(); ++l) {
      const block_weights<T>& w = weights_.blocks[l];
      std::swap(attention, attention_before);
      std::swap(mlp, mlp_before);
      before = x;
      norm(x, w.attention_norm, normed);
      w.qkv(normed, qkv);
      for (std::size_t r = 0; r < n; ++r) {
        if (auto ok = attend(l, (*rows)[r], &turns[r * d], &qkv(r, 0), &mixed(r, 0)); !ok) return ok.error();
      }
      w.output(mixed, attention);
      x += attention;
      norm(x, w.mlp_norm, normed);
      w.gate_up(normed, gate_up);
      swiglu(gate_up, gated);
      w.down(gated, mlp);
      x += mlp;
      const bool first = l == 0;
      const matrix none;
      if (watch(block_states<T>{static_cast<int>(l), x, before, attention, first ? none : attention_before,
                                mlp, first ? none : mlp_before})) {
        return lagom::layers_used(static_cast<int>(l) + 1);
      }
    }
    return lagom::layers_used(config_.layers);
  }

 private:
  struct row {
    kv_cache<T>* cache;
    lagom::token_id token;
    std::size_t position;
  };

  model(model_config config, model_weights<T> weights)
      : config_(std::move(config)), weights_(std::move(weights)), rope_(config_) {}

  lagom::result<std::vector<row>> rows_of(std::span<const feed<T>> feeds) const {
    std::vector<row> rows;
    for (const feed<T>& f : feeds) {
      const std::size_t start = f.cache->length();
      const std::size_t limit = std::min(f.cache->capacity(), static_cast<std::size_t>(config_.context));
      if (start + f.tokens.size() > limit) {
        return lagom::failure{.code = lagom::errc::too_long,
                              .key = "sequence",
                              .expected = limit,
                              .found = start + f.tokens.size()};
      }
      for (std::size_t i = 0; i < f.tokens.size(); ++i) {
        if (f.tokens[i] < 0 || f.tokens[i] >= config_.vocab) {
          return lagom::failure{.code = lagom::errc::unknown_token,
                                .key = "token " + std::to_string(f.tokens[i])};
        }
        rows.push_back({f.cache, f.tokens[i], start + i});
      }
    }
    return rows;
  }

  void norm(const xt::xtensor<T, 2>& x, const xt::xtensor<T, 1>& weight, xt::xtensor<T, 2>& out) const {
    const lagom::rms_norm form{weight, config_.norm_epsilon};
    const lagom::mat_view<const T> from = x;
    for (lagom::index_t r = 0; r < from.rows(); ++r) {
      const T scale = form.prepare(lagom::portable{}, from.row(r));
      T* const to = &out(static_cast<std::size_t>(r), 0);
      for (lagom::index_t j = 0; j < from.cols(); ++j) to[j] = form.apply(scale, from(r, j), j);
    }
  }

  // One token of one layer: rotates, appends to the cache, attends to all positions up to its own. Each head's
  // products have a shape that depends on the position alone.
  lagom::result<lagom::done> attend(std::size_t l, const row& at, const float* turn, T* qkv, T* out) const {
    const auto heads = static_cast<std::size_t>(config_.heads),
               kv_heads = static_cast<std::size_t>(config_.kv_heads);
    const auto d = static_cast<std::size_t>(config_.head_dim);
    if (at.cache->filled(l) != at.position) {
      return lagom::failure{.code = lagom::errc::hole,
                            .key = "keys and values of layer " + std::to_string(l),
                            .expected = at.position,
                            .found = at.cache->filled(l)};
    }
    T* const k = qkv + heads * d;
    T* const v = k + kv_heads * d;
    for (std::size_t i = 0; i < heads + kv_heads; ++i) rope_.rotate(qkv + i * d, turn);
    for (std::size_t i = 0; i < kv_heads; ++i) {
      std::copy_n(k + i * d, d, at.cache->key(l, i, at.position));
      std::copy_n(v + i * d, d, at.cache->value(l, i, at.position));
    }
    at.cache->advance(l);
    const std::size_t seen = at.position + 1;
    const T scale = 1 / std::sqrt(static_cast<T>(d));
    xt::xtensor<T, 1> p = xt::xtensor<T, 1>::from_shape({seen});
    for (std::size_t i = 0; i < heads; ++i) {
      const std::size_t group = i / (heads / kv_heads);
      const auto keys =
          xt::adapt(at.cache->key(l, group, 0), seen * d, xt::no_ownership(), std::array{seen, d});
      const auto values =
          xt::adapt(at.cache->value(l, group, 0), seen * d, xt::no_ownership(), std::array{seen, d});
      const auto q = xt::adapt(qkv + i * d, d, xt::no_ownership(), std::array{d});
      auto mixed = xt::adapt(out + i * d, d, xt::no_ownership(), std::array{d});
      xt::blas::gemv(keys, q, p, false, scale);
      softmax(p);
      xt::blas::gemv(values, p, mixed, true);
    }
    return lagom::done{};
  }

  static void softmax(xt::xtensor<T, 1>& p) {
    T max = p(0), sum = 0;
    for (const T z : p) max = std::max(max, z);
    for (T& z : p) sum += z = lagom::exp_nonpositive(z - max);
    for (T& z : p) z /= sum;
  }

  static void swiglu(const xt::xtensor<T, 2>& gate_up, xt::xtensor<T, 2>& out) {
    const std::size_t width = out.shape()[1];
    for (std::size_t r = 0; r < out.shape()[0]; ++r) {
      const T* const gate = &gate_up(r, 0);
      const T* const up = gate + width;
      T* const to = &out(r, 0);
      for (std::size_t j = 0; j < width; ++j) to[j] = gate[j] * lagom::sigmoid(gate[j]) * up[j];
    }
  }

  model_config config_;
  model_weights<T> weights_;
  rope rope_;
};

}  // namespace decoder
