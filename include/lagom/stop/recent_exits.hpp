// SPDX-License-Identifier: MIT
/// @file stop/recent_exits.hpp
/// Probes where the last tokens stopped.
#pragma once

#include "at_layers.hpp"

namespace lagom {
inline namespace v0 {

/// SpecEE's schedule: the layers that are always probed, and for each of the last five exits that layer and the ones
/// `apart` = 2 before and after it.
///
/// ```cpp
/// lagom::exit_policy policy{pack, rule, lagom::recent_exits{lagom::at_layers{15, 17, 21}}};
/// ... policy.schedule.remember(run.stopped_at());                    // after every token
/// ```
/// Source: Xu et al., ISCA 2025, arXiv 2504.08850 (for 7B models with the layers 15, 16, 17, 19, 21, 24, 26, 28, 0-based or not
/// is not stated). A value of one sequence: it remembers, so that batches hold one a sequence. Trivially copyable.
class recent_exits {
 public:
  static constexpr int remembered = 5;

  constexpr recent_exits() noexcept = default;
  /// Precondition: apart >= 0.
  LAGOM_LEAF constexpr explicit recent_exits(const at_layers& always, int apart = 2) noexcept
      : always_(always), apart_(apart) {
    LAGOM_ASSERT(apart >= 0);
  }

  /// The layer where a token stopped; the sixth to last is forgotten. Whether a token that ran to the last layer counts is
  /// the caller's to say.
  LAGOM_LEAF constexpr void remember(layer_index exit) noexcept {
    exits_[next_] = exit.value;
    next_ = (next_ + 1) % remembered;
    if (count_ < remembered) ++count_;
  }

  LAGOM_LEAF constexpr bool operator()(layer_index i, int n_layers) const noexcept {
    bool probed = always_(i, n_layers);
    for (int k = 0; k < count_; ++k) {
      const int off = i.value - exits_[k];
      probed = probed || off == 0 || off == apart_ || off == -apart_;
    }
    return probed;
  }

  [[nodiscard]] LAGOM_LEAF constexpr const at_layers& always() const noexcept { return always_; }
  [[nodiscard]] LAGOM_LEAF constexpr int apart() const noexcept { return apart_; }

 private:
  at_layers always_{};
  int exits_[remembered] = {};
  int apart_ = 2;
  int count_ = 0, next_ = 0;
};

}  // namespace v0
}  // namespace lagom
