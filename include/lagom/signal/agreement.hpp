// SPDX-License-Identifier: MIT
/// @file signal/agreement.hpp
#pragma once

#include "exit_signal.hpp"

namespace lagom {
inline namespace v0 {

/// 1 when this layer's best token is the one of the last probed layer, else 0: what patience counts.
///
/// Source: Zhou et al., NeurIPS 2020 (PABEE), arXiv 2006.04152.
/// 0 at the first probed layer, and when either statistic is not valid. The last *probed* layer, not the
/// previous one: a policy that probes every fourth layer compares with four layers before.
/// Reads the softmax statistics; costs nothing beyond them.
struct agreement {
  static constexpr std::string_view name = "agreement";
  static constexpr std::size_t width = 1;
  static constexpr need needs = need::stats | need::last_stats;

  template <backend B, scalar T>
  LAGOM_LEAF void operator()(const basic_layer_obs<T>& o, const B&, float* out) const noexcept {
    const bool same = o.stats.valid() && o.last_stats.valid() && o.stats.top == o.last_stats.top;
    out[0] = same ? 1.0f : 0.0f;
  }
};

}  // namespace v0
}  // namespace lagom
