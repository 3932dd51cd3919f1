// SPDX-License-Identifier: MIT
// An engine with nothing but raw pointers, as in llama2.c: what it adds for early exit are the lines marked //+.
#include <fmt/core.h>

#include <cmath>
#include <cstdlib>
#include <lagom/lagom.hpp>  //+

struct engine {
  int n_layers, dim, vocab;
  float *blocks, *norm, *head, *x, *y;  // calloc'ed, owned by the engine
};

static void layer(engine& e, int l) {
  const float* w = e.blocks + static_cast<std::ptrdiff_t>(l) * e.dim * e.dim;
  for (int i = 0; i < e.dim; ++i) {
    float sum = 0;
    for (int j = 0; j < e.dim; ++j) sum += w[i * e.dim + j] * e.x[j];
    e.y[i] = std::tanh(sum);
  }
  for (int i = 0; i < e.dim; ++i) e.x[i] += e.y[i];
}

int main() {
  const auto floats = [](int n) {
    return static_cast<float*>(std::calloc(static_cast<std::size_t>(n), sizeof(float)));
  };
  engine e{12, 64, 500, floats(12 * 64 * 64), floats(64), floats(500 * 64), floats(64), floats(64)};
  const lagom::philox random{7};
  for (int i = 0; i < 12 * 64 * 64; ++i)
    e.blocks[i] = 0.5f * static_cast<float>(random.uniform(0, static_cast<std::uint64_t>(i)) - 0.5);
  for (int i = 0; i < 500 * 64; ++i)
    e.head[i] = static_cast<float>(random.uniform(1, static_cast<std::uint64_t>(i)) - 0.5);
  for (int i = 0; i < 64; ++i) e.norm[i] = 1;

  const lagom::head head{lagom::mat_view(e.head, e.vocab, e.dim),
                         lagom::rms_norm{lagom::vec_view(e.norm, e.dim), 1e-5}};                         //+
  constexpr lagom::exit_policy policy{lagom::features<lagom::gap, lagom::top_prob>{},                    //+
                                      lagom::linear_svm<2>{{4.0f, 2.0f}, -1.5f}, lagom::not_before{3}};  //+
  int layers = 0;
  for (int prompt = 0; prompt < 8; ++prompt) {
    for (int i = 0; i < e.dim; ++i) e.x[i] = e.head[(prompt * 31 % e.vocab) * e.dim + i];
    auto run = policy.begin(e.n_layers);  //+
    for (int l = 0; l < e.n_layers; ++l) {
      layer(e, l);
      if (run.observe({.layer = l, .hidden = {e.x, e.dim}}, head)) break;  //+
    }
    fmt::print("prompt {}: token {:3} after {:2} layers\n", prompt, run.token(), run.used().value);
    layers += run.used().value;
  }
  fmt::print("{} of {} layers\n", layers, 8 * e.n_layers);
  for (float* p : {e.blocks, e.norm, e.head, e.x, e.y}) std::free(p);
}
