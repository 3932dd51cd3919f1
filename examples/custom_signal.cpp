// SPDX-License-Identifier: MIT
// A signal and a rule of your own, in your own file: lagom composes them like its own.
#include <fmt/core.h>

#include <cmath>
#include <lagom/lagom.hpp>

// How much a block changed the state, relative to the state: small means the model has settled.
struct update_size {
  static constexpr std::string_view name = "update_size";
  static constexpr std::size_t width = 1;
  static constexpr lagom::need needs = lagom::need::hidden | lagom::need::prev_hidden;
  template <class B>
  void operator()(const auto& o, const B& backend, float* out) const noexcept {
    float changed = 0;
    for (lagom::index_t j = 0; j < o.hidden.size(); ++j)
      changed += std::pow(o.hidden[j] - o.prev_hidden[j], 2.0f);
    out[0] = std::sqrt(changed / lagom::squared_norm(backend, o.hidden));
  }
};

// Stops when the first feature has fallen below a share of the largest value seen so far.
struct fallen_below {
  float share = 0.1f;
  struct state {
    float peak = 0;
  };
  float step(state& s, lagom::vec_view<const float> x) const noexcept {
    s.peak = std::max(s.peak, x[0]);
    return share * s.peak - x[0];
  }
};

int main() {
  constexpr int layers = 24, dim = 16, vocab = 32;
  std::vector<float> embedding(vocab * dim), x(dim, 1.0f), before;
  for (std::size_t i = 0; i < embedding.size(); ++i) embedding[i] = std::sin(static_cast<float>(i * i % 101));
  const lagom::head head{lagom::mat_view(embedding.data(), vocab, dim)};

  const lagom::exit_policy policy{lagom::features<update_size>{}, fallen_below{0.05f}, lagom::not_before{2}};
  static_assert(!policy.reads(lagom::need::stats));  // no probe before the decision: the head runs once
  auto run = policy.begin(layers);
  for (int l = 0; l < layers; ++l) {
    before = x;
    const float step = std::exp(-0.4f * static_cast<float>(l));  // the "block": ever smaller updates
    for (std::size_t j = 0; j < x.size(); ++j)
      x[j] += step * std::cos(static_cast<float>(j) + static_cast<float>(l));
    if (run.observe({.layer = l, .hidden = x, .prev_hidden = before}, head)) break;
  }
  fmt::print("token {} after {} of {} layers, {} pass over the head\n", run.token(), run.used().value, layers,
             run.probes());
}
