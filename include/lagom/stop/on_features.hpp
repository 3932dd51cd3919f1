// SPDX-License-Identifier: MIT
/// @file stop/on_features.hpp
/// Shows a rule a part of the feature vector.
#pragma once

#include "stop_rule.hpp"

namespace lagom {
inline namespace v0 {

/// `on_features{2, rule}`: the rule sees the features from the third on. For combining classifiers that were
/// fitted on different signals of one pack.
template <stop_rule Rule>
struct on_features {
  index_t first = 0;
  Rule rule{};

  using state = typename Rule::state;

  LAGOM_LEAF float step(state& s, vec_view<const float> x) const noexcept {
    return rule.step(s, x.slice(first, x.size() - first));
  }
  template <class Stats>
    requires confirming_rule<Rule>
  LAGOM_LEAF bool confirms(const state& s, const Stats& answer) const noexcept {
    return rule.confirms(s, answer);
  }
};

template <std::integral I, stop_rule Rule>
on_features(I, Rule) -> on_features<Rule>;

}  // namespace v0
}  // namespace lagom
