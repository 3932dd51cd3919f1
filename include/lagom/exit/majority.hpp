// SPDX-License-Identifier: MIT
/// @file exit/majority.hpp
/// The batch leaves when enough of its rows want to.
#pragma once

#include "batch_rule.hpp"

namespace lagom {
inline namespace v0 {

/// The batch leaves as one, when more than `share` of its rows want to. The others leave before they want to, and answer
/// as they stand: a guarantee that was calibrated row by row does not hold for them.
struct majority {
  double share = 0.5;  ///< in [0, 1)

  LAGOM_LEAF leaving operator()(const batch_moment& m) const noexcept {
    const bool enough = static_cast<double>(m.wanting()) > share * static_cast<double>(m.scores.size());
    return enough ? leaving::all : leaving::none;
  }
};

}  // namespace v0
}  // namespace lagom
