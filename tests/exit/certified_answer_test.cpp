// SPDX-License-Identifier: MIT
#include <lagom/exit/certified_answer.hpp>
#include <lagom/kernel/prepare_head.hpp>
#include <lagom/stop/not_before.hpp>

#include "support/approx.hpp"
#include "support/catch.hpp"

using namespace lagom_test;
using lagom::row_code;

TEST_CASE("a policy before prepared rows does what it does before the head", "[exit][certified]") {
  const std::size_t vocab = 300, h = 64;
  const int layers = 8;
  const auto w = normal<float>(vocab * h, 1, 0.3), bent = normal<float>(h, 2, 0.2);
  std::vector<float> g(h);
  for (std::size_t j = 0; j < h; ++j) g[j] = 1 + bent[j];
  const lagom::head to{lagom::mat_view<const float>(w.data(), vocab, h), lagom::rms_norm{g, 1e-5}, 1.0f, 40};
  const auto run_all = [&](const auto& policy) {
    for (const row_code code : {row_code::int8, row_code::int4, row_code::int2}) {
      const auto prepared = lagom::prepare_head(lagom::portable{}, to.rows, {.code = code});
      lagom::certified_workspace work{lagom::portable{}, prepared->view()};
      const lagom::certified_answer cheap{policy, to, prepared->view(), work};
      int early = 0, probes = 0;
      for (std::uint64_t n = 0; n < 30; ++n) {
        auto plain = policy.begin(layers), certified = policy.begin(layers);
        auto x = normal<float>(h, 100 + n);
        for (int l = 0; l < layers; ++l) {
          const auto noise = normal<float>(h, 1000 + 10 * n + static_cast<std::uint64_t>(l), 0.7);
          for (std::size_t j = 0; j < h; ++j) {
            x[j] = 0.7f * x[j] + noise[j] +
                   0.17f * static_cast<float>(n % 3) * static_cast<float>(l) * w[n * h + j];
          }
          const bool stop = plain.observe({.layer = l, .hidden = x}, to);
          REQUIRE(certified.observe({.layer = l, .hidden = x}, cheap) == stop);
          if (stop) break;
        }
        CHECK(certified.token() == plain.token());
        CHECK(certified.stopped_at() == plain.stopped_at());
        CHECK(certified.probes() == plain.probes());
        early += plain.stopped_at().value + 1 < layers ? 1 : 0;
        probes += plain.probes();
      }
      CHECK(early > 0);
      CHECK(early < 30);
      CHECK(work.account.probes == probes);
      CHECK(work.account.unknown == 0);
    }
  };
  run_all(lagom::exit_policy{lagom::features<lagom::gap>{}, lagom::threshold<>{0.6f, 0}});
  run_all(lagom::exit_policy{lagom::features<lagom::gap, lagom::top_prob>{},
                             lagom::linear_svm<2>{{1, 1}, -1.4f}, lagom::not_before{3}});
}
