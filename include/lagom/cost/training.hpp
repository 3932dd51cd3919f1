// SPDX-License-Identifier: MIT
/// @file cost/training.hpp
/// Training compute.
#pragma once

#include "parameters.hpp"

namespace lagom {
inline namespace v0 {
namespace cost {

/// FLOPs of training N parameters on D tokens: 6 N D (Kaplan et al. 2020, arXiv 2001.08361): 2 N forward, 4 N
/// backward a token. Attention over the context is left out, as the rule has it.
LAGOM_LEAF constexpr double training_flops(double parameters, double tokens) noexcept {
  return 6 * parameters * tokens;
}

/// Tokens seen: optimiser steps times tokens a batch.
LAGOM_LEAF constexpr double training_tokens(double steps, double tokens_per_batch) noexcept {
  return steps * tokens_per_batch;
}

}  // namespace cost
}  // namespace v0
}  // namespace lagom
