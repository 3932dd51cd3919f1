// SPDX-License-Identifier: MIT
// The weights of a model directory.
#pragma once

#include <initializer_list>
#include <lagom/io/checkpoint.hpp>

#include "config.hpp"
#include "linear.hpp"
#include "table.hpp"

namespace decoder {

// q, k and v are one map, so are gate and up: fewer, larger products.
template <std::floating_point T>
struct block_weights {
  xt::xtensor<T, 1> attention_norm, mlp_norm;
  linear<T> qkv, output, gate_up, down;
};

template <std::floating_point T>
struct model_weights {
  table embedding;
  table head;  // empty when tied
  xt::xtensor<T, 1> final_norm;
  std::vector<block_weights<T>> blocks;
};

namespace detail {

// Fills tensors of T from a checkpoint, remembering the first failure.
template <std::floating_point T>
class loader {
 public:
  explicit loader(const lagom::io::checkpoint& from) : from_(from) {}

  xt::xtensor<T, 1> vector(const std::string& name, int n) {
    if (!there(name, {static_cast<std::uint64_t>(n)})) return {};
    xt::xtensor<T, 1> out = xt::xtensor<T, 1>::from_shape({static_cast<std::size_t>(n)});
    read(name, {static_cast<std::uint64_t>(n)}, out.data(), out.size());
    return out;
  }

  struct part {
    const char* name;
    int out;
  };
  // Maps of one input stacked into one matrix, with their biases.
  linear<T> stacked(const std::string& prefix, std::initializer_list<part> parts, int in, bool bias) {
    std::size_t out = 0;
    for (const part& p : parts) {
      if (!there(prefix + p.name + ".weight",
                 {static_cast<std::uint64_t>(p.out), static_cast<std::uint64_t>(in)}))
        return {};
      out += static_cast<std::size_t>(p.out);
    }
    linear<T> map{xt::xtensor<T, 2>::from_shape({out, static_cast<std::size_t>(in)}), {}};
    if (bias) map.bias = xt::xtensor<T, 1>::from_shape({out});
    std::size_t first = 0;
    for (const part& p : parts) {
      const auto rows = static_cast<std::uint64_t>(p.out), cols = static_cast<std::uint64_t>(in);
      read(prefix + p.name + ".weight", {rows, cols}, &map.weight(first, 0), rows * cols);
      if (bias) read(prefix + p.name + ".bias", {rows}, &map.bias(first), rows);
      first += rows;
    }
    return map;
  }

  table rows(const std::string& name, int n, int width) {
    auto at = from_.require(name, {static_cast<std::uint64_t>(n), static_cast<std::uint64_t>(width)});
    if (!at) {
      fail(at.error());
      return {};
    }
    auto loaded = table::load(**at);
    if (!loaded) {
      fail(loaded.error(), name);
      return {};
    }
    return std::move(*loaded);
  }

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] const lagom::failure& error() const { return failure_; }

 private:
  // Asked before anything is allocated: sizes come from a file that may lie.
  bool there(const std::string& name, std::initializer_list<std::uint64_t> shape) {
    auto at = from_.require(name, shape);
    if (!at) fail(at.error());
    return at.has_value();
  }
  void read(const std::string& name, std::initializer_list<std::uint64_t> shape, T* out, std::size_t n) {
    auto at = from_.require(name, shape);
    if (!at) return fail(at.error());
    if (auto copied = (*at)->copy_to(std::span<T>(out, n)); !copied) fail(copied.error(), name);
  }
  void fail(lagom::failure f, const std::string& name = {}) {
    if (f.key.empty()) f.key = name;
    if (ok_) failure_ = f;
    ok_ = false;
  }

  const lagom::io::checkpoint& from_;
  bool ok_ = true;
  lagom::failure failure_{};
};

}  // namespace detail

// Reads DIR/model.safetensors, or its shards. Weights become T; embedding and head keep their type.
template <std::floating_point T>
[[nodiscard]] lagom::result<model_weights<T>> load_weights(const std::string& directory,
                                                           const model_config& c) {
  auto files = lagom::io::checkpoint::open(directory);
  if (!files) return files.error();
  detail::loader<T> from(*files);
  model_weights<T> w;
  w.embedding = from.rows("model.embed_tokens.weight", c.vocab, c.hidden);
  if (!c.tied) w.head = from.rows("lm_head.weight", c.vocab, c.hidden);
  w.final_norm = from.vector("model.norm.weight", c.hidden);
  const int q = c.heads * c.head_dim, kv = c.kv_heads * c.head_dim;
  for (int l = 0; l < c.layers && from.ok(); ++l) {
    const std::string layer = "model.layers." + std::to_string(l) + ".";
    const std::string attention = layer + "self_attn.", mlp = layer + "mlp.";
    block_weights<T>& b = w.blocks.emplace_back();
    b.attention_norm = from.vector(layer + "input_layernorm.weight", c.hidden);
    b.mlp_norm = from.vector(layer + "post_attention_layernorm.weight", c.hidden);
    b.qkv = from.stacked(attention, {{"q_proj", q}, {"k_proj", kv}, {"v_proj", kv}}, c.hidden, c.qkv_bias);
    b.output = from.stacked(attention, {{"o_proj", c.hidden}}, q, c.output_bias);
    b.gate_up = from.stacked(mlp, {{"gate_proj", c.ffn}, {"up_proj", c.ffn}}, c.hidden, c.mlp_bias);
    b.down = from.stacked(mlp, {{"down_proj", c.hidden}}, c.ffn, c.mlp_bias);
  }
  if (!from.ok()) return from.error().in(directory);
  return w;
}

}  // namespace decoder
