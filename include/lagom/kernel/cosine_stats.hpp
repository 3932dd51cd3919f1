// SPDX-License-Identifier: MIT
/// @file kernel/cosine_stats.hpp
/// The mergeable value behind a cosine similarity.
#pragma once

#include "../core/math.hpp"

namespace lagom {
inline namespace v0 {

/// <x,y>, |x|^2 and |y|^2. Parts of a vector (tiles, threads, tensor-parallel shards) merge by addition.
template <std::floating_point T = float>
struct cosine_stats {
  T xy = 0;
  T xx = 0;
  T yy = 0;

  /// Adds the sums of another part of the same vectors.
  LAGOM_LEAF constexpr void merge(const cosine_stats& part) noexcept {
    xy += part.xy;
    xx += part.xx;
    yy += part.yy;
  }

  /// Were all elements finite, and their squares too?
  [[nodiscard]] LAGOM_LEAF bool valid() const noexcept {
    return is_finite(&xy) && is_finite(&xx) && is_finite(&yy);
  }

  /// <x,y> / (|x| |y|), in [-1, 1]. A zero (or empty) vector has no direction: 0. Precondition: valid().
  [[nodiscard]] LAGOM_LEAF T value() const noexcept {
    if (!(xx > 0) || !(yy > 0)) return 0;
    const T c = xy / (detail::sqrt(xx) * detail::sqrt(yy));
    return c > 1 ? T(1) : c < -1 ? T(-1) : c;
  }
};

}  // namespace v0
}  // namespace lagom
