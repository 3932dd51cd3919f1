// SPDX-License-Identifier: MIT
/// @file embed/noise.hpp
/// Standard normal numbers by name.
#pragma once

#include "../core/math.hpp"
#include "../core/random.hpp"
#include "../vocab/ids.hpp"

namespace lagom {
inline namespace v0 {
namespace embed {

/// Two independent standard normal numbers: draws 2 pair and 2 pair + 1 of a token's stream.
struct normal_pair {
  double even = 0, odd = 0;
};

/// Box and Muller (1958) on one block of Philox: with u and v the upper 53 bits of the block's two halves as
/// fractions, the draws are sqrt(-2 log(1 - u)) times cos(2 pi v) and sin(2 pi v). At most 8.6 in magnitude.
[[nodiscard]] inline normal_pair standard_normal(std::uint64_t seed, vocab::target_id stream,
                                                 std::uint64_t pair) noexcept {
  const auto block = philox{seed}(vocab::row_of(stream), pair);
  const auto fraction = [](std::uint32_t low, std::uint32_t high) {
    return static_cast<double>(((std::uint64_t{high} << 32) | low) >> 11) * 0x1p-53;
  };
  const double radius =
      lagom::detail::sqrt(-2 * lagom::detail::log(1 - fraction(block.word[0], block.word[1])));
  const double angle = 6.283185307179586 * fraction(block.word[2], block.word[3]);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

}  // namespace embed
}  // namespace v0
}  // namespace lagom
