// SPDX-License-Identifier: MIT
#include <lagom/stop/crf.hpp>
#include <lagom/stop/monotone.hpp>
#include <lagom/stop/patience.hpp>
#include <lagom/stop/rbf_svm.hpp>
#include <limits>

#include "support/catch.hpp"

using lagom::monotone_decision;
using lagom::certified_verdict;
using pair = lagom::features<lagom::gap, lagom::top_prob>;

static_assert(lagom::monotone_rule<lagom::threshold<>> &&
              lagom::monotone_rule<lagom::threshold<lagom::below>>);
static_assert(lagom::monotone_rule<lagom::linear_svm<2>> && lagom::monotone_rule<lagom::logistic<3>>);
static_assert(lagom::monotone_rule<lagom::standardized<lagom::linear_svm<2>>> &&
              lagom::monotone_rule<lagom::on_features<lagom::standardized<lagom::logistic<1>>>>);
static_assert(!lagom::monotone_rule<lagom::rbf_svm<2>> && !lagom::monotone_rule<lagom::crf<2>> &&
              !lagom::monotone_rule<lagom::patience> &&
              !lagom::monotone_rule<lagom::standardized<lagom::rbf_svm<2>>>);
static_assert(lagom::grows_with_certainty<pair> && !lagom::grows_with_certainty<int>);

namespace {

// Statistics of two tokens with this gap: p = (1 + gap) / 2 and (1 - gap) / 2.
lagom::softmax_stats<float> with_gap(double g) {
  lagom::softmax_stats<float> s;
  s.push(static_cast<float>(std::log((1 + g) / (1 - g))), 3);
  s.push(0, 5);
  return s;
}

}  // namespace

TEST_CASE("a verdict over an interval is that of all points, or open", "[stop][certified]") {
  const auto check = [](const auto& rule, bool rises) {
    const monotone_decision decide{pair{}, rule};
    for (double low = 0.05; low < 0.9; low += 0.1) {
      for (double high = low; high < 0.95; high += 0.1) {
        const certified_verdict v = decide(with_gap(low), with_gap(high));
        const certified_verdict at_low = decide(with_gap(low), with_gap(low)),
                      at_high = decide(with_gap(high), with_gap(high));
        CHECK(at_low != certified_verdict::open);
        CHECK((v == certified_verdict::open) == (at_low != at_high));
        if (at_low != at_high) CHECK(at_high == (rises ? certified_verdict::stop : certified_verdict::go_on));
      }
    }
  };
  check(lagom::threshold<>{0.5f, 0}, true);
  check(lagom::threshold<lagom::above>{0.7f, 1}, true);
  check(lagom::threshold<lagom::at_most>{0.5f, 0}, false);
  check(lagom::threshold<lagom::below>{0.7f, 1}, false);
  check(lagom::linear_svm<2>{{2, 1}, -1.5f}, true);
  check(lagom::linear_svm<2>{{-2, -1}, 1.5f}, false);
  check(lagom::logistic<1>{{1.0f}, -0.5f, 0}, true);
  check(lagom::standardized<lagom::linear_svm<2>>{{{0.5f, 0.5f}, {2, 2}}, {{1, 1}, 0}}, true);
  check(lagom::standardized<lagom::linear_svm<2>>{{{0.5f, 0.5f}, {-2, 0}}, {{1, 1}, 0}}, false);
  check(lagom::on_features{1, lagom::threshold<>{0.7f, 0}}, true);
}

TEST_CASE("weights of both signs take the corners of the box; no number never stops", "[stop][certified]") {
  // gap - top_prob: at the ends of the diagonal it is -0.35 and -0.15, in the corners -0.65 and 0.15.
  const monotone_decision decide{pair{}, lagom::linear_svm<2>{{1, -1}, 0.05f}};
  CHECK(decide(with_gap(0.3), with_gap(0.3)) == certified_verdict::go_on);
  CHECK(decide(with_gap(0.3), with_gap(0.7)) == certified_verdict::open);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(monotone_decision{pair{}, lagom::linear_svm<2>{{nan, 1}, 9}}(with_gap(0.1), with_gap(0.9)) ==
        certified_verdict::go_on);
  auto flagged = with_gap(0.9);
  flagged.bad = true;
  CHECK(monotone_decision{pair{}, lagom::threshold<>{0.5f, 0}}(flagged, flagged) == certified_verdict::go_on);
}
