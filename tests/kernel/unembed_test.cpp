// SPDX-License-Identifier: MIT
#include <lagom/kernel/softmax_stats_of.hpp>
#include <lagom/kernel/unembed_rows.hpp>

#include "support/approx.hpp"
#include "support/backends.hpp"
#include "support/catch.hpp"

using namespace lagom_test;
using lagom::head;
using lagom::mat_view;
using lagom::portable;
using lagom::rms_norm;
using lagom::token_id;
using lagom::vec_view;

namespace {

// logits = scale * (W . norm(x)) in long double, then the statistics of those.
template <class W, class Normed>
lagom::softmax_stats<double> reference(const std::vector<W>& w, const Normed& x, std::size_t vocab,
                                       double scale) {
  std::vector<double> z(vocab);
  for (std::size_t v = 0; v < vocab; ++v) {
    long double sum = 0;
    for (std::size_t j = 0; j < x.size(); ++j)
      sum += static_cast<long double>(static_cast<double>(w[v * x.size() + j])) * x[j];
    z[v] = static_cast<double>(sum) * scale;
  }
  return lagom::softmax_stats_of(portable{}, z);
}

template <class H>
std::vector<double> rms_normed(const std::vector<H>& x, const std::vector<float>& g, double epsilon) {
  double mean = 0;
  for (const H v : x) mean += static_cast<double>(v) * static_cast<double>(v);
  mean /= static_cast<double>(x.size());
  std::vector<double> out;
  for (std::size_t j = 0; j < x.size(); ++j) {
    out.push_back(static_cast<double>(x[j]) / std::sqrt(mean + epsilon) * static_cast<double>(g[j]));
  }
  return out;
}

template <class T>
void agree(const lagom::softmax_stats<T>& s, const lagom::softmax_stats<double>& exact, double t) {
  REQUIRE(s.top == exact.top);
  REQUIRE(s.count == exact.count);
  REQUIRE(near(static_cast<double>(s.max), exact.max, t, std::abs(exact.max)));
  REQUIRE(near(static_cast<double>(s.log_sum()), exact.log_sum(), 4 * t));
  REQUIRE(near(static_cast<double>(s.gap()), exact.gap(), 8 * t));
  REQUIRE(near(static_cast<double>(s.entropy()), exact.entropy(), 16 * t));
}

template <class B, class H, class W>
void check_head() {
  constexpr double t = sizeof(H) == 8 ? 1e-12 : 1e-5;
  for (const std::size_t vocab : {1u, 2u, 255u, 256u, 257u, 700u}) {
    for (const std::size_t h : {1u, 31u, 96u, 2048u, 8193u}) {
      if (h > 2000 && vocab > 2) continue;
      const auto w = normal<W>(vocab * h, 3, 1 / std::sqrt(static_cast<double>(h)));
      const auto x = normal<H>(h, 4, 2);
      const auto g = normal<float>(h, 5);
      const head probe{mat_view<const W>(w.data(), vocab, h), rms_norm{g, 1e-5}, 1.5f};
      agree(lagom::unembed(B{}, x, probe),
            reference(w, rms_normed(x, g, static_cast<double>(1e-5)), vocab, 1.5), t);
    }
  }
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("the fused probe matches norm, product and softmax done apart", "[kernel][unembed]",
                        backends) {
  check_head<TestType, float, float>();
  check_head<TestType, double, double>();
  check_head<TestType, float, lagom::bf16>();
  check_head<TestType, float, lagom::f16>();
  check_head<TestType, double, lagom::bf16>();
}

TEMPLATE_LIST_TEST_CASE("padded and transposed heads, heads without a norm", "[kernel][unembed]", backends) {
  const std::size_t vocab = 300, h = 40, pitch = 47;
  const auto w = normal<float>(vocab * h, 7);
  const auto x = normal<float>(h, 8);
  std::vector<float> padded(vocab * pitch, 1e30f), across(vocab * h);
  for (std::size_t v = 0; v < vocab; ++v) {
    for (std::size_t j = 0; j < h; ++j) padded[v * pitch + j] = across[j * vocab + v] = w[v * h + j];
  }
  const auto exact = reference(w, std::vector<double>(x.begin(), x.end()), vocab, 1);
  agree(lagom::unembed(TestType{}, x, head{mat_view(w.data(), vocab, h)}), exact, 1e-5);
  agree(lagom::unembed(TestType{}, x, head{mat_view(padded.data(), vocab, h, 47)}), exact, 1e-5);
  agree(lagom::unembed(TestType{}, x, head{mat_view(across.data(), h, vocab).transposed()}), exact, 1e-5);
}

TEST_CASE("a LayerNorm before the head, with and without its bias", "[kernel][unembed]") {
  const std::size_t vocab = 50, h = 20;
  const auto w = normal<double>(vocab * h, 7), x = normal<double>(h, 8), g = normal<double>(h, 9),
             b = normal<double>(h, 10);
  double mean = 0, variance = 0;
  for (const double v : x) mean += v / static_cast<double>(h);
  for (const double v : x) variance += (v - mean) * (v - mean) / static_cast<double>(h);
  std::vector<double> normed(h);
  for (std::size_t j = 0; j < h; ++j) normed[j] = (x[j] - mean) / std::sqrt(variance + 1e-5) * g[j] + b[j];
  const mat_view<const double> rows(w.data(), vocab, h);
  agree(lagom::unembed(portable{}, x, head{rows, lagom::layer_norm<double>{g, b, 1e-5}}),
        reference(w, normed, vocab, 1), 1e-12);
  for (std::size_t j = 0; j < h; ++j) normed[j] -= b[j];
  agree(lagom::unembed(portable{}, x, head{rows, lagom::layer_norm<double>{g, {}, 1e-5}}),
        reference(w, normed, vocab, 1), 1e-12);
}

TEST_CASE("shards of a vocabulary merge to the whole head", "[kernel][unembed]") {
  const int vocab = 1000, h = 64;
  const auto w = normal<float>(static_cast<std::size_t>(vocab * h), 12);
  const auto x = normal<float>(h, 13);
  const auto whole = lagom::unembed(portable{}, x, head{mat_view(w.data(), vocab, h)});
  lagom::softmax_stats<float> merged;
  for (int first : {600, 0, 250}) {
    const int n = first == 600 ? 400 : first == 0 ? 250 : 350;
    merged.merge(lagom::unembed(portable{}, x,
                                head{mat_view(w.data() + first * h, n, h), lagom::no_norm{}, 1.0f, first}));
  }
  CHECK(merged.top == whole.top);
  CHECK(merged.runner_up == whole.runner_up);
  CHECK(merged.count == whole.count);
  CHECK(merged.entropy() == Approx(whole.entropy()).epsilon(1e-5));
}

TEST_CASE("a few rows of the head give the restricted softmax", "[kernel][unembed_rows]") {
  const std::size_t vocab = 600, h = 33;
  const auto w = normal<float>(vocab * h, 14);
  const auto x = normal<float>(h, 15);
  const auto g = normal<float>(h, 16);
  const head probe{mat_view(w.data(), vocab, h), rms_norm{g, 1e-5}};
  std::vector<token_id> all(vocab), few{5, 17, 300, 599};
  for (std::size_t v = 0; v < vocab; ++v) all[v] = static_cast<token_id>(v);
  const auto every = lagom::unembed(portable{}, x, probe),
             listed = lagom::unembed_rows(portable{}, x, probe, all);
  CHECK(listed.top == every.top);
  CHECK(listed.sum == every.sum);
  const auto some = lagom::unembed_rows(portable{}, x, probe, few);
  CHECK(some.count == 4);
  CHECK(std::find(few.begin(), few.end(), some.top) != few.end());
  double total = 0;
  for (const token_id t : few) {
    total +=
        static_cast<double>(some.prob(lagom::unembed_rows(portable{}, x, probe, lagom::vec_view(&t, 1)).max));
  }
  CHECK(total == Approx(1).epsilon(1e-5));
  CHECK_FALSE(lagom::unembed_rows(portable{}, x, probe, {}).valid());
}

TEST_CASE("a poisoned state or row is flagged, an empty head answers nothing", "[kernel][unembed]") {
  auto w = normal<float>(100 * 8, 17);
  auto x = normal<float>(8, 18);
  const head probe{mat_view(w.data(), 100, 8)};
  CHECK(lagom::unembed(portable{}, x, probe).valid());
  w[50 * 8 + 3] = std::numeric_limits<float>::infinity();
  CHECK(lagom::unembed(portable{}, x, probe).count == 99);
  x[2] = std::numeric_limits<float>::quiet_NaN();
  CHECK(lagom::unembed(portable{}, x, probe).bad);
  CHECK(lagom::unembed(portable{}, x, head{mat_view(w.data(), 0, 8)}).top == lagom::no_token);
}

TEST_CASE("a backend that overrides one kernel is used by the others", "[kernel][backend]") {
  struct counting : portable {
    int* calls;
    float dot(vec_view<const float> a, vec_view<const float> b) const noexcept {
      ++*calls;
      return lagom::dot(portable{}, a, b);
    }
  };
  int calls = 0;
  const counting b{{}, &calls};
  const auto w = normal<float>(10 * 8, 19), x = normal<float>(8, 20);
  (void)lagom::unembed(b, x, head{mat_view(w.data(), 10, 8)});
  CHECK(calls == 10);
  (void)lagom::squared_norm(b, x);
  CHECK(calls == 11);
}
