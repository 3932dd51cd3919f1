// SPDX-License-Identifier: MIT
// A model's last block as an exit module: what EE-Tuning starts from.
#pragma once

#include <lagom/exit/exit_block.hpp>
#include <lagom/io/checkpoint.hpp>

#include "decoder/rope.hpp"

namespace choose_exits {

// The decoder's own rotation, scaled frequencies and all.
struct model_rotation {
  decoder::rope of{decoder::model_config{}};
  void turn(lagom::index_t position, lagom::index_t, float* cos_sin) const noexcept {
    of.turn(static_cast<std::size_t>(position), cos_sin);
  }
};

struct last_block {
  lagom::exit_block_shape shape;
  std::vector<float> parameters;
  double epsilon = 0;
  model_rotation turns;

  [[nodiscard]] lagom::exit_block<model_rotation> block() const {
    return {.shape = shape, .parameters = parameters, .epsilon = epsilon, .turns = turns};
  }
};

// Reads the last block and the final norm of DIR, nothing else. Fails with `unsupported` where the output map or the MLP has
// biases, which an exit block does not know.
[[nodiscard]] inline lagom::result<last_block> load_last_block(const std::string& directory,
                                                               const decoder::model_config& c) {
  if (c.output_bias || c.mlp_bias)
    return lagom::failure{
        .code = lagom::errc::unsupported, .file = directory, .key = "biases of the last block"};
  auto files = lagom::io::checkpoint::open(directory);
  if (!files) return files.error();
  last_block out{.shape = {.width = c.hidden,
                           .inner = c.ffn,
                           .heads = c.heads,
                           .kv_heads = c.kv_heads,
                           .head_dim = c.head_dim,
                           .qkv_bias = c.qkv_bias},
                 .parameters = {},
                 .epsilon = c.norm_epsilon,
                 .turns = {decoder::rope(c)}};
  if (!out.shape.valid())
    return lagom::failure{.code = lagom::errc::unsupported, .file = directory, .key = "shape"};
  const std::string layer = "model.layers." + std::to_string(c.layers - 1) + ".",
                    attention = layer + "self_attn.", mlp = layer + "mlp.";
  struct part {
    std::string name;
    lagom::index_t rows, cols;  // cols 0: a vector
  };
  const lagom::index_t h = c.hidden, i = c.ffn, q = out.shape.queries(), kv = out.shape.keys();
  std::vector<part> parts{{"model.norm.weight", h, 0},
                          {layer + "input_layernorm.weight", h, 0},
                          {attention + "q_proj.weight", q, h},
                          {attention + "k_proj.weight", kv, h},
                          {attention + "v_proj.weight", kv, h}};
  if (c.qkv_bias) {
    for (const auto& [name, rows] : {std::pair{"q_proj.bias", q}, {"k_proj.bias", kv}, {"v_proj.bias", kv}})
      parts.push_back({attention + name, rows, 0});
  }
  for (part& p : std::vector<part>{{attention + "o_proj.weight", h, q},
                                   {layer + "post_attention_layernorm.weight", h, 0},
                                   {mlp + "gate_proj.weight", i, h},
                                   {mlp + "up_proj.weight", i, h},
                                   {mlp + "down_proj.weight", h, i}})
    parts.push_back(std::move(p));
  for (const part& p : parts) {
    const auto rows = static_cast<std::uint64_t>(p.rows), cols = static_cast<std::uint64_t>(p.cols);
    const auto from = cols == 0 ? files->require(p.name, {rows}) : files->require(p.name, {rows, cols});
    if (!from) return from.error().in(directory);
    const std::size_t first = out.parameters.size();
    out.parameters.resize(first + (*from)->elements());
    if (auto ok = (*from)->copy_to(std::span(out.parameters).subspan(first)); !ok) {
      lagom::failure f = ok.error().in(directory);
      f.key = p.name;
      return f;
    }
  }
  return out;
}

}  // namespace choose_exits
