// SPDX-License-Identifier: MIT
/// @file core/bf16.hpp
/// bfloat16 storage: the upper half of a float.
#pragma once

#include "types.hpp"

namespace lagom {
inline namespace v0 {

/// 1 sign, 8 exponent, 7 mantissa bits. Storage only: arithmetic happens in float.
/// Same layout as `__nv_bfloat16`, `at::BFloat16` and the BF16 of safetensors (little-endian hosts).
struct bf16 {
  std::uint16_t bits = 0;

  constexpr bf16() noexcept = default;

  /// Rounds to nearest, ties to even; a NaN stays a (quiet) NaN, overflow becomes infinity.
  LAGOM_LEAF constexpr explicit bf16(float value) noexcept {
    const auto u = detail::bit_cast<std::uint32_t>(value);
    const bool is_nan = (u & 0x7fffffffu) > 0x7f800000u;
    const std::uint32_t rounded = u + 0x7fffu + ((u >> 16) & 1u);
    bits = static_cast<std::uint16_t>((is_nan ? (u | 0x00400000u) : rounded) >> 16);
  }

  [[nodiscard]] LAGOM_LEAF static constexpr bf16 from_bits(std::uint16_t b) noexcept {
    bf16 x;
    x.bits = b;
    return x;
  }

  /// Exact.
  LAGOM_LEAF constexpr operator float() const noexcept {
    return detail::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
  }
};

static_assert(sizeof(bf16) == 2);

}  // namespace v0
}  // namespace lagom
