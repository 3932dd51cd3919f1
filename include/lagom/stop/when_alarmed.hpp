// SPDX-License-Identifier: MIT
/// @file stop/when_alarmed.hpp
/// A monitor as a stop rule.
#pragma once

#include <concepts>

#include "calibrate/drift_alarm.hpp"
#include "calibrate/risk_monitor.hpp"
#include "stop_rule.hpp"

namespace lagom {
inline namespace v0 {

/// Stops when a monitor that watches feature `feature`, a loss in [0, 1], gives the alarm: a `drift_alarm`, or a `risk_monitor`
/// whose tolerance is exceeded. What the monitor promises of false alarms is promised of false stops, however long the
/// sequence: a text is given up, say, when the probabilities of its tokens have fallen below what they were calibrated at
/// (feature 1 - p). The score is 1 or -1. Precondition: the monitor's `check()` passes.
template <class Monitor>
  requires std::same_as<Monitor, drift_alarm> || std::same_as<Monitor, risk_monitor>
struct when_alarmed {
  Monitor monitor{};
  int feature = 0;

  using state = typename Monitor::state;

  LAGOM_LEAF float step(state& s, vec_view<const float> x) const noexcept {
    LAGOM_ASSERT(0 <= feature && feature < x.size());
    const auto loss = static_cast<double>(x[feature]);
    if constexpr (std::same_as<Monitor, drift_alarm>) {
      return monitor.step(s, loss) ? 1.0f : -1.0f;
    } else {
      return monitor.step(s, loss) == risk_verdict::exceeded ? 1.0f : -1.0f;
    }
  }
};

template <class Monitor>
when_alarmed(Monitor) -> when_alarmed<Monitor>;
template <class Monitor>
when_alarmed(Monitor, int) -> when_alarmed<Monitor>;

}  // namespace v0
}  // namespace lagom
