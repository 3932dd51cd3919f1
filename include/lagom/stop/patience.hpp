// SPDX-License-Identifier: MIT
/// @file stop/patience.hpp
/// Stop when the answer has stayed the same for long enough.
#pragma once

#include "stop_rule.hpp"

namespace lagom {
inline namespace v0 {

/// PABEE's counter (Zhou et al., NeurIPS 2020, arXiv 2006.04152): it grows by one at a step that agrees with the
/// step before, falls back to 0 at one that does not, and stops at `steps`: `steps` + 1 equal answers in a row.
///
/// Feature `feature` is read as agreement when it is at least 0.5 (the signal `agreement` gives 0 or 1).
struct patience {
  int steps = 1;
  int feature = 0;

  struct state {
    int agreed = 0;
  };

  LAGOM_LEAF float step(state& s, vec_view<const float> x) const noexcept {
    LAGOM_ASSERT(0 <= feature && feature < x.size());
    s.agreed = x[feature] >= 0.5f ? s.agreed + 1 : 0;
    return static_cast<float>(s.agreed - steps);
  }
};

}  // namespace v0
}  // namespace lagom
