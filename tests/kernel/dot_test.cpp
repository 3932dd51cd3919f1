// SPDX-License-Identifier: MIT
#include <lagom/kernel/cosine.hpp>
#include <lagom/kernel/squared_norm.hpp>

#include "support/approx.hpp"
#include "support/backends.hpp"
#include "support/catch.hpp"

using namespace lagom_test;
using lagom::portable;
using lagom::vec_view;

namespace {

struct reference {
  long double xy = 0, xx = 0, yy = 0, size = 0;
  template <class X, class Y>
  reference(vec_view<const X> x, vec_view<const Y> y) {
    for (lagom::index_t i = 0; i < x.size(); ++i) {
      const long double a = static_cast<double>(x[i]), b = static_cast<double>(y[i]);
      xy += a * b;
      xx += a * a;
      yy += b * b;
      size += std::abs(a * b);
    }
  }
};

// Every length up to two blocks of lanes and a few more, three misalignments, strides 1 and 2.
template <class X, class Y, class Use>
void sweep(Use&& use) {
  const auto x = normal<X>(600, 1);
  const auto y = normal<Y>(600, 2);
  for (lagom::index_t n = 0; n <= 70; ++n) {
    for (lagom::index_t shift : {0, 1, 3}) {
      for (lagom::index_t stride : {1, 2}) {
        use(vec_view<const X>(x.data() + shift, n, stride), vec_view<const Y>(y.data() + shift, n, stride));
      }
    }
  }
  for (lagom::index_t n : {257, 512, 599})
    use(vec_view<const X>(x.data(), n), vec_view<const Y>(y.data(), n));
}

template <class B, class X, class Y>
void check_dot() {
  constexpr double t =
      tolerance<std::conditional_t<std::is_same_v<lagom::accumulator_t<X, Y>, double>, double, float>>;
  sweep<X, Y>([&](vec_view<const X> x, vec_view<const Y> y) {
    const reference exact(x, y);
    REQUIRE(near(static_cast<double>(lagom::dot(B{}, x, y)), static_cast<double>(exact.xy), t,
                 static_cast<double>(exact.size)));
    REQUIRE(near(static_cast<double>(lagom::squared_norm(B{}, x)), static_cast<double>(exact.xx),
                 tolerance<X>, static_cast<double>(exact.xx)));
    const auto c = lagom::cosine(B{}, x, y);
    REQUIRE(c.valid());
    const auto kept = lagom::cosine(B{}, x, y, c.xx);  // the norm of x, as the call before knew it
    REQUIRE(near(static_cast<double>(kept.xy), static_cast<double>(exact.xy), t,
                 static_cast<double>(exact.size)));
    REQUIRE(
        near(static_cast<double>(kept.yy), static_cast<double>(exact.yy), t, static_cast<double>(exact.yy)));
    REQUIRE(kept.xx == c.xx);
    const long double norms = std::sqrt(exact.xx) * std::sqrt(exact.yy);
    REQUIRE(
        near(static_cast<double>(c.value()), norms > 0 ? static_cast<double>(exact.xy / norms) : 0, 4 * t));
  });
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("dot, squared_norm and cosine match a long double reference", "[kernel][dot][cosine]",
                        backends) {
  check_dot<TestType, float, float>();
  check_dot<TestType, double, double>();
  check_dot<TestType, lagom::bf16, float>();
  check_dot<TestType, lagom::f16, lagom::f16>();
  check_dot<TestType, float, double>();
}

TEST_CASE("the same elements give the same bits whatever their stride", "[kernel][dot]") {
  sweep<float, float>([](vec_view<const float> x, vec_view<const float> y) {
    std::vector<float> a, b;
    for (lagom::index_t i = 0; i < x.size(); ++i) {
      a.push_back(x[i]);
      b.push_back(y[i]);
    }
    REQUIRE(lagom::dot(portable{}, x, y) == lagom::dot(portable{}, a, b));
  });
}

TEST_CASE("cosine has the known value, and defined ones at the edges", "[kernel][cosine]") {
  const std::vector<double> a{1, 2, 3}, b{-1, 0, 2}, zero{0, 0, 0};
  CHECK(lagom::cosine(portable{}, a, b).value() == Approx(.597614304667).epsilon(1e-12));
  CHECK(lagom::cosine(portable{}, a, zero).value() == 0);
  CHECK(lagom::cosine(portable{}, zero, zero).value() == 0);
  CHECK(lagom::cosine(portable{}, vec_view<const double>(), vec_view<const double>()).value() == 0);
  CHECK(lagom::cosine(portable{}, a, a).value() <= 1);
  std::vector<float> bad{1, 2, 3};
  const std::uint32_t nan = 0x7fc00000u;
  __builtin_memcpy(&bad[1], &nan, sizeof nan);
  CHECK_FALSE(lagom::cosine(portable{}, bad, bad).valid());
}

TEST_CASE("parts of a cosine merge", "[kernel][cosine]") {
  const auto x = normal<double>(100, 5), y = normal<double>(100, 6);
  const auto part = [&](int first, int n) {
    return lagom::cosine(portable{}, vec_view(x.data() + first, n), vec_view(y.data() + first, n));
  };
  auto sum = part(0, 37);
  sum.merge(part(37, 63));
  CHECK(sum.value() == Approx(part(0, 100).value()).epsilon(1e-13));
}
