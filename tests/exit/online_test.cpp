// SPDX-License-Identifier: MIT
// What runs beside a decode loop takes no memory there.
#include <lagom/stop/calibrate/adaptive_threshold.hpp>
#include <lagom/stop/calibrate/confidence_sequence.hpp>
#include <lagom/stop/calibrate/drift_alarm.hpp>
#include <lagom/stop/calibrate/risk_monitor.hpp>
#include <lagom/stop/calibrate/shadow_sample.hpp>
#include <lagom/stop/position_decay.hpp>

#include "support/catch.hpp"
#include "support/count_allocations.hpp"

TEST_CASE("monitors and adapting thresholds allocate nothing while tokens are made", "[exit][monitor]") {
  lagom::adaptive_threshold adaptive({.capacity = 500});  // wraps around below
  const lagom::shadow_sample shadow{.share = 0.5};
  const lagom::risk_monitor monitor{.tolerance = lagom::tolerance(.1), .error_rate = lagom::error_rate(.1)};
  const lagom::drift_alarm alarm{.tolerance = lagom::tolerance(.1)};
  const lagom::confidence_sequence bounds;
  lagom::risk_monitor::state watched;
  lagom::drift_alarm::state drift;
  lagom::confidence_sequence::state seen;
  const lagom::position_decay decay;
  const std::size_t before = lagom_test::allocations();
  int refits = 0;
  double sum = 0;
  for (std::uint64_t sequence = 0; sequence < 20; ++sequence) {
    refits += adaptive.refit();
    for (std::uint64_t token = 0; token < 100; ++token) {
      sum += static_cast<double>(decay.rule(static_cast<int>(token)).value + adaptive.rule().value);
      const double confidence = shadow.random.uniform(7, sequence * 100 + token);
      const bool right = shadow.random.uniform(8, sequence * 100 + token) < confidence;
      adaptive.push(confidence, right);
      if (!shadow(sequence, token)) continue;
      monitor.step(watched, right ? 0 : 1);
      alarm.step(drift, right ? 0 : 1);
      bounds.step(seen, right ? 0 : 1);
    }
  }
  CHECK(lagom_test::allocations() == before);
  CHECK(refits == 19);
  CHECK(adaptive.size() == 500);
  CHECK(watched.losses > 800);
  CHECK(watched.verdict == lagom::risk_verdict::exceeded);  // half of all answers are wrong
  CHECK(seen.lower > .3);
  CHECK(sum > 0);
}
