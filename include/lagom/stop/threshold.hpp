// SPDX-License-Identifier: MIT
/// @file stop/threshold.hpp
/// One feature against one number.
#pragma once

#include "stop_rule.hpp"

namespace lagom {
inline namespace v0 {

// Which side of the threshold stops, and whether equality does: published systems differ, so it is a type.

/// value >= threshold (CALM).
struct at_least {
  LAGOM_LEAF static constexpr bool passes(float value, float threshold) noexcept {
    return value >= threshold;
  }
};
/// value > threshold (FREE).
struct above {
  LAGOM_LEAF static constexpr bool passes(float value, float threshold) noexcept { return value > threshold; }
};
/// value <= threshold.
struct at_most {
  LAGOM_LEAF static constexpr bool passes(float value, float threshold) noexcept {
    return value <= threshold;
  }
};
/// value < threshold (entropy in DeeBERT, uncertainty in BERxiT).
struct below {
  LAGOM_LEAF static constexpr bool passes(float value, float threshold) noexcept { return value < threshold; }
};

/// Stops when feature `feature` passes `value`. |score| is the distance from the threshold; its sign is the
/// comparator's verdict, exactly.
template <class Comparator = at_least>
struct threshold {
  float value = 0;
  int feature = 0;

  using comparator = Comparator;
  using state = no_state;

  LAGOM_LEAF float step(state&, vec_view<const float> x) const noexcept {
    LAGOM_ASSERT(0 <= feature && feature < x.size());
    const float distance = x[feature] - value;
    const float far = distance < 0 ? -distance : distance;
    const float size = far < huge ? far : huge;  // a threshold may be infinite, a score is not
    return Comparator::passes(x[feature], value) ? size : -(size > tiny ? size : tiny);
  }

 private:
  static constexpr float huge = 3.0e38f;
  static constexpr float tiny = 1e-30f;  // a "no" on the threshold itself is negative, not -0
};

threshold(float) -> threshold<at_least>;
threshold(float, int) -> threshold<at_least>;

/// AdaInfer's rule as published: gap >= 0.8, the gap being feature `feature`. The paper does not say whether
/// equality stops; here it does.
LAGOM_LEAF constexpr threshold<at_least> adainfer_rule(int feature = 0) noexcept {
  return {.value = 0.8f, .feature = feature};
}

}  // namespace v0
}  // namespace lagom
