// SPDX-License-Identifier: MIT
#include <cmath>
#include <lagom/kernel/softmax_stats_of.hpp>
#include <lagom/kernel/squared_norm.hpp>
#include <lagom/signal/agreement.hpp>
#include <lagom/signal/attention_cosine.hpp>
#include <lagom/signal/entropy.hpp>
#include <lagom/signal/features.hpp>
#include <lagom/signal/gap.hpp>
#include <lagom/signal/hidden_cosine.hpp>
#include <lagom/signal/lte.hpp>
#include <lagom/signal/meta_confidence.hpp>
#include <lagom/signal/mlp_cosine.hpp>
#include <lagom/signal/relative_depth.hpp>
#include <lagom/signal/top_prob.hpp>
#include <vector>

#include "support/approx.hpp"
#include "support/catch.hpp"

using lagom::need;
using lagom::portable;

namespace {

// A user's own signal: two numbers, a setting.
struct powers {
  static constexpr std::string_view name = "powers";
  static constexpr std::size_t width = 2;
  static constexpr need needs = need::hidden;
  float exponent = 1;
  template <class B>
  void operator()(const auto& o, const B& b, float* out) const noexcept {
    out[0] = std::pow(static_cast<float>(lagom::squared_norm(b, o.hidden)), exponent);
    out[1] = exponent;
  }
};

template <class S>
float one(const S& signal, const lagom::layer_obs& o) {
  float x = -99;
  signal(o, portable{}, &x);
  return x;
}

}  // namespace

static_assert(lagom::exit_signal<lagom::gap> && lagom::exit_signal<powers> && !lagom::exit_signal<int>);
static_assert(lagom::exit_signal<lagom::features<lagom::gap, powers>>);  // packs nest
using pack = lagom::features<lagom::gap, powers, lagom::agreement>;
static_assert(pack::width == 4 && pack::signals == 3 && pack::widths[1] == 2 &&
              pack::names[2] == "agreement");
static_assert(pack::needs == (need::stats | need::hidden | need::last_stats));
static_assert(lagom::features<lagom::relative_depth>::needs == need::none);
static_assert(sizeof(lagom::features<lagom::gap, lagom::top_prob, lagom::entropy>) <= 3);
static_assert(std::is_trivially_copyable_v<lagom::layer_obs>);

TEST_CASE("signals of the softmax statistics", "[signal]") {
  const std::vector<float> z{2, 1, 0.1f, -1, 3};
  lagom::layer_obs o{.layer = 2, .n_layers = 8};
  o.stats = lagom::softmax_stats_of(portable{}, z);
  CHECK(one(lagom::top_prob{}, o) == Approx(.634294965));
  CHECK(one(lagom::gap{}, o) == Approx(.400950888));
  CHECK(one(lagom::entropy{}, o) == Approx(1.007953072));
  CHECK(one(lagom::relative_depth{}, o) == Approx(3.0 / 8));
  CHECK(one(lagom::agreement{}, o) == 0);  // nothing was probed before
  o.last_stats.push(1, 4);
  CHECK(one(lagom::agreement{}, o) == 1);
  o.last_stats = {};
  o.last_stats.push(1, 0);
  CHECK(one(lagom::agreement{}, o) == 0);
}

TEST_CASE("signals of flagged statistics are numbers that do not argue for stopping", "[signal]") {
  lagom::layer_obs o{.layer = 0, .n_layers = 8};
  CHECK(one(lagom::top_prob{}, o) == 0);
  CHECK(one(lagom::gap{}, o) == 0);
  CHECK(one(lagom::agreement{}, o) == 0);
}

TEST_CASE("cosines of hidden state, attention and MLP output", "[signal]") {
  const std::vector<float> a{1, 2, 3}, b{-1, 0, 2}, zero{0, 0, 0};
  const auto near = [](float x, double y) { return std::abs(static_cast<double>(x) - y) < 1e-6; };
  CHECK(near(one(lagom::hidden_cosine{}, {.hidden = a, .prev_hidden = b}), .597614304667));
  CHECK(near(one(lagom::attention_cosine{}, {.attention = a, .prev_attention = b}), .597614304667));
  CHECK(near(one(lagom::mlp_cosine{}, {.mlp = a, .prev_mlp = b}), .597614304667));
  CHECK(one(lagom::mlp_cosine{}, {.mlp = a}) == 0);  // first layer
  CHECK(one(lagom::hidden_cosine{}, {.hidden = a, .prev_hidden = zero}) == 0);
  std::vector<float> poisoned = a;
  const std::uint32_t nan = 0x7fc00000u;
  __builtin_memcpy(poisoned.data(), &nan, sizeof nan);
  float x = 0;
  lagom::hidden_cosine{}(lagom::layer_obs{.hidden = poisoned, .prev_hidden = a}, portable{}, &x);
  CHECK_FALSE(lagom::is_finite(&x));
}

TEST_CASE("a pack writes its features one after another and keeps settings", "[signal]") {
  const std::vector<float> h{1, 2};
  const lagom::features f{lagom::relative_depth{}, powers{.exponent = 2}, lagom::relative_depth{}};
  float x[4] = {};
  f(lagom::layer_obs{.layer = 1, .n_layers = 4, .hidden = h}, portable{}, x);
  CHECK(x[0] == 0.5f);
  CHECK(x[1] == 25);
  CHECK(x[2] == 2);
  CHECK(x[3] == 0.5f);
  lagom::basic_layer_obs<double> d{.layer = 0, .n_layers = 2};
  float y = 0;
  lagom::relative_depth{}(d, portable{}, &y);
  CHECK(y == 0.5f);
}

TEST_CASE("a meta head is the softmax of its two rows", "[signal]") {
  const std::vector<float> h{1, -2, .5f, 3}, w0{.1f, .2f, -.3f, .4f}, w1{-.5f, .1f, 2, .2f};
  const double b0 = .3, b1 = -.1;
  double z0 = b0, z1 = b1;
  std::vector<float> difference;
  for (std::size_t i = 0; i < 4; ++i) {
    z0 += static_cast<double>(w0[i]) * static_cast<double>(h[i]);
    z1 += static_cast<double>(w1[i]) * static_cast<double>(h[i]);
    difference.push_back(w1[i] - w0[i]);
  }
  const lagom::meta_confidence meta{difference, static_cast<float>(b1 - b0)};
  CHECK(one(meta, {.hidden = h}) == Approx(std::exp(z1) / (std::exp(z0) + std::exp(z1))).epsilon(1e-6));
  const std::vector<float> far(4, 1e4f), zero(4, 0.0f);
  CHECK(one(lagom::meta_confidence{far, 0}, {.hidden = far}) == 1);
  CHECK(one(lagom::meta_confidence{zero, 0}, {.hidden = h}) == 0.5f);
  std::vector<float> poisoned = h;
  poisoned[2] = std::numeric_limits<float>::quiet_NaN();
  float x = 0;
  meta(lagom::layer_obs{.hidden = poisoned}, portable{}, &x);
  CHECK_FALSE(lagom::is_finite(&x));
  const std::vector<double> wide(h.begin(), h.end());
  meta(lagom::basic_layer_obs<double>{.hidden = wide}, portable{}, &x);
  CHECK(x == Approx(one(meta, {.hidden = h})));
}

TEST_CASE("learning to exit is the sigmoid of a linear function", "[signal]") {
  const std::vector<float> h{1, -2, .5f, 3}, w{.1f, .2f, -.3f, .4f};
  const double z = .1 - .4 - .15 + 1.2 - .25;
  CHECK(one(lagom::lte{w, -.25f}, {.hidden = h}) == Approx(1 / (1 + std::exp(-z))).epsilon(1e-6));
  const std::vector<float> far(4, 1e4f), zero(4, 0.0f);
  CHECK(one(lagom::lte{far, 0}, {.hidden = far}) == 1);
  CHECK(one(lagom::lte{w, 0}, {.hidden = zero}) == 0.5f);
  std::vector<float> poisoned = h;
  const std::uint32_t nan = 0x7fc00000u;
  __builtin_memcpy(&poisoned[1], &nan, sizeof nan);
  float x = 0;
  lagom::lte{w, 0}(lagom::layer_obs{.hidden = poisoned}, portable{}, &x);
  CHECK_FALSE(lagom::is_finite(&x));
}
