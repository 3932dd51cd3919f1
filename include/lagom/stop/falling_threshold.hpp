// SPDX-License-Identifier: MIT
/// @file stop/falling_threshold.hpp
/// A threshold that falls from step to step: position decay as a rule.
#pragma once

#include "position_decay.hpp"

namespace lagom {
inline namespace v0 {

/// `threshold` with CALM's decay along its own steps: step i is compared with `decay.at(i)`. One state a text; on the token
/// axis step i is token i, where every token is looked at.
template <class Comparator = at_least>
struct falling_threshold {
  position_decay decay{};
  int feature = 0;

  struct state {
    int position = 0;
  };

  LAGOM_LEAF float step(state& s, vec_view<const float> x) const noexcept {
    no_state none;
    const int at = s.position;
    s.position = at < most ? at + 1 : at;
    return decay.template rule<Comparator>(at, feature).step(none, x);
  }

 private:
  static constexpr int most = 1 << 30;
};

falling_threshold(position_decay) -> falling_threshold<at_least>;
falling_threshold(position_decay, int) -> falling_threshold<at_least>;

}  // namespace v0
}  // namespace lagom
