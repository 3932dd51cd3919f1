// SPDX-License-Identifier: MIT
// DoLa against its published numbers and against torch (tests/oracle/divergences.py).
#include <algorithm>
#include <lagom/exit/dola.hpp>
#include <limits>

#include "support/approx.hpp"
#include "support/catch.hpp"

using namespace lagom_test;
using lagom::portable;

namespace {

std::vector<double> logs(std::vector<double> p) {
  for (double& x : p) x = std::log(x);
  return p;
}

}  // namespace

TEST_CASE("DoLa's two divergences choose different layers", "[exit][dola]") {
  const auto mature = logs({.01, .82, .17}), a = logs({.03, .31, .66}), b = logs({.33, .55, .12});
  lagom::premature_layer paper;
  lagom::premature_layer_released released;
  for (const int l : {4, 6}) {
    const auto d = lagom::divergence_of(portable{}, l == 4 ? a : b, mature);
    paper.push(l, d);
    released.push(l, d, 3);
  }
  CHECK(paper.layer == lagom::layer_index(4));
  CHECK(paper.divergence == Approx(.1395396150).epsilon(1e-9));
  CHECK(released.layer == lagom::layer_index(6));
  CHECK(released.divergence == Approx(.0667330459).epsilon(1e-9));
}

TEST_CASE("the premature layer is the lowest of equals, in any order, and has a distribution",
          "[exit][dola]") {
  const auto mature = logs({.5, .3, .2}), other = logs({.2, .5, .3});
  const auto d = lagom::divergence_of(portable{}, other, mature);
  lagom::premature_layer up, down, both, none;
  for (const int l : {2, 5, 9}) up.push(l, d);
  for (const int l : {9, 5, 2}) down.push(l, d);
  CHECK((up.layer == lagom::layer_index(2) && down.layer == lagom::layer_index(2)));
  lagom::premature_layer late;
  late.push(9, d);
  both.merge(none);
  CHECK(both.layer == lagom::layer_index(-1));
  both.merge(late);
  both.merge(up);
  CHECK(both.layer == lagom::layer_index(2));
  const std::vector<double> lost(3, std::numeric_limits<double>::quiet_NaN());
  none.push(1, lagom::divergence_of(portable{}, lost, mature));
  CHECK(none.layer == lagom::layer_index(-1));
  lagom::premature_layer_released nothing;
  nothing.push(1, lagom::divergence_of(portable{}, lost, mature), 3);
  CHECK(nothing.layer == lagom::layer_index(-1));
}

TEST_CASE("contrast is the difference of logarithms over plausible tokens", "[exit][dola]") {
  for (const double alpha : {1.0, 0.5, 0.1, 1e-3}) {
    for (const std::size_t n : {1u, 7u, 300u}) {
      const auto p = normal<float>(n, n, 3), q = normal<float>(n, n + 1, 3);
      std::vector<float> out(n);
      const auto kept = lagom::dola_contrast(portable{}, p, q, out, {.relative_top = alpha});
      const auto log_softmax = [](const std::vector<float>& z) {
        double sum = 0;
        for (const float x : z) sum += std::exp(static_cast<double>(x));
        std::vector<double> r;
        for (const float x : z) r.push_back(static_cast<double>(x) - std::log(sum));
        return r;
      };
      const auto a = log_softmax(p), b = log_softmax(q);
      const double top = *std::max_element(a.begin(), a.end());
      std::int64_t count = 0;
      std::size_t best = n;
      for (std::size_t i = 0; i < n; ++i) {
        if (std::abs(a[i] - top - std::log(alpha)) < 1e-5 && alpha < 1) continue;
        if (a[i] >= top + std::log(alpha)) {
          ++count;
          CHECK(static_cast<double>(out[i]) == Approx(a[i] - b[i]).margin(3e-6));
          if (best == n || out[i] > out[best]) best = i;
        } else {
          CHECK(out[i] == -1000);
        }
      }
      CHECK(kept.count == count);
      CHECK(static_cast<std::size_t>(kept.top) == best);
    }
  }
}

TEST_CASE("contrast of rows with masks and without distributions", "[exit][dola]") {
  const float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> out(3);
  const auto s = lagom::dola_contrast(portable{}, std::vector<float>{1, -infinity, 1},
                                      std::vector<float>{-infinity, 2, 0}, out);
  CHECK((out[0] == -1000 && out[1] == -1000 && out[2] > -1000));
  CHECK((s.top == 2 && s.count == 1));
  const auto lost =
      lagom::dola_contrast(portable{}, std::vector<float>{1, std::numeric_limits<float>::quiet_NaN(), 1},
                           std::vector<float>{1, 2, 0}, out);
  CHECK((!lost.valid() && lost.bad && out == std::vector<float>(3, -1000)));
  const auto empty =
      lagom::dola_contrast(portable{}, std::vector<float>(3, -infinity), std::vector<float>{1, 2, 0}, out);
  CHECK((!empty.valid() && !empty.bad && empty.top == lagom::no_token));
  const auto far = lagom::dola_contrast(portable{}, std::vector<float>{2e38f, 0, 0},
                                        std::vector<float>{-2.5e38f, 2e38f, 0}, out);
  CHECK((far.valid() && far.top == 0));
}
