// SPDX-License-Identifier: MIT
// What holds at every look: exactly over all short streams, and by simulation over long ones.
#include <lagom/io/json.hpp>
#include <lagom/stop/calibrate/binomial.hpp>
#include <lagom/stop/calibrate/confidence_sequence.hpp>
#include <lagom/stop/calibrate/drift_alarm.hpp>
#include <lagom/stop/calibrate/risk_monitor.hpp>
#include <lagom/stop/calibrate/shadow_sample.hpp>
#include <limits>

#include "support/catch.hpp"
#include "support/golden.hpp"

using lagom::drift_alarm;
using lagom::error_rate;
using lagom::risk_monitor;
using lagom::risk_verdict;
using lagom::tolerance;
using lagom::io::json;
using lagom_test::must;

namespace {

constexpr lagom::philox chance{31};

// Is `count` of `runs` more than a chance of `error` explains? False alarm once in a million.
bool too_many(std::int64_t count, std::int64_t runs, double error) {
  return 1 - lagom::binomial_cdf(count - 1, runs, error) < 1e-6;
}

}  // namespace

static_assert(std::is_trivially_copyable_v<risk_monitor::state> &&
              std::is_trivially_copyable_v<drift_alarm::state> &&
              std::is_trivially_copyable_v<lagom::confidence_sequence::state>);

TEST_CASE("shadow tokens are a share of all, the same ones every time", "[stop][monitor]") {
  const lagom::shadow_sample shadow{.share = 0.05, .random = {9}};
  int chosen = 0;
  for (std::uint64_t s = 0; s < 50; ++s) {
    for (std::uint64_t i = 0; i < 1000; ++i) chosen += shadow(s, i);
  }
  CHECK(chosen > 2200);
  CHECK(chosen < 2800);
  CHECK(shadow(3, 7) == shadow(3, 7));
  const lagom::shadow_sample none{.share = 0}, all{.share = 1};
  for (std::uint64_t i = 0; i < 100; ++i) {
    CHECK_FALSE(none(0, i));
    CHECK(all(0, i));
  }
}

TEST_CASE("the players' capital is a martingale at the tolerance", "[stop][monitor]") {
  // The mean over all streams of 12 losses, which are 1 with probability p, 1/2 with q, else 0: no simulation.
  constexpr double limit = .3;
  const risk_monitor monitor{.tolerance = tolerance(limit), .error_rate = error_rate(1e-9), .memory = 5};
  const auto capitals = [&](double p, double q, int length) {
    double above = 0, below = 0;
    int streams = 1;
    for (int i = 0; i < length; ++i) streams *= 3;
    for (int stream = 0; stream < streams; ++stream) {
      risk_monitor::state s;
      double weight = 1;
      for (int i = 0, rest = stream; i < length; ++i, rest /= 3) {
        weight *= rest % 3 == 0 ? 1 - p - q : rest % 3 == 1 ? p : q;
        monitor.step(s, rest % 3 == 0 ? 0 : rest % 3 == 1 ? 1 : 0.5);
      }
      above += weight * std::exp(s.above);
      below += weight * std::exp(s.below);
    }
    return std::pair(above, below);
  };
  const auto fair = capitals(.2, .2, 9);  // mean .3
  CHECK(fair.first == Approx(1).epsilon(1e-12));
  CHECK(fair.second == Approx(1).epsilon(1e-12));
  const auto low = capitals(.1, .1, 9), high = capitals(.4, .3, 9);
  CHECK(low.first < 1);
  CHECK(low.second > 1.5);
  CHECK(high.first > 1.5);
  CHECK(high.second < 1);
}

TEST_CASE("an alarm's evidence is at most the time that has passed, on average", "[stop][monitor]") {
  constexpr double limit = .3;
  const drift_alarm alarm{.tolerance = tolerance(limit), .run = 1e9, .memory = 5};
  for (const int length : {1, 4, 12}) {
    double mean = 0;
    for (unsigned stream = 0; stream < 1u << length; ++stream) {
      drift_alarm::state s;
      double weight = 1;
      for (int i = 0; i < length; ++i) {
        const bool lost = stream >> i & 1u;
        weight *= lost ? limit : 1 - limit;
        alarm.step(s, lost ? 1 : 0);
      }
      mean += weight * std::exp(s.evidence);
    }
    CHECK(mean <= length);
    CHECK(mean >= .99);
  }
}

TEST_CASE("false verdicts are as rare as promised, over all looks", "[stop][monitor]") {
  constexpr int runs = 400, length = 4000;
  for (const double limit : {.05, .3}) {
    const risk_monitor monitor{.tolerance = tolerance(limit), .error_rate = error_rate(.1)};
    REQUIRE(monitor.check());
    int exceeded = 0, kept = 0;
    for (std::uint64_t run = 0; run < runs; ++run) {  // just at the tolerance: both verdicts would be false
      risk_monitor::state s;
      for (std::uint64_t i = 0; i < length; ++i) monitor.step(s, chance.uniform(run, i) < limit ? 1 : 0);
      exceeded += s.verdict == risk_verdict::exceeded;
      kept += s.verdict == risk_verdict::kept;
    }
    CAPTURE(limit, exceeded, kept);
    CHECK(!too_many(exceeded, runs, .1));
    CHECK(!too_many(kept, runs, .1));
    // Away from it the verdict is right and comes.
    for (std::uint64_t run = 0; run < 40; ++run) {
      risk_monitor::state bad, good;
      for (std::uint64_t i = 0; i < length; ++i) {
        monitor.step(bad, chance.uniform(1000 + run, i) < 2 * limit ? 1 : 0);
        monitor.step(good, chance.uniform(2000 + run, i) < limit / 3 ? 1 : 0);
      }
      REQUIRE(bad.verdict == risk_verdict::exceeded);
      REQUIRE(good.verdict == risk_verdict::kept);
    }
  }
}

TEST_CASE("drift is noticed after a long good time, and seldom imagined", "[stop][monitor]") {
  constexpr double limit = .05;
  const drift_alarm alarm{.tolerance = tolerance(limit), .run = 2e4};
  REQUIRE(alarm.check());
  double delay = 0;
  for (std::uint64_t run = 0; run < 50; ++run) {
    drift_alarm::state s;
    std::uint64_t i = 0;
    for (; i < 20000; ++i) alarm.step(s, chance.uniform(5000 + run, i) < limit / 5 ? 1 : 0);
    REQUIRE(s.alarm < 0);
    for (; s.alarm < 0 && i < 30000; ++i) alarm.step(s, chance.uniform(5000 + run, i) < 4 * limit ? 1 : 0);
    REQUIRE(s.alarm > 20000);
    REQUIRE(s.losses == s.alarm);
    delay += static_cast<double>(s.alarm - 20000) / 50;
  }
  CAPTURE(delay);
  CHECK(delay < 250);
  // At the tolerance itself: the mean time to a false alarm, cut off at 10 runs, which makes it smaller.
  const drift_alarm quick{.tolerance = tolerance(limit), .run = 200};
  double time = 0;
  constexpr int runs = 300;
  for (std::uint64_t run = 0; run < runs; ++run) {
    drift_alarm::state s;
    std::uint64_t i = 0;
    while (i < 20000 && !quick.step(s, chance.uniform(9000 + run, i) < limit ? 1 : 0)) ++i;
    time += static_cast<double>(i) / runs;
  }
  CAPTURE(time);
  CHECK(time > 200);
}

TEST_CASE("confidence sequences", "[stop][monitor]") {
  const json document = must(lagom::io::load_json(lagom_test::golden("calibration/tests.json")));
  for (const json& set : document["sequences"]) {
    const std::vector<double> losses = set["losses"];
    const lagom::confidence_sequence sequence{error_rate(set["error"].get<double>())};
    lagom::confidence_sequence::state s;
    std::size_t seen = 0;
    for (const json& bounds : set["bounds"]) {
      for (; seen < bounds[0].get<std::size_t>(); ++seen) sequence.step(s, losses[seen]);
      CAPTURE(set["name"].get<std::string>(), seen);
      CHECK(std::abs(s.lower - bounds[1].get<double>()) <= 1e-12);
      CHECK(std::abs(s.upper - bounds[2].get<double>()) <= 1e-12);
    }
    if (set["name"] == "drift") CHECK(s.lower > s.upper);
  }
  int missed = 0;
  constexpr int runs = 400;
  const lagom::confidence_sequence sequence{error_rate(.1)};
  for (std::uint64_t run = 0; run < runs; ++run) {
    lagom::confidence_sequence::state s;
    for (std::uint64_t i = 0; i < 3000; ++i) sequence.step(s, chance.uniform(20000 + run, i) < .1 ? 1 : 0);
    missed += s.lower > .1 || s.upper < .1;  // bounds only tighten: once missed, missed for ever
    REQUIRE(s.upper - s.lower < .08);
  }
  CHECK(!too_many(missed, runs, .1));
}

TEST_CASE("monitors leave out what is no loss, and refuse settings", "[stop][monitor]") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const risk_monitor monitor{.tolerance = tolerance(.1), .error_rate = error_rate(.1)};
  const drift_alarm alarm{.tolerance = tolerance(.1)};
  const lagom::confidence_sequence sequence;
  risk_monitor::state a;
  drift_alarm::state b;
  lagom::confidence_sequence::state c;
  for (const double bad : {nan, -1.0, 1.5, std::numeric_limits<double>::infinity()}) {
    CHECK(monitor.step(a, bad) == risk_verdict::open);
    CHECK_FALSE(alarm.step(b, bad));
    sequence.step(c, bad);
  }
  CHECK(a.refused == 4);
  CHECK(a.losses == 0);
  CHECK(b.refused == 4);
  CHECK(b.losses == 0);
  CHECK(c.refused == 4);
  CHECK(c.lower == 0);
  CHECK(c.upper == 1);
  for (int i = 0; i < 5000; ++i) {  // no spread at all
    monitor.step(a, 0);
    alarm.step(b, 1);
  }
  CHECK(a.verdict == risk_verdict::kept);
  CHECK(b.alarm > 0);
  CHECK(lagom::is_finite(&a.below));
  CHECK(lagom::is_finite(&b.evidence));
  for (const double bad : {0.0, 1.0, nan}) {
    CHECK(!risk_monitor{.tolerance = tolerance(bad), .error_rate = error_rate(.1)}.check());
    CHECK(!risk_monitor{.tolerance = tolerance(.1), .error_rate = error_rate(bad)}.check());
    CHECK(!drift_alarm{.tolerance = tolerance(bad)}.check());
  }
  CHECK(!drift_alarm{.tolerance = tolerance(.1), .run = 0.5}.check());
  CHECK(!drift_alarm{.tolerance = tolerance(.1), .memory = 1}.check());
}
