// SPDX-License-Identifier: MIT
// The draft threshold against scikit-learn's ROC curve (tests/oracle/roc_threshold.py).
#include <lagom/exit/roc_threshold.hpp>
#include <limits>

#include "support/catch.hpp"
#include "support/golden.hpp"

using namespace lagom_test;

TEST_CASE("the draft threshold is that of scikit-learn's ROC curve", "[exit][drafts]") {
  const auto file = must(lagom::io::safetensors::open(golden("drafts/roc_threshold.safetensors")));
  for (int c = 0; c < 8; ++c) {
    const std::string name = std::to_string(c);
    const auto confidence = elements<float>(file, name + "/confidence");
    const auto round = elements<std::int32_t>(file, name + "/round"),
               kept = elements<std::int32_t>(file, name + "/kept");
    const auto threshold = elements<double>(file, name + "/threshold");
    const lagom::roc_threshold<> rule;
    auto s = rule.begin();
    std::size_t first = 0;
    for (std::size_t r = 0; r < kept.size(); ++r) {
      std::size_t end = first;
      while (end < round.size() && round[end] == static_cast<std::int32_t>(r)) ++end;
      rule.learn(s, lagom::vec_view<const float>(confidence.data() + first, end - first), kept[r]);
      CHECK(s.value == threshold[r]);
      first = end;
    }
  }
}

TEST_CASE("what the draft threshold learns from", "[exit][drafts]") {
  const lagom::roc_threshold<8> rule{.start = 0.7};
  auto s = rule.begin();
  CHECK(s.value == 0.7);
  const std::vector<float> sure{0.9f, 0.8f, 0.9f}, lost{std::numeric_limits<float>::quiet_NaN(), 0.5f};
  rule.learn(s, sure, 3);
  rule.learn(s, lost, 2);
  CHECK(s.count == 4);  // a NaN is left out
  rule.learn(s, sure, 3);
  CHECK(s.value == 0.7);  // no draft was refused yet
  rule.learn(s, std::vector<float>{0.2f, 0.1f, 0.9f}, 0);
  CHECK(s.count == 8);
  CHECK(s.value == Approx(0.5));  // what is told apart: 0.2 was refused, 0.5 and more was kept
  for (int i = 0; i < 8; ++i) rule.learn(s, std::vector<float>{0.9f}, i % 2);
  CHECK(s.value == Approx(0.9f));  // the old ones are forgotten
  rule.learn(s, {}, 0);
  CHECK(s.count == 8);
  // Where refused drafts weigh more than kept ones that were not made, a single draft may be best.
  const lagom::roc_threshold<8> wary{.missed = 0.1};
  auto t = wary.begin();
  for (int i = 0; i < 8; ++i) wary.learn(t, std::vector<float>{0.9f}, i % 2);
  CHECK(t.value > 1);
}
