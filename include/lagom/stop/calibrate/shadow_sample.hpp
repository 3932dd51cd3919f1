// SPDX-License-Identifier: MIT
/// @file stop/calibrate/shadow_sample.hpp
#pragma once

#include "../../core/random.hpp"

namespace lagom {
inline namespace v0 {

/// Shadow mode: which of the tokens that stopped early run all layers all the same, to see what the full model says.
///
/// Chosen by counter-based random numbers, so independently of the text: the mean loss of the chosen tokens estimates
/// that of all. A function of (key, sequence, token) alone: any thread, batch or restart chooses the same ones. Costs a
/// share of the layers that the exit saved.
/// ```cpp
/// if (run.stopped_at() + 1 < layers && shadow(sequence, i))
///   monitor.step(state, full_model_token() == run.token() ? 0 : 1);
/// ```
/// Tokens that ran all layers anyway lose nothing; for the mean over all tokens they are to be sampled too, with loss
/// 0.
struct shadow_sample {
  double share = 0.01;  ///< 0 to 1
  philox random{};

  [[nodiscard]] LAGOM_LEAF constexpr bool operator()(std::uint64_t sequence,
                                                     std::uint64_t token) const noexcept {
    return random.uniform(sequence, token) < share;
  }
};

}  // namespace v0
}  // namespace lagom
