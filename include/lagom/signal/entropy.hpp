// SPDX-License-Identifier: MIT
/// @file signal/entropy.hpp
#pragma once

#include "exit_signal.hpp"

namespace lagom {
inline namespace v0 {

/// -sum p ln p in nats: DeeBERT's criterion (low means certain).
///
/// Source: Xin et al., ACL 2020, arXiv 2004.12993.
/// In [0, ln V]. Of flagged statistics it says nothing; a policy does not show them to a rule.
/// Reads the softmax statistics; costs a few operations beyond them.
struct entropy {
  static constexpr std::string_view name = "entropy";
  static constexpr std::size_t width = 1;
  static constexpr need needs = need::stats;

  template <backend B, scalar T>
  LAGOM_LEAF void operator()(const basic_layer_obs<T>& o, const B&, float* out) const noexcept {
    out[0] = static_cast<float>(o.stats.entropy());
  }
};

}  // namespace v0
}  // namespace lagom
