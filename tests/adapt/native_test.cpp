// SPDX-License-Identifier: MIT
#include <lagom/adapt/native.hpp>
#include <lagom/adapt/openmp.hpp>

#include <atomic>
#include <cstring>
#include <thread>

#include "support/approx.hpp"
#include "support/catch.hpp"

using namespace lagom_test;
using lagom::head;
using lagom::mat_view;
using lagom::native;
using lagom::portable;
using lagom::softmax_stats;
using lagom::token_id;
using lagom::vec_view;

namespace {

const float infinity = std::numeric_limits<float>::infinity();
const float not_a_number = std::numeric_limits<float>::quiet_NaN();

// The definition, one logit after the other, in double.
template <class Z>
softmax_stats<double> one_by_one(vec_view<const Z> z, token_id first) {
  softmax_stats<double> s;
  for (lagom::index_t i = 0; i < z.size(); ++i) {
    const auto x = static_cast<float>(z[i]);
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    const auto token = static_cast<token_id>(first + i);
    if ((bits & 0x7f800000u) == 0x7f800000u) {
      s.bad = s.bad || bits != 0xff800000u;
    } else if (x > softmax_stats<float>::masked_at) {
      s.push(static_cast<double>(x), token);
    }
  }
  return s;
}

template <class Z>
void check(vec_view<const Z> z, token_id first = 0) {
  const auto exact = one_by_one(z, first);
  const auto s = lagom::softmax_stats_of(native{}, z, first);
  REQUIRE(s.count == exact.count);
  REQUIRE(s.bad == exact.bad);
  REQUIRE(s.top == exact.top);
  REQUIRE(s.runner_up == exact.runner_up);
  if (exact.count == 0) return;
  REQUIRE(static_cast<double>(s.max) == exact.max);
  if (exact.count > 1) REQUIRE(static_cast<double>(s.second) == exact.second);
  const double log_sum = std::log(exact.sum);
  REQUIRE(near(static_cast<double>(s.log_sum()), log_sum, 5e-7));
  REQUIRE(near(static_cast<double>(s.weighted / s.sum), exact.weighted / exact.sum, 2e-6,
               std::abs(exact.weighted / exact.sum)));
}

template <class Z>
void every_size() {
  const auto all = normal<Z>(3300, 31, 4);
  for (lagom::index_t n = 0; n <= 3200; n += n < 70 ? 1 : n < 1100 ? 37 : 151) {
    for (const lagom::index_t shift : {0, 1, 7}) check(vec_view<const Z>(all.data() + shift, n), 100);
    check(vec_view<const Z>(all.data(), n / 2, 2));
  }
}

}  // namespace

TEST_CASE("native softmax statistics match the definition at every size and alignment", "[adapt][native]") {
  every_size<float>();
  every_size<lagom::bf16>();
  every_size<lagom::f16>();
}

TEST_CASE("native softmax statistics keep their digits over a large vocabulary", "[adapt][native]") {
  for (const double deviation : {0.01, 2.75, 30.0, 300.0}) {
    const auto z = normal<float>(128'256, 11, deviation);
    check(vec_view<const float>(z));
  }
}

TEST_CASE("masks, poison, ties and jumps, wherever they are", "[adapt][native]") {
  const lagom::philox random{77};
  const float special[] = {-infinity, infinity, not_a_number, -not_a_number, -3.4028235e38f,
                           -2.9e38f,  2.9e38f,  0.0f,         -0.0f,         1e-40f,
                           90.0f,     -90.0f,   1e30f,        -1e30f};
  for (std::uint64_t trial = 0; trial < 600; ++trial) {
    const std::size_t n = 1 + random.below(2600, trial, 0);
    auto z = normal<float>(n, 1000 + trial, trial % 3 == 0 ? 0.0 : 3.0);  // a third are all ties
    const std::size_t kinds = random.below(4, trial, 1);
    for (std::size_t i = 0; i < kinds * 3; ++i) {
      z[random.below(n, trial, 10 + i)] = special[random.below(trial % 2 == 0 ? 14 : 1, trial, 30 + i)];
    }
    if (trial % 5 == 0) {  // ties of the best, in any tiles
      for (std::size_t i = 0; i < 3; ++i) z[random.below(n, trial, 60 + i)] = 25.0f;
    }
    if (trial % 7 == 0) {  // a whole stretch masked
      const std::size_t from = random.below(n, trial, 70), to = from + random.below(n - from, trial, 71);
      std::fill(z.begin() + static_cast<std::ptrdiff_t>(from), z.begin() + static_cast<std::ptrdiff_t>(to),
                -infinity);
    }
    check(vec_view<const float>(z));
  }
}

TEST_CASE("rising, falling and faraway logits", "[adapt][native]") {
  for (const float slope : {0.5f, -0.5f, 0.0f, 1e-3f, 60.0f, -60.0f}) {
    for (const float offset : {0.0f, 1e4f, -1e4f, -1e38f}) {
      std::vector<float> z(2100);
      for (std::size_t i = 0; i < z.size(); ++i) z[i] = offset + slope * static_cast<float>(i);
      check(vec_view<const float>(z));
    }
  }
  std::vector<float> z(4000, -200.0f);
  z[3500] = 7;
  check(vec_view<const float>(z));
  z[10] = 7;
  check(vec_view<const float>(z));
}

TEST_CASE("native products of int8 are exact", "[adapt][native]") {
  const lagom::philox random{7};
  std::vector<std::int8_t> x(900), y(900);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<std::int8_t>(random.below(256, 1, i));
    y[i] = static_cast<std::int8_t>(random.below(256, 2, i));
  }
  for (lagom::index_t n = 0; n <= 800; n += n < 300 ? 1 : 23) {
    for (const lagom::index_t shift : {0, 1, 33}) {
      const vec_view<const std::int8_t> a(x.data() + shift, n), b(y.data() + 2 * shift, n);
      REQUIRE(lagom::dot_int8(native{}, a, b) == lagom::dot_int8(portable{}, a, b));
    }
  }
  for (const int a : {-128, 127}) {
    for (const int b : {-128, 127}) {
      const std::vector<std::int8_t> u(lagom::dot_int8.max_size, static_cast<std::int8_t>(a)),
          v(lagom::dot_int8.max_size, static_cast<std::int8_t>(b));
      CHECK(lagom::dot_int8(native{}, u, v) == a * b * 131071);
    }
  }
}

namespace {

// Threads of an engine: tasks in any order.
struct threads {
  int n;
  template <class Task>
  void operator()(lagom::index_t tasks, Task&& task) const {
    std::atomic<lagom::index_t> left{tasks};
    std::vector<std::thread> pool;
    for (int t = 0; t < n; ++t) {
      pool.emplace_back([&] {
        for (lagom::index_t i; (i = --left) >= 0;) task(i);
      });
    }
    for (auto& t : pool) t.join();
  }
};

template <class T>
bool same_bits(const softmax_stats<T>& a, const softmax_stats<T>& b) {
  return a.max == b.max && a.sum == b.sum && a.weighted == b.weighted && a.second == b.second &&
         a.top == b.top && a.runner_up == b.runner_up && a.count == b.count && a.bad == b.bad;
}

template <class B, class Head>
void same_for_every_executor(const std::vector<float>& x, const Head& to) {
  const auto whole = lagom::unembed(B{}, x, to);
  REQUIRE(whole.count == to.rows.rows());
  REQUIRE(same_bits(whole, lagom::unembed(B{}, x, to, lagom::seq{})));
  REQUIRE(same_bits(whole, lagom::unembed(B{}, x, to, lagom::openmp{})));
  for (const int n : {1, 2, 3, 7}) {
    REQUIRE(same_bits(whole, lagom::unembed(B{}, x, to, lagom::openmp{n})));
    REQUIRE(same_bits(whole, lagom::unembed(B{}, x, to, threads{n})));
  }
  const auto pool = [](lagom::index_t n, auto task) {
    for (lagom::index_t i = n; i-- > 0;) task(i);
  };
  REQUIRE(same_bits(whole, lagom::unembed(B{}, x, to, pool)));
}

template <class B, class W>
void every_executor(std::size_t vocab, std::size_t h) {
  const auto w = normal<W>(vocab * h, 3, 0.3);
  const auto x = normal<float>(h, 4), g = normal<float>(h, 5);
  same_for_every_executor<B>(x,
                             head{mat_view<const W>(w.data(), vocab, h), lagom::rms_norm{g, 1e-5}, 1.5f, 40});
}

}  // namespace

TEMPLATE_TEST_CASE("a probe has the same bits for every executor", "[adapt][native][executor]", native,
                   portable) {
  for (const auto& [vocab, h] : {std::pair<std::size_t, std::size_t>{700, 33}, {5000, 24}, {70'000, 5}}) {
    every_executor<TestType, float>(vocab, h);
    every_executor<TestType, lagom::bf16>(vocab, h);
    every_executor<TestType, lagom::f16>(vocab, h);
    const auto w = normal<float>(vocab * h, 3), x = normal<float>(h, 4);
    std::vector<std::int8_t> q(vocab * h);
    std::vector<float> scales(vocab);
    lagom::quantize_rows(TestType{}, mat_view<const float>(w.data(), vocab, h),
                         mat_view<std::int8_t>(q.data(), vocab, h), scales);
    const lagom::int8_head to{mat_view<const std::int8_t>(q.data(), vocab, h), scales};
    same_for_every_executor<TestType>(x, to);
    same_for_every_executor<TestType>(x, lagom::with_int8_hidden(to));
  }
}

TEST_CASE("native probes match portable ones: every width, pitch, dtype, norm", "[adapt][native]") {
  const auto agree = [](const auto& x, const auto& to) {
    const auto a = lagom::unembed(native{}, x, to), b = lagom::unembed(portable{}, x, to);
    REQUIRE(a.count == b.count);
    REQUIRE(a.bad == b.bad);
    REQUIRE(a.top == b.top);
    REQUIRE(near(static_cast<double>(a.max), static_cast<double>(b.max), 1e-5,
                 std::abs(static_cast<double>(b.max))));
    REQUIRE(near(static_cast<double>(a.log_sum()), static_cast<double>(b.log_sum()), 2e-5));
    REQUIRE(near(static_cast<double>(a.entropy()), static_cast<double>(b.entropy()), 1e-4));
    REQUIRE(near(static_cast<double>(a.gap()), static_cast<double>(b.gap()), 2e-5));
  };
  const auto with = [&](auto zero, lagom::index_t vocab, lagom::index_t h, lagom::index_t pitch,
                        lagom::index_t shift) {
    using W = decltype(zero);
    const auto n = static_cast<std::size_t>(vocab * pitch + shift);
    const auto w = normal<W>(n, 6, 1 / std::sqrt(static_cast<double>(h)));
    const auto x = normal<float>(static_cast<std::size_t>(h), 7, 2);
    const auto g = normal<float>(static_cast<std::size_t>(h), 8);
    const auto half = normal<lagom::bf16>(static_cast<std::size_t>(h), 7, 2);
    const mat_view<const W> rows(w.data() + shift, vocab, h, pitch);
    agree(x, head{rows, lagom::rms_norm{g, 1e-5}, 0.7f, 3});
    agree(x, head{rows});
    agree(half, head{rows, lagom::layer_norm<float>{g, g, 1e-5}});
  };
  for (lagom::index_t h = 1; h <= 160; h += h < 40 ? 1 : 17) {
    with(0.0f, 40, h, h + 3, 1);
    with(lagom::bf16{}, 40, h, h + 3, 1);
    with(lagom::f16{}, 40, h, h, 0);
  }
  for (const lagom::index_t h :
       {1024, 4096, 8192, 8200}) {  // the widest that is prepared once, and one wider
    with(0.0f, 21, h, h, 0);
    with(lagom::bf16{}, 21, h, h, 0);
  }
  with(0.0f, 1100, 64, 64, 0);
  with(lagom::bf16{}, 1100, 64, 64, 0);
}

TEST_CASE("int8 probes with int8 states agree to the bit with portable logits", "[adapt][native]") {
  for (const lagom::index_t h : {1, 63, 64, 65, 300, 2048, 8192, 9000}) {
    const auto n = static_cast<std::size_t>(30 * h);
    const auto w = normal<float>(n, 6), x = normal<float>(static_cast<std::size_t>(h), 7, 2);
    std::vector<std::int8_t> q(n);
    std::vector<float> scales(30);
    lagom::quantize_rows(native{}, mat_view<const float>(w.data(), 30, h),
                         mat_view<std::int8_t>(q.data(), 30, h), scales);
    const lagom::int8_head to{mat_view<const std::int8_t>(q.data(), 30, h), scales};
    const auto a = lagom::unembed(native{}, x, lagom::with_int8_hidden(to)),
               b = lagom::unembed(portable{}, x, lagom::with_int8_hidden(to));
    REQUIRE(a.max == b.max);
    REQUIRE(a.second == b.second);
    REQUIRE(a.top == b.top);
    const auto c = lagom::unembed(native{}, x, to), d = lagom::unembed(portable{}, x, to);
    REQUIRE(c.top == d.top);
    REQUIRE(near(static_cast<double>(c.max), static_cast<double>(d.max), 1e-5,
                 std::abs(static_cast<double>(d.max))));
  }
}

TEST_CASE("native probes flag poisoned states and rows, empty heads answer nothing", "[adapt][native]") {
  auto w = normal<float>(1500 * 8, 17);
  auto x = normal<float>(8, 18);
  const head to{mat_view(w.data(), 1500, 8)};
  CHECK(lagom::unembed(native{}, x, to).valid());
  w[1450 * 8 + 3] = infinity;
  CHECK(lagom::unembed(native{}, x, to).count == 1499);
  x[2] = not_a_number;
  CHECK(lagom::unembed(native{}, x, to).bad);
  CHECK(lagom::unembed(native{}, x, to).count == 0);
  CHECK(lagom::unembed(native{}, x, head{mat_view(w.data(), 0, 8)}).top == lagom::no_token);
}

TEST_CASE("native divergences are the same wherever the logits lie and whatever holds them",
          "[adapt][native][divergence]") {
  const auto same = [](const lagom::divergence_stats<float>& a, const lagom::divergence_stats<float>& b) {
    return std::memcmp(&a.forward, &b.forward, sizeof(float)) == 0 &&
           std::memcmp(&a.backward, &b.backward, sizeof(float)) == 0 &&
           std::memcmp(&a.middle, &b.middle, sizeof(float)) == 0 &&
           std::memcmp(&a.outward, &b.outward, sizeof(float)) == 0 &&
           std::memcmp(&a.mixture, &b.mixture, sizeof(float)) == 0 && a.p_tokens == b.p_tokens &&
           a.q_tokens == b.q_tokens && a.shared == b.shared;
  };
  for (const std::size_t n : {1u, 8u, 31u, 512u, 1300u}) {
    const auto low = normal<lagom::bf16>(n, 1, 3);
    const auto half = normal<lagom::f16>(n, 2, 3);
    std::vector<float> p(low.begin(), low.end()), q(half.begin(), half.end());
    p[n / 2] = q[n / 3] = -infinity;  // one tile is not ordinary
    const auto ps = lagom::softmax_stats_of(native{}, p), qs = lagom::softmax_stats_of(native{}, q);
    const auto of = lagom::divergence_of(native{}, p, q, ps, qs);
    for (const std::size_t off : {1u, 3u, 5u}) {
      std::vector<float> a(off, 99), b(2 * off, 99);
      a.insert(a.end(), p.begin(), p.end());
      b.insert(b.end(), q.begin(), q.end());
      const auto size = static_cast<lagom::index_t>(n);
      CHECK(same(of, lagom::divergence_of(native{}, vec_view<const float>(a.data() + off, size),
                                          vec_view<const float>(b.data() + 2 * off, size), ps, qs)));
    }
    // bf16 against f16 is what their floats are; p against q the other way round.
    const std::vector<float> wide_low(low.begin(), low.end()), wide_half(half.begin(), half.end());
    const auto mixed = lagom::divergence_of(native{}, low, half);
    CHECK(same(mixed, lagom::divergence_of(native{}, wide_low, wide_half)));
    const auto turned = lagom::divergence_of(native{}, half, low);
    CHECK(near(static_cast<double>(mixed.forward), static_cast<double>(turned.backward), 1e-6));
    CHECK(near(static_cast<double>(mixed.middle), static_cast<double>(turned.middle), 1e-6));
    CHECK(lagom::divergence_of(native{}, low, low).jensen_shannon() == 0);
    CHECK(lagom::divergence_of(native{}, low, low).backward_kl() == 0);
  }
}
