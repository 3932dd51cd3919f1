// SPDX-License-Identifier: MIT
#include <bit>
#include <cmath>
#include <lagom/core/math.hpp>
#include <lagom/core/target.hpp>
#include <limits>

#include "support/approx.hpp"
#include "support/catch.hpp"

namespace {

constexpr double ulp_limit = lagom::contains(lagom::this_target, lagom::target::fast_math) ? 1.5 : 1.1;

template <class T>
double ulps(T value, long double exact) {
  int exponent = 0;
  std::frexp(exact, &exponent);
  return static_cast<double>(std::abs(value - exact) /
                             std::ldexp(1.0L, exponent - std::numeric_limits<T>::digits));
}

}  // namespace

TEST_CASE("exp of a nonpositive float is within its stated error", "[core][math]") {
  double worst = 0;
  for (std::uint32_t bits = 0x80000000u; bits < 0xc2aea8f6u; bits += 4099) {  // -0 ... -87.33
    const auto x = std::bit_cast<float>(bits);
    worst = std::max(worst, ulps(lagom::exp_nonpositive(x), std::exp(static_cast<double>(x))));
  }
  CAPTURE(worst);
  CHECK(worst <= ulp_limit);
}

TEST_CASE("exp of a nonpositive double is within its stated error", "[core][math]") {
  const lagom::philox random{1};
  double worst = 0;
  for (std::uint64_t i = 0; i < 200'000; ++i) {
    const double x = -random.uniform(0, i) * (i % 2 == 0 ? 708.3 : 2.0);
    worst = std::max(worst, ulps(lagom::exp_nonpositive(x), std::exp(static_cast<long double>(x))));
  }
  CAPTURE(worst);
  CHECK(worst <= ulp_limit);
}

TEST_CASE("exp has defined values at the edges", "[core][math]") {
  CHECK(lagom::exp_nonpositive(0.0f) == 1.0f);
  CHECK(lagom::exp_nonpositive(-0.0) == 1.0);
  CHECK(lagom::exp_nonpositive(-88.0f) == 0.0f);
  CHECK(lagom::exp_nonpositive(-709.0) == 0.0);
  CHECK(lagom::exp_nonpositive(-3.4e38f) == 0.0f);
  volatile float infinity = INFINITY, nan = NAN;
  CHECK(lagom::exp_nonpositive(-static_cast<float>(infinity)) == 0.0f);
  CHECK(lagom::exp_nonpositive(static_cast<float>(nan)) == 0.0f);
  static_assert(lagom::exp_nonpositive(0.0f) == 1.0f);
}

TEST_CASE("sigmoid is symmetric and never overflows, softplus neither", "[core][math]") {
  CHECK(lagom::sigmoid(0.0) == 0.5);
  for (const double x : {0.1, 1.0, 5.0, 30.0, 700.0, 1e6}) {
    CHECK(lagom::sigmoid(x) + lagom::sigmoid(-x) == Approx(1).epsilon(1e-15));
    CHECK(lagom::softplus(x) - lagom::softplus(-x) == Approx(x).epsilon(1e-14));
  }
  CHECK(lagom::softplus(0.0) == Approx(std::log(2.0)).epsilon(1e-15));
  CHECK(lagom::softplus(-1e6) == 0.0);
}

TEST_CASE("finiteness is told from the bits", "[core][math]") {
  float x[] = {1.0f, 3.4e38f, 0.0f};
  for (const float& v : x) CHECK(lagom::is_finite(&v));
  const std::uint32_t special[] = {0x7f800000u, 0xff800000u, 0x7fc00000u, 0x7f800001u};
  for (const auto bits : special) {
    float v;
    __builtin_memcpy(&v, &bits, sizeof v);
    CHECK_FALSE(lagom::is_finite(&v));
  }
}
