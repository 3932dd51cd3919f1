// SPDX-License-Identifier: MIT
// Divergences against torch and mpmath (tests/oracle/divergences.py), against their defining sums, and as mergeable values.
#include <lagom/kernel/divergence_of.hpp>
#include <lagom/kernel/quantize.hpp>
#include <lagom/kernel/unembed_divergence.hpp>
#include <limits>

#include "support/approx.hpp"
#include "support/backends.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

using namespace lagom_test;
using lagom::divergence_of;
using lagom::divergence_stats;
using lagom::portable;

namespace {

const float infinity = std::numeric_limits<float>::infinity();
const float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr double ln2 = 0.69314718055994530942;

divergence_stats<double> of_probabilities(const std::vector<double>& p, const std::vector<double>& q) {
  divergence_stats<double> s;
  for (std::size_t i = 0; i < p.size(); ++i) s.push(std::log(p[i]), std::log(q[i]));
  return s;
}

// An infinite one is the largest number.
bool matches(double value, double expected, double relative, double absolute) {
  if (expected > 1e300) return value > 1e38;
  return std::abs(value - expected) <= relative * std::abs(expected) + absolute;
}

template <class T>
void check(const divergence_stats<T>& s, const std::vector<double>& expected, double shift) {
  constexpr double unit = sizeof(T) == 8 ? 1e-14 : 1e-7;
  const double relative = 100 * unit + (shift > 1 ? unit * shift / std::sqrt(expected[2] + unit * unit) : 0);
  constexpr double absolute = sizeof(T) == 8 ? 1e-24 : 2e-13;
  constexpr double loose = sizeof(T) == 8 ? 1e-14 : 2e-6;  // what the sums of many probabilities add
  REQUIRE(s.valid());
  const bool close = expected[2] < 0.01;
  const double floor = close ? absolute : loose;
  CHECK(matches(static_cast<double>(s.forward_kl()), expected[0], relative, floor));
  CHECK(matches(static_cast<double>(s.backward_kl()), expected[1], relative, floor));
  CHECK(matches(static_cast<double>(s.jensen_shannon()), expected[2], relative, floor));
  CHECK(matches(static_cast<double>(s.mixture_cross_entropy()), expected[3], relative, loose));
  CHECK(matches(static_cast<double>(s.outward_divergence()), expected[4], relative, floor));
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("divergences match torch and mpmath", "[kernel][divergence]", backends) {
  const auto file = must(lagom::io::safetensors::open(golden("divergences/pairs.safetensors")));
  int cases = 0;
  for (const auto& [name, view] : file.tensors()) {
    if (!name.ends_with("/p")) continue;
    ++cases;
    const std::string stem = name.substr(0, name.size() - 2);
    INFO(stem);
    const auto p = elements<float>(file, name), q = elements<float>(file, stem + "/q");
    const auto expected = elements<double>(file, stem + "/expected");
    const double shift = std::abs(static_cast<double>(p[0]) - static_cast<double>(q[0]));
    check(divergence_of(TestType{}, p, q), expected, shift);
    check(divergence_of(TestType{}, std::vector<double>(p.begin(), p.end()),
                        std::vector<double>(q.begin(), q.end())),
          expected, shift);
  }
  CHECK(cases > 20);
}

TEST_CASE("published and released forms keep their numbers", "[kernel][divergence]") {
  // F-PABEE.
  const auto s = of_probabilities({.9, .1}, {.85, .15});
  CHECK(s.jensen_shannon() == Approx(.002874130658).epsilon(2e-10));
  CHECK(s.mixture_cross_entropy() == Approx(.376770161256).epsilon(2e-12));
  CHECK(s.mixture_cross_entropy() - s.jensen_shannon() == Approx(.373896030599).epsilon(2e-12));
  // DoLa: the two forms choose different layers.
  const std::vector<double> mature{.01, .82, .17};
  const auto a = of_probabilities(mature, {.03, .31, .66}), b = of_probabilities(mature, {.33, .55, .12});
  CHECK(a.jensen_shannon() == Approx(.1395396150).epsilon(1e-9));
  CHECK(b.jensen_shannon() == Approx(.1108338600).epsilon(1e-9));
  CHECK(a.outward_divergence() / 3 == Approx(.0520469510).epsilon(1e-9));
  CHECK(b.outward_divergence() / 3 == Approx(.0667330459).epsilon(1e-9));
}

TEMPLATE_LIST_TEST_CASE("Jensen-Shannon is symmetric, bounded and zero for equals", "[kernel][divergence]",
                        backends) {
  for (const std::size_t n : {1u, 2u, 40u, 600u, 1100u}) {
    const auto p = normal<float>(n, n, 4), q = normal<float>(n, n + 1, 4);
    const auto s = divergence_of(TestType{}, p, q), t = divergence_of(TestType{}, q, p);
    CHECK(near(static_cast<double>(s.jensen_shannon()), static_cast<double>(t.jensen_shannon()), 1e-6));
    CHECK(near(static_cast<double>(s.forward_kl()), static_cast<double>(t.backward_kl()), 1e-5));
    CHECK(s.jensen_shannon() >= 0);
    CHECK(static_cast<double>(s.jensen_shannon()) <= ln2);
    CHECK(divergence_of(TestType{}, p, p).jensen_shannon() == 0);
    CHECK(divergence_of(TestType{}, p, p).forward_kl() == 0);
    auto shifted = p;
    for (float& z : shifted) z += 2048;  // the same distribution, to the rounding of the logits
    CHECK(static_cast<double>(divergence_of(TestType{}, p, shifted).jensen_shannon()) < 1e-8);
  }
}

// Every size of a tile's rest, ordinary logits and others among them, against the same in double.
TEMPLATE_LIST_TEST_CASE("divergences of logits are those in double", "[kernel][divergence]", backends) {
  const TestType b;
  const auto wide = [](const std::vector<float>& z) {  // a mask of floats is one of doubles
    std::vector<double> out(z.begin(), z.end());
    for (double& v : out) v = v < -3e38 ? static_cast<double>(-infinity) : v;
    return out;
  };
  const auto in_double = [&](const std::vector<float>& p, const std::vector<float>& q) {
    return divergence_of(portable{}, wide(p), wide(q));
  };
  const auto compare = [&](const std::vector<float>& p, const std::vector<float>& q) {
    const auto s = divergence_of(b, p, q);
    const auto t = in_double(p, q);
    REQUIRE(s.p_tokens == t.p_tokens);
    REQUIRE(s.q_tokens == t.q_tokens);
    REQUIRE(s.shared == t.shared);
    REQUIRE(s.valid() == t.valid());
    if (!s.valid()) return;
    const double js = t.jensen_shannon();
    const double floor = js < 0.01 ? 2e-13 : 2e-6;
    CHECK(matches(static_cast<double>(s.jensen_shannon()), js, 1e-5, floor));
    CHECK(matches(static_cast<double>(s.outward_divergence()), t.outward_divergence(), 1e-5, floor));
    CHECK(matches(static_cast<double>(s.forward_kl()), t.forward_kl(), 1e-5, floor));
    CHECK(matches(static_cast<double>(s.backward_kl()), t.backward_kl(), 1e-5, floor));
    CHECK(matches(static_cast<double>(s.mixture_cross_entropy()), t.mixture_cross_entropy(), 1e-5, 2e-6));
  };
  std::uint64_t stream = 0;
  for (std::size_t n = 1; n < 70; ++n) {
    for (const double apart : {1e-4, 0.02, 0.7, 5.0}) {
      const auto p = normal<float>(n, ++stream, 3), step = normal<float>(n, ++stream, apart);
      auto q = p;
      for (std::size_t i = 0; i < n; ++i) q[i] += step[i];
      compare(p, q);
    }
  }
  for (const std::size_t n : {511u, 512u, 513u, 1040u, 4096u, 50257u}) {
    for (const double apart : {1e-3, 0.3, 4.0, 60.0}) {
      auto p = normal<float>(n, ++stream, 4), q = p;
      const auto step = normal<float>(n, ++stream, apart);
      for (std::size_t i = 0; i < n; ++i) q[i] += step[i];
      compare(p, q);
      // Masks of both kinds, in one, in the other, in both; large finite ones that count.
      p[n / 2] = -infinity;
      q[n / 3] = -infinity;
      p[n - 1] = q[n - 1] = std::numeric_limits<float>::lowest();
      compare(p, q);
      p[n / 2] = q[n / 3] = p[n - 1] = q[n - 1] = -1e9f;
      compare(p, q);
      q[n / 5] = not_a_number;
      CHECK(!divergence_of(b, p, q).valid());
    }
  }
  // Far from 0, and where nothing is ordinary.
  for (const float at : {-3e36f, 5e36f, 2e38f}) {
    std::vector<float> p(40, at), q(40, at);
    p[3] = q[17] = at * 1.5f;
    compare(p, q);
    compare(p, p);
  }
}

TEST_CASE("every part of the range of ln p - ln q", "[kernel][divergence]") {
  // One token against the defining sums, in double; float against double.
  for (double d = -60; d <= 60; d += 0.0371) {
    for (const double log_p : {-0.01, -1.0, -9.0}) {
      const double log_q = log_p - d;
      if (log_q > 0) continue;
      const double p = std::exp(log_p), q = std::exp(log_q);
      const auto t = lagom::detail::divergence_terms<double>::of(log_p, log_q, d);
      const long double sum = static_cast<long double>(p) + q, m = sum / 2;
      const auto js = static_cast<double>((p * std::log(p / m) + q * std::log(q / m)) / 2);
      CHECK(std::abs(t.middle - js) <= 1e-14 * static_cast<double>(sum));
      CHECK(std::abs(t.forward - (p * d - p + q)) <= 1e-14 * (p * std::abs(d) + p + q));
      CHECK(std::abs(t.backward - (-q * d - q + p)) <= 1e-14 * (q * std::abs(d) + p + q));
      CHECK(std::abs(t.mixture - static_cast<double>(-m * std::log(m))) <= 1e-13 * static_cast<double>(m));
      const auto outward = static_cast<double>(m * (std::log(m / p) + std::log(m / q)) / 2);
      CHECK(std::abs(t.outward - outward) <= 1e-13 * static_cast<double>(m) * (1 + std::abs(d)));
      const auto f = lagom::detail::divergence_terms<float>::of(
          static_cast<float>(log_p), static_cast<float>(log_q), static_cast<float>(d));
      CHECK(std::abs(static_cast<double>(f.middle) - t.middle) <= 1e-5 * t.middle + 1e-12);
      CHECK(std::abs(static_cast<double>(f.outward) - t.outward) <= 1e-5 * t.outward + 1e-12);
      CHECK(std::abs(static_cast<double>(f.forward) - t.forward) <= 2e-6 * (p * std::abs(d) + p + q));
      CHECK(std::abs(static_cast<double>(f.backward) - t.backward) <= 2e-6 * (q * std::abs(d) + p + q));
    }
  }
}

TEST_CASE("nearly equal distributions keep their digits", "[kernel][divergence]") {
  // p = (1/2, 1/2), q = (1 + e, 1 - e) / 2: J = e^2 / 8 (1 + O(e^2)), which no difference of entropies would show.
  for (double e = 0.5; e > 1e-10; e *= 0.6) {
    divergence_stats<double> s;
    s.push(-ln2, std::log1p(e) - ln2, -std::log1p(e));
    s.push(-ln2, std::log1p(-e) - ln2, -std::log1p(-e));
    CHECK(s.jensen_shannon() == Approx(e * e / 8).epsilon(e * e + 1e-12));
    CHECK(s.outward_divergence() == Approx(e * e / 8).epsilon(3 * e * e + 1e-12));
    CHECK(s.forward_kl() == Approx(-std::log1p(-e * e) / 2).epsilon(1e-12));
  }
}

TEMPLATE_LIST_TEST_CASE("divergences of shards merge", "[kernel][divergence]", backends) {
  const auto p = normal<float>(2000, 1, 3), q = normal<float>(2000, 2, 3);
  const auto whole = divergence_of(TestType{}, p, q);
  const auto ps = lagom::softmax_stats_of(TestType{}, p), qs = lagom::softmax_stats_of(TestType{}, q);
  for (const lagom::index_t cut : {0, 1, 77, 512, 1999, 2000}) {
    const lagom::vec_view<const float> a(p), b(q);
    auto left = divergence_of(TestType{}, a.slice(0, cut), b.slice(0, cut), ps, qs);
    left.merge(divergence_of(TestType{}, a.slice(cut, 2000 - cut), b.slice(cut, 2000 - cut), ps, qs));
    CHECK(left.p_tokens == whole.p_tokens);
    CHECK(
        near(static_cast<double>(left.jensen_shannon()), static_cast<double>(whole.jensen_shannon()), 1e-6));
    CHECK(near(static_cast<double>(left.forward_kl()), static_cast<double>(whole.forward_kl()), 1e-5));
    CHECK(near(static_cast<double>(left.mixture_cross_entropy()),
               static_cast<double>(whole.mixture_cross_entropy()), 1e-5));
  }
}

TEMPLATE_LIST_TEST_CASE("no distribution, no closeness", "[kernel][divergence]", backends) {
  const auto hopeless = [](const std::vector<float>& p, const std::vector<float>& q) {
    for (const auto& s : {divergence_of(TestType{}, p, q), divergence_of(TestType{}, q, p)}) {
      CHECK(!s.valid());
      CHECK(s.jensen_shannon() == static_cast<float>(ln2));
      CHECK(s.forward_kl() > 1e38f);
      CHECK(s.backward_kl() > 1e38f);
      CHECK(s.mixture_cross_entropy() > 1e38f);
      CHECK(s.outward_divergence() > 1e38f);
    }
  };
  const std::vector<float> fine{1, 2, 3};
  hopeless({1, not_a_number, 3}, fine);
  hopeless({1, infinity, 3}, fine);
  hopeless({-infinity, -infinity, -infinity}, fine);
  hopeless({}, {});
  CHECK(divergence_of(TestType{}, std::vector<float>{5}, std::vector<float>{-9}).jensen_shannon() == 0);
  // Logits that are masked by the lowest number, and the largest there are.
  const float lowest = std::numeric_limits<float>::lowest();
  const auto s = divergence_of(TestType{}, std::vector<float>{2.9e38f, -2.9e38f, lowest},
                               std::vector<float>{-2.9e38f, 2.9e38f, -infinity});
  CHECK(s.valid());
  CHECK(s.shared == 2);
  CHECK(s.jensen_shannon() == Approx(ln2));
}

TEMPLATE_LIST_TEST_CASE("divergences read what tensors hold, and backends override them",
                        "[kernel][divergence]", backends) {
  const auto p = normal<float>(700, 1, 3), q = normal<float>(700, 2, 3);
  const auto plain = divergence_of(TestType{}, p, q);
  std::vector<float> apart(3 * 700, 99);
  for (std::size_t i = 0; i < 700; ++i) apart[3 * i] = p[i];
  const auto strided = divergence_of(TestType{}, lagom::vec_view<const float>(apart.data(), 700, 3), q);
  CHECK(near(static_cast<double>(strided.middle), static_cast<double>(plain.middle), 1e-6));
  CHECK(near(static_cast<double>(strided.forward), static_cast<double>(plain.forward), 1e-5));
  const auto low_p = normal<lagom::bf16>(700, 1, 3);
  std::vector<float> wide;
  for (const lagom::bf16 v : low_p) wide.push_back(static_cast<float>(v));
  CHECK(divergence_of(TestType{}, low_p, q).middle == divergence_of(TestType{}, wide, q).middle);

  struct mine : portable {
    divergence_stats<float> divergence_of(lagom::vec_view<const float>, lagom::vec_view<const float>,
                                          const lagom::softmax_stats<float>&,
                                          const lagom::softmax_stats<float>&) const noexcept {
      return {.middle = 7, .p_tokens = 1, .q_tokens = 1};
    }
  };
  CHECK(divergence_of(mine{}, p, q).middle == 7);
}

TEMPLATE_LIST_TEST_CASE("heads of every storage give the divergences of their logits", "[kernel][divergence]",
                        backends) {
  constexpr std::size_t vocab = 1300, h = 72;
  const auto w = normal<float>(vocab * h, 3, 0.15), x = normal<float>(h, 4, 2), y = normal<float>(h, 5, 2);
  const auto same = [&](const auto& to) {
    const TestType b;
    const auto xs = lagom::unembed(b, x, to), ys = lagom::unembed(b, y, to);
    const auto s = lagom::unembed_divergence(b, x, y, to, xs, ys);
    // Logits row by row, from the probe of that row alone.
    std::vector<float> p, q;
    for (lagom::token_id v = 0; v < static_cast<lagom::token_id>(vocab); ++v) {
      const auto one = [&](const std::vector<float>& state) {
        auto row = to;
        row.rows = to.rows.slice_rows(v, 1);
        if constexpr (requires { row.scales; }) row.scales = to.scales.slice(v, 1);
        return lagom::unembed(b, state, row).max;
      };
      p.push_back(one(x));
      q.push_back(one(y));
    }
    const auto exact = divergence_of(portable{}, p, q);
    CHECK(near(static_cast<double>(s.jensen_shannon()), static_cast<double>(exact.jensen_shannon()), 1e-5));
    CHECK(near(static_cast<double>(s.forward_kl()), static_cast<double>(exact.forward_kl()), 1e-4));
    CHECK(s.shared == vocab);
  };
  same(lagom::head{lagom::mat_view<const float>(w.data(), vocab, h)});
  std::vector<lagom::bf16> low;
  std::vector<lagom::f16> half;
  for (const float v : w) low.emplace_back(v), half.emplace_back(v);
  same(lagom::head{lagom::mat_view<const lagom::bf16>(low.data(), vocab, h)});
  same(lagom::head{lagom::mat_view<const lagom::f16>(half.data(), vocab, h)});
  std::vector<std::int8_t> bytes(w.size());
  std::vector<float> scales(vocab);
  lagom::quantize_rows(portable{}, lagom::mat_view<const float>(w.data(), vocab, h),
                       lagom::mat_view<std::int8_t>(bytes.data(), vocab, h), scales);
  const lagom::int8_head small{lagom::mat_view<const std::int8_t>(bytes.data(), vocab, h), scales};
  same(small);
  same(lagom::with_int8_hidden(small));
}

TEMPLATE_LIST_TEST_CASE("two states through one head are two rows of logits", "[kernel][divergence]",
                        backends) {
  for (const std::size_t vocab : {1u, 15u, 700u, 2500u}) {
    for (const std::size_t h : {1u, 33u, 256u}) {
      const auto w = normal<float>(vocab * h, 3, 1 / std::sqrt(static_cast<double>(h)));
      const auto x = normal<float>(h, 4, 2), y = normal<float>(h, 5, 2), g = normal<float>(h, 6);
      const lagom::head to{lagom::mat_view<const float>(w.data(), vocab, h), lagom::rms_norm{g, 1e-5}, 1.5f};
      const TestType b;
      const auto xs = lagom::unembed(b, x, to), ys = lagom::unembed(b, y, to);
      const auto s = lagom::unembed_divergence(b, x, y, to, xs, ys);
      const auto logits = [&](const std::vector<float>& state) {
        double mean = 0;
        for (const float v : state) mean += static_cast<double>(v) * static_cast<double>(v);
        mean = mean / static_cast<double>(h) + static_cast<double>(1e-5f);
        std::vector<double> z(vocab);
        for (std::size_t v = 0; v < vocab; ++v) {
          for (std::size_t j = 0; j < h; ++j)
            z[v] += static_cast<double>(w[v * h + j]) * static_cast<double>(state[j]) *
                    static_cast<double>(g[j]) / std::sqrt(mean);
          z[v] *= 1.5;
        }
        return z;
      };
      const auto exact = divergence_of(portable{}, logits(x), logits(y));
      CHECK(near(static_cast<double>(s.jensen_shannon()), exact.jensen_shannon(), 1e-5));
      CHECK(near(static_cast<double>(s.forward_kl()), exact.forward_kl(), 1e-4, exact.forward_kl()));
      CHECK(near(static_cast<double>(s.mixture_cross_entropy()), exact.mixture_cross_entropy(), 1e-5,
                 exact.mixture_cross_entropy()));
      CHECK(s.shared == static_cast<std::int64_t>(vocab));
      // Any executor, the same bits.
      const auto backwards = [](lagom::index_t n, auto&& task) {
        for (lagom::index_t i = n; i-- > 0;) task(i);
      };
      const auto t = lagom::unembed_divergence(b, x, y, to, xs, ys, backwards);
      CHECK((t.middle == s.middle && t.forward == s.forward && t.mixture == s.mixture));
      CHECK(lagom::unembed_divergence(b, x, x, to, xs, xs).jensen_shannon() == 0);
      CHECK(!lagom::unembed_divergence(b, x, y, to, xs, lagom::softmax_stats<float>{}).valid());
    }
  }
}
