// SPDX-License-Identifier: MIT
#include <lagom/cost/depth.hpp>

#include "support/catch.hpp"

using lagom::cost::depth_cost_ratio;

namespace {

// DeeBERT, BERT-base on the 408 rows of MRPC's development set; layers count from 1 there.
lagom::cost_ratio of(std::initializer_list<std::pair<int, std::int64_t>> exits) {
  std::int64_t stopped[12] = {};
  for (const auto& [used, rows] : exits) stopped[lagom::stopped_at(lagom::layers_used(used)).value] = rows;
  return depth_cost_ratio(stopped);
}

}  // namespace

TEST_CASE("DeeBERT's expected saving is a cost ratio", "[cost][depth]") {
  const auto low = of({{10, 49}, {11, 62}, {12, 297}});
  CHECK(low.value == Approx(4736.0 / (12 * 408)).epsilon(1e-15));
  CHECK(low.value == Approx(.9673202614).epsilon(1e-10));
  const auto high = of({{6, 4}, {8, 1}, {9, 10}, {10, 110}, {11, 58}, {12, 225}});
  CHECK(high.value == Approx(.9313725490).epsilon(1e-10));
  CHECK(lagom::saved(high).value == Approx(1 - 4560.0 / 4896));
}

TEST_CASE("depth costs of means and of nothing", "[cost][depth]") {
  CHECK(depth_cost_ratio(lagom::mean_layers_used(18.0), 24).value == Approx(0.75));
  CHECK(of({}).value == 1);
  CHECK(of({{12, 7}}).value == 1);
  CHECK(of({{1, 3}}).value == Approx(1.0 / 12));
}
