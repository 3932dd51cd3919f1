// SPDX-License-Identifier: MIT
#include <lagom/kernel/unembed_batch.hpp>

#include "support/approx.hpp"
#include "support/backends.hpp"
#include "support/catch.hpp"

using namespace lagom_test;
using lagom::batch_space;
using lagom::head;
using lagom::mat_view;
using lagom::portable;
using lagom::softmax_stats;
using lagom::vec_view;

namespace {

template <class B, class H, class Head, class Run = lagom::seq>
auto probe(const std::vector<H>& x, lagom::index_t batch, const Head& to, const Run& run = {}) {
  using Acc = lagom::accumulator_t<H>;
  const lagom::index_t width = to.rows.cols();
  std::vector<Acc> states(batch_space<Acc>::states_for(batch, width));
  std::vector<softmax_stats<Acc>> parts(batch_space<Acc>::parts_for(batch, to.rows.rows())),
      out(static_cast<std::size_t>(batch));
  lagom::unembed_batch(B{}, mat_view<const H>(x.data(), batch, width), to, batch_space<Acc>{states, parts},
                       vec_view<softmax_stats<Acc>>(out), run);
  return out;
}

template <class B, class H, class Head>
void compare(const std::vector<H>& x, lagom::index_t batch, const Head& to, double loose) {
  const auto all = probe<B>(x, batch, to);
  for (lagom::index_t s = 0; s < batch; ++s) {
    const auto one =
        lagom::unembed(portable{}, vec_view<const H>(x.data() + s * to.rows.cols(), to.rows.cols()), to);
    const auto& a = all[static_cast<std::size_t>(s)];
    REQUIRE(a.count == one.count);
    if (loose == 1) REQUIRE(a.top == one.top);
    REQUIRE(near(static_cast<double>(a.max), static_cast<double>(one.max), 2e-5 * loose,
                 std::abs(static_cast<double>(one.max))));
    REQUIRE(near(static_cast<double>(a.log_sum()), static_cast<double>(one.log_sum()), 4e-5 * loose));
    REQUIRE(near(static_cast<double>(a.entropy()), static_cast<double>(one.entropy()), 2e-4 * loose));
  }
}

template <class B, class H, class W>
void check(lagom::index_t batch, lagom::index_t vocab, lagom::index_t h) {
  const auto w = normal<W>(static_cast<std::size_t>(vocab * h), 3, 1 / std::sqrt(static_cast<double>(h)));
  const auto x = normal<H>(static_cast<std::size_t>(batch * h), 4, 2);
  const auto g = normal<float>(static_cast<std::size_t>(h), 5);
  // Native batches of bf16 states round the normed state to bf16: exact without a norm.
  constexpr bool rounds = std::is_same_v<B, lagom::native> && std::is_same_v<H, lagom::bf16>;
  const mat_view<const W> rows(w.data(), vocab, h);
  compare<B>(x, batch, head{rows, lagom::rms_norm{g, 1e-5}, 1.5f, 7}, rounds ? 1000 : 1);
  compare<B>(x, batch, head{rows, lagom::no_norm{}, 1.5f, 7}, 1);
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("a batch of states gives what each gives alone", "[kernel][unembed_batch]",
                        backends) {
  for (const lagom::index_t batch : {1, 2, 3, 4, 5, 8, 33}) {
    check<TestType, float, float>(batch, 131, 40);
    check<TestType, float, lagom::bf16>(batch, 131, 70);
    check<TestType, lagom::bf16, lagom::bf16>(batch, 130, 64);
    check<TestType, float, lagom::f16>(batch, 133, 33);
    check<TestType, double, double>(batch, 60, 20);
  }
  for (const lagom::index_t h : {1, 7, 16, 31, 32, 33, 127, 300})
    check<TestType, float, lagom::bf16>(6, 9, h);
  check<TestType, float, float>(3, 2500, 17);
}

namespace {

bool same(const softmax_stats<>& a, const softmax_stats<>& b) {
  return a.sum == b.sum && a.weighted == b.weighted && a.max == b.max && a.top == b.top &&
         a.second == b.second;
}

template <class B, class T>
void alone_and_in_batches(lagom::index_t vocab, lagom::index_t h) {
  const lagom::index_t most = 41;
  const auto w = normal<T>(static_cast<std::size_t>(vocab * h), 3, 0.2);
  const auto x = normal<T>(static_cast<std::size_t>(most * h), 4);
  const head to{mat_view<const T>(w.data(), vocab, h)};
  const auto all = probe<B>(x, most, to);
  for (const lagom::index_t batch : {1, 2, 4, 7, 8, 9, 16, 17, 25, 32, 33, 40}) {
    const auto some = probe<B>(x, batch, to);
    for (std::size_t s = 0; s < some.size(); ++s) REQUIRE(same(some[s], all[s]));
  }
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("a state has the same bits in a batch of any size", "[kernel][unembed_batch]",
                        backends) {
  for (const lagom::index_t h : {3, 40, 1030}) {
    alone_and_in_batches<TestType, float>(131, h);
    alone_and_in_batches<TestType, lagom::bf16>(131, h);
    alone_and_in_batches<TestType, lagom::f16>(131, h);
  }
}

TEST_CASE("a batch has the same bits for every executor, and states do not see each other",
          "[kernel][unembed_batch][executor]") {
  const lagom::index_t vocab = 2500, h = 24, batch = 9;
  const auto w = normal<lagom::bf16>(static_cast<std::size_t>(vocab * h), 3, 0.2);
  auto x = normal<float>(static_cast<std::size_t>(batch * h), 4);
  const head to{mat_view<const lagom::bf16>(w.data(), vocab, h)};
  const auto backwards = [](lagom::index_t n, auto task) {
    for (lagom::index_t i = n; i-- > 0;) task(i);
  };
  const auto a = probe<lagom::native>(x, batch, to), b = probe<lagom::native>(x, batch, to, backwards);
  const auto c = probe<portable>(x, batch, to), d = probe<portable>(x, batch, to, backwards);
  for (std::size_t s = 0; s < 9; ++s) {
    REQUIRE(same(a[s], b[s]));
    REQUIRE(same(c[s], d[s]));
  }
  const std::uint32_t nan = 0x7fc00000u;
  __builtin_memcpy(&x[30], &nan, sizeof nan);  // of the second state
  const auto poisoned = probe<lagom::native>(x, batch, to);
  for (std::size_t s = 0; s < 9; ++s) {
    REQUIRE(poisoned[s].bad == (s == 1));
    if (s != 1) REQUIRE(same(poisoned[s], a[s]));
  }
  CHECK(probe<portable>(x, batch, head{mat_view(w.data(), 0, h)})[0].top == lagom::no_token);
  CHECK(probe<lagom::native>(x, 0, to).empty());
}
