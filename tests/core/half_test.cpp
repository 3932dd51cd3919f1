// SPDX-License-Identifier: MIT
#include <bit>
#include <cmath>
#include <lagom/core/scalar.hpp>
#include <limits>

#include "support/catch.hpp"

namespace {

// The definition of binary16, in double.
double f16_value(unsigned bits) {
  const double sign = (bits & 0x8000u) != 0 ? -1 : 1;
  const int exponent = static_cast<int>(bits >> 10 & 31u);
  const int mantissa = static_cast<int>(bits & 1023u);
  if (exponent == 31) return mantissa != 0 ? std::numeric_limits<double>::quiet_NaN() : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

bool same_bits(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

}  // namespace

TEST_CASE("every half converts exactly and comes back", "[core][half]") {
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const auto h = lagom::f16::from_bits(static_cast<std::uint16_t>(bits));
    const float value = h;
    if ((bits & 0x7c00u) == 0x7c00u && (bits & 0x3ffu) != 0) {
      REQUIRE((std::bit_cast<std::uint32_t>(value) & 0x7fffffffu) > 0x7f800000u);
      REQUIRE((lagom::f16(value).bits & 0x7fffu) > 0x7c00u);
    } else {
      REQUIRE(same_bits(value, static_cast<float>(f16_value(bits))));
      REQUIRE(lagom::f16(value).bits == bits);
    }
  }
}

TEST_CASE("a float rounds to the nearest half, ties to even", "[core][half]") {
  // Between every pair of neighbouring finite halves: just below the middle, the middle, just above.
  for (unsigned bits = 0; bits < 0x7bffu; ++bits) {
    const auto low = static_cast<float>(f16_value(bits)), high = static_cast<float>(f16_value(bits + 1));
    const float middle = low + (high - low) / 2;
    REQUIRE(lagom::f16(std::nextafter(middle, 0.0f)).bits == bits);
    REQUIRE(lagom::f16(std::nextafter(middle, high)).bits == bits + 1);
    REQUIRE(lagom::f16(middle).bits == (bits % 2 == 0 ? bits : bits + 1));
    REQUIRE(lagom::f16(-middle).bits == ((bits % 2 == 0 ? bits : bits + 1) | 0x8000u));
  }
  CHECK(lagom::f16(65519.99f).bits == 0x7bff);
  CHECK(lagom::f16(65520.0f).bits == 0x7c00);
  CHECK(lagom::f16(1e-30f).bits == 0);
}

TEST_CASE("a float rounds to the nearest bfloat16, ties to even", "[core][half]") {
  for (unsigned bits = 0; bits < 0x7f7fu; ++bits) {
    const float low = lagom::bf16::from_bits(static_cast<std::uint16_t>(bits));
    const float high = lagom::bf16::from_bits(static_cast<std::uint16_t>(bits + 1));
    const auto middle = std::bit_cast<float>((bits << 16) + 0x8000u);
    REQUIRE(lagom::bf16(low).bits == bits);
    REQUIRE(lagom::bf16(std::bit_cast<float>((bits << 16) + 0x7fffu)).bits == bits);
    REQUIRE(lagom::bf16(std::bit_cast<float>((bits << 16) + 0x8001u)).bits == bits + 1);
    REQUIRE(lagom::bf16(middle).bits == (bits % 2 == 0 ? bits : bits + 1));
    if (bits >= 0x80u) REQUIRE(high > low);  // fast-math compares subnormal numbers as zeros
  }
  const auto nan = std::bit_cast<float>(0x7f800001u);  // must not round to infinity
  CHECK((lagom::bf16(nan).bits & 0x7fffu) > 0x7f80u);
  CHECK(lagom::bf16(INFINITY).bits == 0x7f80);
}

static_assert(std::is_same_v<lagom::accumulator_t<lagom::bf16, float>, float>);
static_assert(std::is_same_v<lagom::accumulator_t<lagom::f16, double>, double>);
static_assert(!lagom::scalar<int>);
