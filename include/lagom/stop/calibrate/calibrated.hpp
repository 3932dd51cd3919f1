// SPDX-License-Identifier: MIT
/// @file stop/calibrate/calibrated.hpp
#pragma once

#include "../monotone.hpp"
#include "certify.hpp"

namespace lagom {
inline namespace v0 {

namespace detail {
template <class Rule>
struct width_as {};
template <class Rule>
  requires requires { Rule::width; }
struct width_as<Rule> {
  static constexpr std::size_t width = Rule::width;
};
}  // namespace detail

/// A rule with what was shown of it, and of which model: itself a rule, and what a saved policy keeps.
///
/// ```cpp
/// const lagom::calibrated safe{lagom::threshold{thresholds[kept->candidate]}, *kept, model};
/// lagom::exit_policy policy{lagom::features<lagom::gap>{}, safe};
/// ```
/// A certificate holds for the model, the signals, the schedule and the kind of text that the calibration saw.
template <stop_rule Rule>
struct calibrated : detail::width_as<Rule> {
  using rule_type = Rule;
  using state = typename Rule::state;

  Rule rule{};
  certificate shown{};
  std::uint64_t model = 0;  ///< `io::model_fingerprint`, or what the program tells models apart by

  calibrated() = default;
  LAGOM_INLINE calibrated(const Rule& r, const certificate& c, std::uint64_t m)
      : rule(r), shown(c), model(m) {}

  LAGOM_LEAF float step(state& s, vec_view<const float> x) const noexcept { return rule.step(s, x); }
  template <class Stats>
    requires confirming_rule<Rule>
  LAGOM_LEAF bool confirms(const state& s, const Stats& answer) const noexcept {
    return rule.confirms(s, answer);
  }

  /// Fails with `changed` for another model.
  [[nodiscard]] LAGOM_INLINE result<done> check(std::uint64_t running) const noexcept {
    if (running == model) return done{};
    return failure{.code = errc::changed, .key = "model", .expected = model, .found = running};
  }
};

template <monotone_rule Rule>
struct monotone_traits<calibrated<Rule>> {
  LAGOM_LEAF static constexpr int direction(const calibrated<Rule>& r, index_t j) noexcept {
    return monotone_traits<Rule>::direction(r.rule, j);
  }
};

}  // namespace v0
}  // namespace lagom
