// SPDX-License-Identifier: MIT
#include <array>
#include <lagom/kernel/unembed_rows.hpp>
#include <lagom/signal/candidate_probe.hpp>
#include <lagom/signal/features.hpp>

#include "support/approx.hpp"
#include "support/catch.hpp"

using namespace lagom_test;
using lagom::portable;

namespace {
constexpr lagom::index_t dim = 37, vocab = 50;
}  // namespace

TEMPLATE_TEST_CASE("a candidate probe is the head at a few tokens", "[signal]", float, lagom::bf16,
                   lagom::f16) {
  const auto w = normal<TestType>(dim * vocab, 1), h = normal<TestType>(dim, 2);
  const auto g = normal<float>(dim, 3);
  const lagom::head to{lagom::mat_view{w.data(), vocab, dim}, lagom::rms_norm{g, 1e-5}, 0.5f};
  using probe = lagom::candidate_probe<4, std::remove_const_t<decltype(to)>>;
  static_assert(lagom::exit_signal<probe> && probe::width == 10 && probe::needs == lagom::need::hidden);
  const std::array<lagom::token_id, 4> drafts{7, 49, 0, 12};
  float x[10];
  lagom::features{probe{to, drafts}}(lagom::basic_layer_obs<TestType>{.layer = 6, .n_layers = 9, .hidden = h},
                                     portable{}, x);
  double square = 0;
  for (const auto v : h) square += static_cast<double>(v) * static_cast<double>(v);
  const double inverse = 1 / std::sqrt(square / dim + 1e-5);
  double z[4], sum = 0;
  std::size_t best = 0;
  for (std::size_t k = 0; k < 4; ++k) {
    z[k] = 0;
    for (std::size_t j = 0; j < dim; ++j) {
      z[k] += 0.5 * static_cast<double>(w[static_cast<std::size_t>(drafts[k] * dim) + j]) *
              static_cast<double>(h[j]) * inverse * static_cast<double>(g[j]);
    }
    sum += std::exp(z[k]);
    if (z[k] > z[best]) best = k;
  }
  for (std::size_t k = 0; k < 4; ++k) {
    CHECK(near(static_cast<double>(x[k]), z[k], 1e-4));
    CHECK(near(static_cast<double>(x[4 + k]), std::exp(z[k]) / sum, 1e-5));
  }
  CHECK(x[8] == static_cast<float>(drafts[best]));
  CHECK(x[9] == 6);
  const auto stats = lagom::unembed_rows(portable{}, h, to, drafts);
  CHECK(stats.top == drafts[best]);
  CHECK(near(static_cast<double>(stats.top_prob()), static_cast<double>(x[4 + best]), 1e-6));
}

TEST_CASE("candidates that tie: the lowest token is best, as over the whole head", "[signal]") {
  const std::vector<float> w(static_cast<std::size_t>(dim * vocab), 0.25f), h(dim, 1.0f), none(dim, 0.0f);
  const lagom::head to{lagom::mat_view{w.data(), vocab, dim}};
  const std::array<lagom::token_id, 3> drafts{30, 4, 9};
  float x[8];
  for (const auto& state : {h, none}) {
    lagom::candidate_probe<3, lagom::head<float>>{to, drafts}(lagom::layer_obs{.hidden = state}, portable{},
                                                              x);
    CHECK(x[6] == 4);
    CHECK(x[3] == Approx(1.0 / 3));
  }
}

TEST_CASE("a candidate probe of a state that is not finite is missing", "[signal]") {
  const auto w = normal<float>(dim * vocab, 1);
  std::vector<float> h(dim, 1.0f);
  const std::uint32_t nan = 0x7fc00000u;
  __builtin_memcpy(&h[5], &nan, sizeof nan);
  const std::array<lagom::token_id, 1> drafts{3};
  float x[4];
  lagom::candidate_probe<1, lagom::head<float>>{lagom::head{lagom::mat_view{w.data(), vocab, dim}}, drafts}(
      lagom::layer_obs{.hidden = h}, portable{}, x);
  CHECK_FALSE(lagom::is_finite(&x[0]));
}
