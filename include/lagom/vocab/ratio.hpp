// SPDX-License-Identifier: MIT
/// @file vocab/ratio.hpp
/// The quotient of two counts.
#pragma once

#include <cstdint>

namespace lagom {
inline namespace v0 {
namespace vocab {

/// a / b; 0 where b is 0.
[[nodiscard]] constexpr double ratio(std::uint64_t a, std::uint64_t b) noexcept {
  return b == 0 ? 0.0 : static_cast<double>(a) / static_cast<double>(b);
}

}  // namespace vocab
}  // namespace v0
}  // namespace lagom
