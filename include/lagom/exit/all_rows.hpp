// SPDX-License-Identifier: MIT
/// @file exit/all_rows.hpp
/// The batch leaves when its last row wants to.
#pragma once

#include "batch_rule.hpp"

namespace lagom {
inline namespace v0 {

/// The batch leaves as one, when all rows want to: PABEE's `all` over the batch (arXiv 2006.04152), the scheduling of Miao
/// et al. (arXiv 2407.20272). With a threshold it is CALM's test that the smallest confidence of the batch reaches it
/// (arXiv 2207.07061). No row leaves before it wants to, and the slowest row decides for the others.
struct all_rows {
  LAGOM_LEAF leaving operator()(const batch_moment& m) const noexcept {
    return m.wanting() == m.scores.size() ? leaving::all : leaving::none;
  }
};

}  // namespace v0
}  // namespace lagom
