// SPDX-License-Identifier: MIT
// A model of random weights, far larger than a cache: what it says means nothing, what it takes is real.
#pragma once

#include "decoded.hpp"

namespace generate {

// A hundred and twenty-five million parameters: 16 layers of 768, vocabulary 32,000, embedding and head one matrix.
[[nodiscard]] inline model random_model(std::uint64_t seed) {
  decoder::model_config c;
  c.architecture = "llama";
  c.layers = 16;
  c.hidden = 768;
  c.ffn = 2048;
  c.heads = 12;
  c.kv_heads = 4;
  c.head_dim = 64;
  c.vocab = 32000;
  c.context = 2048;
  c.tied = true;
  const auto size = [](int n) { return static_cast<std::size_t>(n); };
  const lagom::philox random{seed};
  std::uint64_t stream = 0;
  // Uniform, with the variance that keeps the size of what passes through.
  const auto fill = [&](float* to, std::size_t n, int in) {
    const double reach = std::sqrt(3.0 / in);
    for (std::size_t i = 0; i < n; ++i)
      to[i] = static_cast<float>(reach * (2 * random.uniform(stream, i) - 1));
    ++stream;
  };
  const auto map = [&](int out, int in) {
    decoder::linear<float> m{xt::xtensor<float, 2>::from_shape({size(out), size(in)}), {}};
    fill(m.weight.data(), m.weight.size(), in);
    return m;
  };
  const auto ones = [&] { return xt::xtensor<float, 1>(xt::ones<float>({size(c.hidden)})); };
  decoder::model_weights<float> w;
  std::vector<float> rows(size(c.vocab) * size(c.hidden));
  fill(rows.data(), rows.size(), c.hidden);
  w.embedding = decoder::table(std::move(rows), c.hidden);
  w.final_norm = ones();
  for (int l = 0; l < c.layers; ++l) {
    w.blocks.push_back({ones(), ones(), map((c.heads + 2 * c.kv_heads) * c.head_dim, c.hidden),
                        map(c.hidden, c.heads * c.head_dim), map(2 * c.ffn, c.hidden), map(c.hidden, c.ffn)});
  }
  return {std::move(c), std::move(w)};
}

}  // namespace generate
