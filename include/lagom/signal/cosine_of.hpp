// SPDX-License-Identifier: MIT
/// @file signal/cosine_of.hpp
/// What the three cosine signals share.
#pragma once

#include "../kernel/cosine.hpp"
#include "exit_signal.hpp"

namespace lagom {
inline namespace v0 {
namespace detail {

/// Cosine of two states; 0 where one of them is not there (first layer) or is zero; missing where one of them
/// holds a NaN or an infinity.
template <backend B, scalar T>
LAGOM_LEAF void cosine_of(const B& b, vec_view<const T> now, vec_view<const T> before, float* out) noexcept {
  if (now.empty() || before.empty()) {
    out[0] = 0;
    return;
  }
  const auto sums = cosine(b, now, before);
  if (sums.valid()) {
    out[0] = static_cast<float>(sums.value());
  } else {
    mark_missing(out);
  }
}

}  // namespace detail
}  // namespace v0
}  // namespace lagom
