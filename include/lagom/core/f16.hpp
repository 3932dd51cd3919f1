// SPDX-License-Identifier: MIT
/// @file core/f16.hpp
/// IEEE binary16 storage.
#pragma once

#include "types.hpp"

namespace lagom {
inline namespace v0 {

/// 1 sign, 5 exponent, 10 mantissa bits. Storage only: arithmetic happens in float. Both conversions are
/// branch-free integer code that keeps its results when denormals are flushed to zero.
struct f16 {
  std::uint16_t bits = 0;

  constexpr f16() noexcept = default;

  /// Rounds to nearest, ties to even; a NaN stays a (quiet) NaN, overflow becomes infinity.
  LAGOM_LEAF constexpr explicit f16(float value) noexcept {
    const auto u = detail::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = (u >> 16) & 0x8000u;
    const std::uint32_t magnitude = u & 0x7fffffffu;
    const std::uint32_t normal = (magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
    // The last place of 0.5f is that of a subnormal half: adding rounds to it. No NaN is added to.
    const std::uint32_t below = magnitude < 0x38800000u ? magnitude : 0u;
    const std::uint32_t subnormal =
        detail::bit_cast<std::uint32_t>(detail::bit_cast<float>(below) + 0.5f) - 0x3f000000u;
    const std::uint32_t nan = 0x7e00u | ((magnitude >> 13) & 0x3ffu);
    std::uint32_t half = magnitude < 0x38800000u ? subnormal : normal;
    half = magnitude >= 0x477ff000u ? 0x7c00u : half;  // 65520 and more round to infinity
    half = magnitude > 0x7f800000u ? nan : half;
    bits = static_cast<std::uint16_t>(sign | half);
  }

  [[nodiscard]] LAGOM_LEAF static constexpr f16 from_bits(std::uint16_t b) noexcept {
    f16 x;
    x.bits = b;
    return x;
  }

  /// Exact.
  LAGOM_LEAF constexpr operator float() const noexcept {
    constexpr std::uint32_t rebias = 112u << 23;  // float bias 127 less half bias 15
    const auto h = static_cast<std::uint32_t>(bits);
    const std::uint32_t magnitude = (h & 0x7fffu) << 13;
    const std::uint32_t special = magnitude >= 0x0f800000u ? rebias : 0u;  // infinity and NaN
    const std::uint32_t tiny = magnitude < 0x00800000u ? 1u << 23 : 0u;    // zero and subnormals
    // A subnormal m * 2^-24 is (2^-14 + m * 2^-24) - 2^-14: no denormal float on the way.
    const auto unbiased = detail::bit_cast<float>(tiny == 0 ? 0u : 113u << 23);
    const float value = detail::bit_cast<float>(magnitude + rebias + special + tiny) - unbiased;
    return detail::bit_cast<float>(detail::bit_cast<std::uint32_t>(value) | (h & 0x8000u) << 16);
  }
};

static_assert(sizeof(f16) == 2);

}  // namespace v0
}  // namespace lagom
