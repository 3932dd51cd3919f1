// SPDX-License-Identifier: MIT
#include <lagom/embed/entmax15.hpp>
#include <lagom/embed/sparsemax.hpp>
#include <limits>

#include "support/approx.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

namespace {

using namespace lagom::embed;

template <class Map>
std::vector<double> probabilities(const std::vector<double>& z) {
  sparse_distribution<Map> p;
  for (std::size_t i = 0; i < z.size(); ++i) p.push(static_cast<std::uint32_t>(i), z[i]);
  std::vector<double> out(z.size());
  for (const scored& s : p.finish()) out[s.id] = s.value;
  return out;
}

// By bisection of tau: another way to the same projection.
std::vector<double> bisected(const std::vector<double>& z, bool half) {
  const auto mass = [&](double x, double tau) {
    const double over = std::max((half ? x / 2 : x) - tau, 0.0);
    return half ? over * over : over;
  };
  const double top = *std::max_element(z.begin(), z.end());
  double low = (half ? top / 2 : top) - 1, high = half ? top / 2 : top;
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    double sum = 0;
    for (const double x : z) sum += mass(x, middle);
    (sum > 1 ? low : high) = middle;
  }
  std::vector<double> out;
  for (const double x : z) out.push_back(mass(x, (low + high) / 2));
  return out;
}

template <class Map>
void checked(const std::vector<double>& z, const std::vector<double>& expected, double tolerance = 1e-15) {
  const auto p = probabilities<Map>(z);
  for (std::size_t i = 0; i < z.size(); ++i) {
    CHECK(std::abs(p[i] - expected[i]) <= tolerance);
    if (expected[i] == 0) CHECK(p[i] == 0);
  }
}

template <class Map>
double threshold(std::vector<double> z) {
  std::vector<scored> s;
  for (const double x : z) s.push_back({0, x});
  std::sort(s.begin(), s.end(), detail::before);
  return Map::threshold(s);
}

}  // namespace

TEST_CASE("sparsemax gives the published numbers", "[embed][sparsemax]") {
  checked<sparsemax>({0.9, 0.7, 0.1, -0.3}, {0.6, 0.4, 0, 0});
  checked<sparsemax>({1.2, 0.9, 0.8, -0.5}, {17.0 / 30, 4.0 / 15, 1.0 / 6, 0});
  checked<sparsemax>({0, 0, 0}, {1.0 / 3, 1.0 / 3, 1.0 / 3});
  checked<sparsemax>({2, 0}, {1, 0});
  checked<sparsemax>({1, 0}, {1, 0});
  checked<sparsemax>({-5, -5.25}, {0.625, 0.375});
  checked<sparsemax>({-7}, {1});
  checked<entmax15>({1.2, 0.9, 0.8, -0.5}, {0.4729698798812029, 0.2891514628910848, 0.23787865722771215, 0});
  checked<entmax15>({-7}, {1});
  checked<entmax15>({3, 3, 3, 3}, {0.25, 0.25, 0.25, 0.25});
  CHECK(threshold<sparsemax>({0.9, 0.7, 0.1, -0.3}) == Approx(0.3).epsilon(1e-15));
  CHECK(threshold<sparsemax>({1.2, 0.9, 0.8, -0.5}) == Approx(19.0 / 30).epsilon(1e-15));
  CHECK(threshold<sparsemax>({0, 0, 0}) == Approx(-1.0 / 3).epsilon(1e-15));
  CHECK(threshold<sparsemax>({2, 0}) == 1);
  CHECK(threshold<sparsemax>({1, 0}) == 0);
  CHECK(threshold<sparsemax>({-5, -5.25}) == -5.625);
}

TEMPLATE_TEST_CASE("streamed projections agree with bisection, whatever the shape", "[embed][sparsemax]",
                   sparsemax, entmax15) {
  constexpr bool half = std::is_same_v<TestType, entmax15>;
  for (const double deviation : {1e-9, 0.001, 0.05, 1.0, 30.0}) {
    for (const std::size_t n : {1u, 2u, 3u, 255u, 256u, 257u, 5000u}) {
      CAPTURE(deviation, n);
      auto z = lagom_test::normal<double>(n, n, deviation);
      for (std::size_t i = 3; i < n; i += 7) z[i] = z[i - 3];  // ties
      const auto p = probabilities<TestType>(z), q = bisected(z, half);
      double sum = 0, worst = 0;
      for (std::size_t i = 0; i < n; ++i) {
        sum += p[i];
        worst = std::max(worst, std::abs(p[i] - q[i]));
        if (i >= 3 && z[i] == z[i - 3]) CHECK(std::abs(p[i] - p[i - 3]) < 1e-13);
      }
      CHECK(sum == Approx(1).epsilon(1e-12));
      CHECK(worst < 1e-12);
      auto moved = z;
      for (double& x : moved) x += 1024;  // exact for a shift that keeps the bits
      const auto shifted = probabilities<TestType>(moved);
      for (std::size_t i = 0; i < n; ++i) CHECK(std::abs(shifted[i] - p[i]) < 1e-11);
    }
  }
}

TEST_CASE("order, blocks and splits do not change a bit", "[embed][sparsemax]") {
  for (const float deviation : {0.0f, 0.01f, 0.3f}) {
    const auto z = lagom_test::normal<float>(9000, 5, deviation);
    sparse_distribution<sparsemax> one, blocks, back, left, right;
    for (std::uint32_t i = 0; i < z.size(); ++i) one.push(i, z[i]);
    for (std::size_t i = z.size(); i-- > 0;) back.push(static_cast<std::uint32_t>(i), z[i]);
    for (std::size_t i = 0; i < z.size(); i += 777) {
      blocks.push(static_cast<std::uint32_t>(i),
                  std::span<const float>(z).subspan(i, std::min<std::size_t>(777, z.size() - i)));
    }
    left.push(0, std::span<const float>(z).first(100));
    right.push(100, std::span<const float>(z).subspan(100));
    left.merge(right);
    const auto expected = one.finish();
    CHECK(expected == blocks.finish());
    CHECK(expected == back.finish());
    CHECK(expected == left.finish());
    CHECK(expected == one.take());
    CHECK(one.finish().empty());
    if (deviation == 0) CHECK(expected.size() == z.size());
  }
}

TEST_CASE("scores that are no numbers break the distribution, and it says so", "[embed][sparsemax]") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  for (const float bad : {nan, -nan, inf, -inf}) {
    std::vector<float> z(1000, 0.01f);
    for (const std::size_t at : {0u, 700u, 999u}) {
      auto y = z;
      y[at] = bad;
      y[3] = 0.9f;
      sparse_distribution<sparsemax> p, other;
      p.push(0, y);
      CHECK(p.broken());
      CHECK(p.finish().empty());
      other.merge(p);
      CHECK(other.broken());
      CHECK(p.take().empty());
      p.push(0, 1.0f);
      CHECK(p.finish() == std::vector<scored>{{0, 1}});
    }
  }
  CHECK(sparse_distribution<sparsemax>().finish().empty());
  const float top = std::numeric_limits<float>::max();
  sparse_distribution<sparsemax> wide;  // far apart, and far from 0
  for (std::uint32_t i = 0; i < 600; ++i) wide.push(i, i == 300 ? top : -top);
  CHECK(wide.finish() == std::vector<scored>{{300, 1}});
}
