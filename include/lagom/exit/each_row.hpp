// SPDX-License-Identifier: MIT
/// @file exit/each_row.hpp
/// Every row leaves when it wants to.
#pragma once

#include "batch_rule.hpp"

namespace lagom {
inline namespace v0 {

/// Rows leave one by one, and the batch closes the gaps: no row runs a layer it does not need, none leaves before it wants
/// to. What is left is a smaller batch.
struct each_row {
  LAGOM_LEAF leaving operator()(const batch_moment&) const noexcept { return leaving::wanting; }
};

}  // namespace v0
}  // namespace lagom
