// SPDX-License-Identifier: MIT
// Rows that fall away with depth, and layers that training drops: against numbers computed apart.
#include <lagom/core/random.hpp>
#include <lagom/exit/layer_dropout.hpp>
#include <lagom/exit/vocabulary_pruning.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "support/catch.hpp"

TEST_CASE("rows fall from the first number to the last", "[exit][pruning]") {
  const lagom::falling_rows rule{.first = 5000, .last = 50, .pruned_after = 5, .n_layers = 24};
  CHECK(rule(0) == Approx(231.2138728).epsilon(1e-9));
  CHECK(rule(1) == Approx(194.1747573).epsilon(1e-9));
  CHECK(rule(5) == Approx(118.3431953).epsilon(1e-9));
  CHECK(rule(19) == 50);
  CHECK(rule(100) == 50);
  CHECK(lagom::falling_rows{.first = 5000, .last = 50, .n_layers = 24}(0) == 5000);
  CHECK(lagom::falling_rows{.first = 20, .last = 50, .n_layers = 24}(7) == 50);
  const lagom::rows_by_confidence adaptive;
  CHECK(adaptive(32128, .5) == Approx(17670.4).epsilon(1e-12));
  CHECK(adaptive(32128, 1) == Approx(3212.8).epsilon(1e-12));
  CHECK(adaptive(32128, 1.5) == 32128);
}

TEST_CASE("the best rows are those that sorting puts first", "[exit][pruning]") {
  const lagom::philox random{4};
  for (std::uint64_t n = 0; n < 40; ++n) {
    for (lagom::index_t keep = -1; keep <= static_cast<lagom::index_t>(n) + 1; ++keep) {
      std::vector<lagom::token_id> tokens(n);
      std::vector<float> logits(n);
      for (std::uint64_t i = 0; i < n; ++i) {
        tokens[i] = static_cast<lagom::token_id>((7 * i + 3) % 41);
        const auto drawn = random.below(12, n, i);  // ties, and what is no number
        logits[i] = drawn == 0   ? std::numeric_limits<float>::quiet_NaN()
                    : drawn == 1 ? -std::numeric_limits<float>::infinity()
                    : drawn == 2 ? std::numeric_limits<float>::infinity()
                    : drawn == 3 ? -0.0f
                                 : static_cast<float>(drawn) - 7.0f;
      }
      std::vector<std::size_t> order(n);
      std::iota(order.begin(), order.end(), std::size_t{0});
      const auto place = [&](std::size_t i) {  // by what was drawn: no comparison of a NaN
        const auto drawn = random.below(12, n, i);
        return drawn == 0   ? -1000.0
               : drawn == 1 ? -500.0
               : drawn == 2 ? 500.0
               : drawn == 3 ? 0.0
                            : static_cast<double>(drawn) - 7;
      };
      std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return place(a) != place(b) ? place(a) > place(b) : tokens[a] < tokens[b];
      });
      auto kept = tokens;
      auto values = logits;
      const auto k =
          lagom::keep_best(lagom::vec_view<lagom::token_id>(kept), lagom::vec_view<float>(values), keep);
      REQUIRE(k == std::clamp<lagom::index_t>(keep, 0, static_cast<lagom::index_t>(n)));
      for (std::size_t i = 0; i < static_cast<std::size_t>(k); ++i) REQUIRE(kept[i] == tokens[order[i]]);
      REQUIRE(std::is_permutation(kept.begin(), kept.end(), tokens.begin()));
    }
  }
}

TEST_CASE("layer dropout rises from nothing to its most", "[exit]") {
  const auto rate = [](int l) { return lagom::layer_dropout(lagom::layer_index(l), 32, .1); };
  CHECK(rate(0) == 0);
  CHECK(rate(1) == Approx(.0022611436).epsilon(1e-7));
  CHECK(rate(15) == Approx(.0398490998).epsilon(1e-8));
  CHECK(rate(30) == Approx(.0955777073).epsilon(1e-8));
  CHECK(rate(31) == Approx(.1).epsilon(1e-12));
  CHECK(lagom::layer_dropout(lagom::layer_index(0), 1, .5) == 0);
}
