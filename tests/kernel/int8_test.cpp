// SPDX-License-Identifier: MIT
#include <lagom/kernel/dot_int8.hpp>
#include <lagom/kernel/softmax_stats_of.hpp>
#include <lagom/kernel/unembed_rows.hpp>

#include "support/approx.hpp"
#include "support/catch.hpp"

using namespace lagom_test;
using lagom::int8_head;
using lagom::mat_view;
using lagom::portable;
using lagom::rms_norm;
using lagom::vec_view;

namespace {

std::vector<std::int8_t> bytes(std::size_t n, std::uint64_t stream) {
  const lagom::philox random{7};
  std::vector<std::int8_t> out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<std::int8_t>(random.below(256, stream, i));
  return out;
}

struct quantized {
  std::vector<std::int8_t> values;
  std::vector<float> scales;
  std::size_t width;
  mat_view<const std::int8_t> rows() const {
    return mat_view<const std::int8_t>(values.data(), scales.size(), width);
  }
};
template <class W>
quantized quantize(const std::vector<W>& w, std::size_t vocab) {
  quantized q{std::vector<std::int8_t>(w.size()), std::vector<float>(vocab), w.size() / vocab};
  lagom::quantize_rows(portable{}, mat_view<const W>(w.data(), vocab, q.width),
                       mat_view<std::int8_t>(q.values.data(), vocab, q.width), q.scales);
  return q;
}

// Logits of int8 rows for any state, in long double.
template <class X>
std::vector<double> logits(const quantized& q, const std::vector<X>& x, double scale = 1) {
  std::vector<double> z(q.scales.size());
  for (std::size_t v = 0; v < z.size(); ++v) {
    long double sum = 0;
    for (std::size_t j = 0; j < q.width; ++j)
      sum += static_cast<long double>(q.values[v * q.width + j]) * static_cast<double>(x[j]);
    z[v] = static_cast<double>(sum) * static_cast<double>(q.scales[v]) * scale;
  }
  return z;
}

void agree(const lagom::softmax_stats<float>& s, const std::vector<double>& z, double t) {
  const auto exact = lagom::softmax_stats_of(portable{}, z);
  REQUIRE(s.top == exact.top);
  REQUIRE(s.runner_up == exact.runner_up);
  REQUIRE(s.count == exact.count);
  REQUIRE(near(static_cast<double>(s.max), exact.max, t, std::abs(exact.max)));
  REQUIRE(near(static_cast<double>(s.log_sum()), exact.log_sum(), 4 * t));
  REQUIRE(near(static_cast<double>(s.gap()), exact.gap(), 8 * t));
}

}  // namespace

TEST_CASE("products of int8 vectors are exact", "[kernel][int8]") {
  const auto x = bytes(600, 1), y = bytes(600, 2);
  for (lagom::index_t n = 0; n <= 200; ++n) {
    for (lagom::index_t stride : {1, 2}) {
      const vec_view<const std::int8_t> a(x.data() + 1, n, stride), b(y.data() + 3, n, stride);
      std::int32_t sum = 0;
      for (lagom::index_t i = 0; i < n; ++i) sum += a[i] * b[i];
      REQUIRE(lagom::dot_int8(portable{}, a, b) == sum);
    }
  }
  const std::vector<std::int8_t> lowest(lagom::dot_int8.max_size, std::int8_t{-128});
  CHECK(lagom::dot_int8(portable{}, lowest, lowest) == 131071 * 16384);
}

TEST_CASE("quantised vectors are within half a step", "[kernel][int8]") {
  for (const std::size_t n : {1u, 2u, 33u, 500u}) {
    for (const double deviation : {1e-20, 1.0, 1e30}) {
      const auto x = normal<float>(n, n, deviation);
      std::vector<std::int8_t> q(n);
      const auto v = lagom::quantize(portable{}, x, q);
      CHECK_FALSE(v.bad);
      int largest = 0;
      for (std::size_t j = 0; j < n; ++j) {
        largest = std::max(largest, std::abs(static_cast<int>(q[j])));
        REQUIRE(std::abs(static_cast<double>(x[j]) - static_cast<double>(v.scale) * q[j]) <=
                0.5001 * static_cast<double>(v.scale));
      }
      CHECK(largest == 127);
    }
  }
}

TEST_CASE("vectors without a direction and vectors that are no numbers have scale 0", "[kernel][int8]") {
  std::vector<std::int8_t> q(3, std::int8_t{5});
  const auto of = [&](std::vector<float> x) { return lagom::quantize(portable{}, x, q); };
  for (const auto& x : {std::vector<float>{0, 0, 0}, {0, -0.0f, 1e-31f}}) {
    const auto v = of(x);
    CHECK_FALSE(v.bad);
    CHECK(v.scale == 0);
    CHECK(q == std::vector<std::int8_t>{0, 0, 0});
  }
  for (const float poison : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                             -std::numeric_limits<float>::infinity()}) {
    q = {5, 5, 5};
    const auto v = of({1, poison, 2});
    CHECK(v.bad);
    CHECK(v.scale == 0);
    CHECK(q == std::vector<std::int8_t>{0, 0, 0});
  }
  CHECK(lagom::quantize(portable{}, vec_view<const float>(), vec_view<std::int8_t>()).scale == 0);
  q = {5, 5, 5};
  of({2.5f, -127, 0.5f});
  CHECK(q == std::vector<std::int8_t>{3, -127, 1});
  of({-2.5f, 127, -0.5f});
  CHECK(q == std::vector<std::int8_t>{-3, 127, -1});
}

TEST_CASE("the probe over an int8 head matches products done apart", "[kernel][int8]") {
  for (const std::size_t vocab : {1u, 2u, 255u, 257u, 700u}) {
    for (const std::size_t h : {1u, 31u, 96u, 2049u, 8200u}) {
      if (vocab * h > 600'000) continue;
      const auto q = quantize(normal<float>(vocab * h, 3, 1 / std::sqrt(static_cast<double>(h))), vocab);
      const auto x = normal<float>(h, 4, 2);
      const int8_head probe{q.rows(), q.scales, lagom::no_norm{}, 1.5f};
      agree(lagom::unembed(portable{}, x, probe), logits(q, x, 1.5), 1e-5);
      std::vector<std::int8_t> values(h);
      const auto xq = lagom::quantize(portable{}, x, values);
      agree(lagom::unembed(portable{}, x, lagom::with_int8_hidden(probe)),
            logits(q, values, 1.5 * static_cast<double>(xq.scale)), 1e-6);
    }
  }
}

TEST_CASE("int8 heads see the normed state, and a few rows of them give the restricted softmax",
          "[kernel][int8]") {
  const std::size_t vocab = 300, h = 64;
  const auto q = quantize(normal<float>(vocab * h, 7, 0.1), vocab);
  const auto x = normal<float>(h, 8, 5), g = normal<float>(h, 9);
  double mean = 0;
  for (const float v : x) mean += static_cast<double>(v) * static_cast<double>(v) / h;
  std::vector<float> normed;
  for (std::size_t j = 0; j < h; ++j)
    normed.push_back(
        static_cast<float>(static_cast<double>(x[j]) / std::sqrt(mean + 1e-5) * static_cast<double>(g[j])));
  const int8_head probe{q.rows(), q.scales, rms_norm{g, 1e-5}};
  const auto z = logits(q, normed);
  agree(lagom::unembed(portable{}, x, probe), z, 1e-5);
  // The state's own quantisation moves a logit by at most half a step times the row's 1-norm.
  const auto both = lagom::unembed(portable{}, x, lagom::with_int8_hidden(probe));
  std::vector<std::int8_t> values(h);
  const double step = static_cast<double>(lagom::quantize(portable{}, normed, values).scale);
  double one_norm = 0;
  for (std::size_t j = 0; j < h; ++j) {
    one_norm += std::abs(static_cast<double>(q.values[static_cast<std::size_t>(both.top) * h + j]));
  }
  const auto top = static_cast<std::size_t>(both.top);
  CHECK(std::abs(static_cast<double>(both.max) - z[top]) <=
        0.51 * step * one_norm * static_cast<double>(q.scales[top]));
  const lagom::token_id few[] = {5, 17, 299};
  const auto some = lagom::unembed_rows(portable{}, x, probe, few);
  CHECK(some.count == 3);
  CHECK(near(static_cast<double>(some.max), std::max({z[5], z[17], z[299]}), 1e-5));
}

TEST_CASE("poisoned states and rows of an int8 head are flagged", "[kernel][int8]") {
  auto w = normal<float>(300 * 8, 17);
  auto x = normal<float>(8, 18);
  w[50 * 8 + 3] = std::numeric_limits<float>::quiet_NaN();
  for (std::size_t j = 0; j < 8; ++j) w[60 * 8 + j] = 0;
  const auto q = quantize(w, 300);
  const int8_head probe{q.rows(), q.scales};
  for (const auto& s : {lagom::unembed(portable{}, x, probe),
                        lagom::unembed(portable{}, x, lagom::with_int8_hidden(probe))}) {
    CHECK(s.bad);
    CHECK(s.count == 299);
  }
  for (float& v : x) v = 0;
  CHECK(lagom::unembed(portable{}, x,
                       lagom::with_int8_hidden(
                           int8_head{q.rows().slice_rows(51, 20), vec_view(q.scales.data() + 51, 20)}))
            .entropy() == Approx(std::log(20.0)));
  x[2] = std::numeric_limits<float>::quiet_NaN();
  for (const auto& s : {lagom::unembed(portable{}, x, probe),
                        lagom::unembed(portable{}, x, lagom::with_int8_hidden(probe))}) {
    CHECK(s.bad);
    CHECK(s.count == 0);
  }
}
