// SPDX-License-Identifier: MIT
// The bodies of the device kernels, run on the host.
#include <lagom/adapt/cuda/decide.hpp>
#include <lagom/adapt/cuda/unembed_dot.hpp>
#include <lagom/kernel/unembed.hpp>
#include <lagom/lagom.hpp>

#include "support/approx.hpp"
#include "support/catch.hpp"
#include "support/host_block.hpp"

using namespace lagom;
using lagom_test::emulate;
using lagom_test::host_grid;
using lagom_test::near;
using lagom_test::normal;

namespace {

template <class T>
T from_bits(std::uint32_t bits) {
  return lagom::detail::bit_cast<T>(bits);
}
const std::uint32_t nan_bits = 0x7fc00000u, infinity_bits = 0x7f800000u, minus_infinity_bits = 0xff800000u;

// Statistics of rows of logits, by the two kernels.
template <class Z>
std::vector<softmax_stats<accumulator_t<Z>>> stats_of_rows(mat_view<const Z> logits, token_id first_token,
                                                           host_grid::order order) {
  using stats = softmax_stats<accumulator_t<Z>>;
  const int n = detail::parts_of(logits.cols(), detail::row_stats_tuning::tile);
  const int rows = static_cast<int>(logits.rows());
  std::vector<stats> parts(static_cast<std::size_t>(rows * n)), out(static_cast<std::size_t>(rows));
  CHECK(emulate(detail::row_stats_task<Z>{logits, first_token, parts.data()}, n, rows, order) == 0);
  CHECK(emulate(detail::merge_parts_task<accumulator_t<Z>>{parts.data(), n, out.data()}, rows, 1, order) ==
        0);
  return out;
}

template <class A, class B>
void agree(const softmax_stats<A>& s, const softmax_stats<B>& exact, double t) {
  REQUIRE(s.bad == exact.bad);
  REQUIRE(s.count == exact.count);
  REQUIRE(s.top == exact.top);
  if (exact.count == 0) return;
  REQUIRE(near(static_cast<double>(s.max), static_cast<double>(exact.max), t,
               std::abs(static_cast<double>(exact.max))));
  REQUIRE(near(static_cast<double>(s.log_sum()), static_cast<double>(exact.log_sum()), 4 * t));
  REQUIRE(near(static_cast<double>(s.gap()), static_cast<double>(exact.gap()), 8 * t));
  REQUIRE(near(static_cast<double>(s.entropy()), static_cast<double>(exact.entropy()), 16 * t));
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].top != b[i].top || a[i].runner_up != b[i].runner_up || a[i].count != b[i].count ||
        std::memcmp(&a[i].max, &b[i].max, 4 * sizeof a[i].max) != 0) {
      return false;
    }
  }
  return true;
}

}  // namespace

namespace {

// Every thread reads what its neighbour wrote: a race without the barrier.
template <bool Barrier>
struct neighbours_task {
  static constexpr int threads = 64;
  int* out = nullptr;
  static constexpr int shared() noexcept { return detail::shared_bytes(threads, threads * int(sizeof(int))); }
  template <class Block>
  void operator()(Block& block) const {
    auto memory = block.template array<int>(threads);
    block.each([&](int thread) { memory.store(thread, thread, thread); });
    if (Barrier) block.barrier();
    block.each([&](int thread) { out[thread] = memory.load(thread, (thread + 1) % threads); });
  }
};

}  // namespace

TEST_CASE("the emulator sees a missing barrier", "[adapt][cuda]") {
  std::vector<int> out(64);
  CHECK(emulate(neighbours_task<true>{out.data()}, 1) == 0);
  CHECK(out[63] == 0);
  CHECK(emulate(neighbours_task<false>{out.data()}, 1) == 64);
}

TEMPLATE_TEST_CASE("one logit after another in a register is what push does", "[adapt][cuda]", float,
                   double) {
  for (const int kind : {0, 1, 2}) {
    auto z = normal<TestType>(400, 30 + static_cast<std::uint64_t>(kind), 4);
    for (std::size_t i = 0; i < z.size(); ++i) {
      if (kind == 1) z[i] = static_cast<TestType>(static_cast<int>(z[i]));  // ties
      if (kind == 2 && i % 3 == 0) z[i] = static_cast<TestType>(i % 2 == 0 ? -3.3e38 : 3.3e38);
    }
    softmax_stats<TestType> one, other;
    for (std::size_t i = 0; i < z.size(); ++i) {
      detail::push_online(one, z[i], static_cast<token_id>(i));
      other.push(z[i], static_cast<token_id>(i));
      agree(one, other, lagom_test::tolerance<TestType>);
      REQUIRE(one.runner_up == other.runner_up);
    }
  }
}

TEMPLATE_TEST_CASE("statistics of rows: sizes, places and strides", "[adapt][cuda]", float, double, bf16,
                   f16) {
  const double t = lagom_test::tolerance<TestType>;
  for (const int n : {0, 1, 2, 7, 8, 255, 256, 2047, 2048, 2049, 8192, 8193, 20001}) {
    for (const int place : {0, 1, 8}) {
      const auto memory = normal<TestType>(static_cast<std::size_t>(3 * (n + 5) + place), 2, 3);
      const mat_view<const TestType> rows(memory.data() + place, 3, n, n + 5);
      const auto got = stats_of_rows(rows, 10, host_grid::order::shuffled);
      for (int r = 0; r < 3; ++r) {
        agree(got[static_cast<std::size_t>(r)], softmax_stats_of(portable{}, rows.row(r), 10), t);
      }
    }
  }
  const auto memory = normal<TestType>(3 * 700, 3, 3);
  const mat_view<const TestType> across(memory.data(), 3, 700, 1, 3);
  const auto got = stats_of_rows(across, 0, host_grid::order::shuffled);
  for (int r = 0; r < 3; ++r) {
    agree(got[static_cast<std::size_t>(r)], softmax_stats_of(portable{}, across.row(r)), t);
  }
}

TEST_CASE("statistics of rows: NaN, infinities, masks and ties", "[adapt][cuda]") {
  for (const int n : {1, 9, 300, 9000}) {
    for (const int kind : {0, 1, 2, 3, 4, 5}) {
      auto z = normal<float>(static_cast<std::size_t>(n), 4, 3);
      const auto at = static_cast<std::size_t>(n / 2);
      if (kind == 0) z[at] = from_bits<float>(nan_bits);
      if (kind == 1) z[at] = from_bits<float>(infinity_bits);
      if (kind == 2) z[at] = from_bits<float>(minus_infinity_bits);
      if (kind == 3) std::fill(z.begin(), z.end(), -3.40282347e38f);
      if (kind == 4) std::fill(z.begin(), z.end(), 2.5f);
      if (kind == 5) std::fill(z.begin(), z.end(), from_bits<float>(nan_bits));
      const mat_view<const float> row(z.data(), 1, n);
      agree(stats_of_rows(row, 0, host_grid::order::shuffled)[0], softmax_stats_of(portable{}, z), 2e-6);
    }
  }
}

TEST_CASE("the bits do not depend on which thread or block comes first", "[adapt][cuda]") {
  const auto z = normal<float>(4 * 20001, 5, 3);
  const mat_view<const float> rows(z.data(), 4, 20001);
  const auto up = stats_of_rows(rows, 0, host_grid::order::ascending);
  CHECK(same_bits(up, stats_of_rows(rows, 0, host_grid::order::descending)));
  CHECK(same_bits(up, stats_of_rows(rows, 0, host_grid::order::shuffled)));
}

namespace {

// The probe of a batch, as launch.cuh chains its kernels.
template <int States, class H, class W, class Norm>
std::vector<softmax_stats<accumulator_t<H>>> probe_by_dot(mat_view<const H> hidden, const head<W, Norm>& to,
                                                          live_rows live) {
  using Acc = accumulator_t<H>;
  const auto capacity = static_cast<std::size_t>(live.capacity);
  const int n = detail::parts_of(to.rows.rows(), detail::unembed_dot_tuning::tile);
  const auto pitch = static_cast<std::size_t>(detail::padded_width(to.rows.cols()));
  std::vector<detail::pack<Acc>> states(capacity * pitch * sizeof(Acc) / 16 + 1);
  auto* const x = reinterpret_cast<Acc*>(states.data());
  std::vector<softmax_stats<Acc>> parts(capacity * static_cast<std::size_t>(n)), out(capacity);
  CHECK(emulate(detail::norm_states_task<H, Norm>{hidden, to.norm, live, x}, live.capacity) == 0);
  const int groups = (live.capacity + States - 1) / States;
  const auto scale = static_cast<Acc>(to.scale);
  if (detail::packable(to.rows)) {
    CHECK(emulate(detail::unembed_dot_task<Acc, W, States, true>{to.rows, scale, to.first_token, live, x,
                                                                 parts.data()},
                  groups, n) == 0);
  } else {
    CHECK(emulate(detail::unembed_dot_task<Acc, W, States, false>{to.rows, scale, to.first_token, live, x,
                                                                  parts.data()},
                  groups, n) == 0);
  }
  CHECK(emulate(detail::merge_parts_task<Acc>{parts.data(), n, out.data()}, live.capacity) == 0);
  return out;
}

template <int Tiles, class H, class W, class Norm>
std::vector<softmax_stats<float>> probe_by_mma(mat_view<const H> hidden, const head<W, Norm>& to,
                                               live_rows live) {
  const auto capacity = static_cast<std::size_t>(live.capacity);
  const int n = detail::parts_of(to.rows.rows(), detail::unembed_mma_tuning::tile);
  std::vector<softmax_stats<float>> parts(capacity * static_cast<std::size_t>(n)), out(capacity);
  for (int first = 0; first < live.capacity; first += 8 * Tiles) {
    const int tiles = (std::min(live.capacity - first, 8 * Tiles) + 7) / 8;
    std::vector<detail::pack<W>> packs(
        static_cast<std::size_t>(detail::split_width(to.rows.cols()) / 8 * tiles * 16));
    std::memset(static_cast<void*>(packs.data()), 0xff, packs.size() * 16);  // what memory was before
    std::vector<float> unscale(static_cast<std::size_t>(8 * Tiles), from_bits<float>(nan_bits));
    CHECK(emulate(detail::split_states_task<H, W, Norm>{hidden, to.norm, live, first, tiles, packs.data(),
                                                        unscale.data()},
                  tiles * 8) == 0);
    CHECK(emulate(detail::unembed_mma_task<W, Tiles>{to.rows, to.scale, to.first_token, live, first, tiles,
                                                     packs.data(), unscale.data(), parts.data()},
                  1, n) == 0);
  }
  CHECK(emulate(detail::merge_parts_task<float>{parts.data(), n, out.data()}, live.capacity) == 0);
  return out;
}

// head . norm(hidden) in double, without lagom: the logits, then their statistics.
template <class H, class W, class G>
softmax_stats<double> exact_probe(vec_view<const H> x, mat_view<const W> w, const rms_norm<G>& norm,
                                  double scale, token_id first_token) {
  double mean = 0;
  for (index_t j = 0; j < x.size(); ++j) mean += static_cast<double>(x[j]) * static_cast<double>(x[j]);
  mean /= static_cast<double>(x.size());
  std::vector<double> z;
  for (index_t v = 0; v < w.rows(); ++v) {
    double sum = 0;
    for (index_t j = 0; j < x.size(); ++j) {
      sum += static_cast<double>(w(v, j)) * static_cast<double>(x[j]) / std::sqrt(mean + norm.epsilon) *
             static_cast<double>(norm.weight[j]);
    }
    z.push_back(sum * scale);
  }
  return softmax_stats_of(portable{}, z, first_token);
}

}  // namespace

TEMPLATE_TEST_CASE("the probe by multiply-adds, any number of states", "[adapt][cuda]", float, double, bf16,
                   f16) {
  const double t = sizeof(TestType) == 8 ? 1e-12 : 1e-5;
  using H = std::conditional_t<sizeof(TestType) == 8, double, float>;
  for (const int vocab : {1, 8, 63, 64, 65, 200}) {
    for (const int dim : {1, 7, 8, 31, 96, 256, 300}) {
      const auto n = static_cast<std::size_t>(vocab * dim);
      const auto w = normal<TestType>(n, 6, 1 / std::sqrt(static_cast<double>(dim)));
      const auto x = normal<H>(static_cast<std::size_t>(9 * dim), 7, 2);
      const auto g = normal<float>(static_cast<std::size_t>(dim), 8);
      const head to{mat_view(w.data(), vocab, dim), rms_norm{g, 1e-5}, 1.5f, 100};
      const auto check = [&](const auto& got, int states) {
        for (int s = 0; s < states; ++s) {
          agree(got[static_cast<std::size_t>(s)],
                exact_probe(vec_view<const H>(x.data() + s * dim, dim), to.rows, to.norm, 1.5, 100), t);
        }
      };
      const mat_view<const H> hidden(x.data(), 9, dim);
      check(probe_by_dot<1>(hidden, to, {.capacity = 1}), 1);
      check(probe_by_dot<2>(hidden, to, {.capacity = 2}), 2);
      check(probe_by_dot<4>(hidden, to, {.capacity = 3}), 3);
      if (vocab > 60) check(probe_by_dot<8>(hidden, to, {.capacity = 9}), 9);
    }
  }
}

TEMPLATE_TEST_CASE("the probe by tensor cores, 1 to 70 states", "[adapt][cuda]", bf16, f16) {
  struct size {
    int vocab, dim, states;
  };
  for (const size& of :
       {size{1, 8, 1}, size{127, 16, 5}, size{128, 56, 8}, size{129, 64, 9}, size{300, 72, 17},
        size{260, 200, 32}, size{140, 96, 33}, size{130, 1096, 8}, size{20, 72, 64}, size{131, 40, 70}}) {
    const int vocab = of.vocab, dim = of.dim, states = of.states;
    const auto w =
        normal<TestType>(static_cast<std::size_t>(vocab * dim), 9, 1 / std::sqrt(static_cast<double>(dim)));
    const auto x = normal<bf16>(static_cast<std::size_t>(states * dim), 10, 2);
    const auto g = normal<float>(static_cast<std::size_t>(dim), 11);
    const head to{mat_view(w.data(), vocab, dim), rms_norm{g, 1e-5}, 0.5f, 7};
    const mat_view<const bf16> hidden(x.data(), states, dim);
    const auto check = [&](const auto& got) {
      for (int s = 0; s < states; ++s) {
        agree(got[static_cast<std::size_t>(s)], exact_probe(hidden.row(s), to.rows, to.norm, 0.5, 7),
              std::same_as<TestType, bf16> ? 2e-5 : 5e-6);
      }
    };
    if (states <= 8) check(probe_by_mma<1>(hidden, to, {.capacity = states}));
    if (states <= 32) check(probe_by_mma<4>(hidden, to, {.capacity = states}));
    check(probe_by_mma<8>(hidden, to, {.capacity = states}));
    if (states <= 17) check(probe_by_mma<2>(hidden, to, {.capacity = states}));
  }
}

TEMPLATE_TEST_CASE("padded, misaligned and transposed heads; empty ones; other norms", "[adapt][cuda]", float,
                   bf16, f16) {
  const int vocab = 140, dim = 40, states = 6, pitch = 47;
  const auto w = normal<TestType>(static_cast<std::size_t>(vocab * dim), 12, 0.2);
  const auto x = normal<float>(static_cast<std::size_t>(states * dim), 13, 2);
  const auto g = normal<float>(static_cast<std::size_t>(dim), 14), b = normal<float>(40, 15);
  std::vector<TestType> padded(static_cast<std::size_t>(vocab * pitch + 1), TestType(1e4f)), across(w.size()),
      wide(static_cast<std::size_t>(vocab * 48), TestType(1e4f));
  for (int v = 0; v < vocab; ++v) {
    for (int j = 0; j < dim; ++j) {
      const TestType value = w[static_cast<std::size_t>(v * dim + j)];
      padded[static_cast<std::size_t>(v * pitch + j + 1)] = value;
      wide[static_cast<std::size_t>(v * 48 + j)] = value;
      across[static_cast<std::size_t>(j * vocab + v)] = value;
    }
  }
  const mat_view<const float> hidden(x.data(), states, dim);
  const auto both = [&](const auto& to) {
    const auto check = [&](const auto& got) {
      for (int s = 0; s < states; ++s)
        agree(got[static_cast<std::size_t>(s)], unembed(portable{}, hidden.row(s), to), 2e-5);
    };
    check(probe_by_dot<8>(hidden, to, {.capacity = states}));
    if constexpr (sizeof(TestType) == 2) {
      if (detail::packable(to.rows)) check(probe_by_mma<1>(hidden, to, {.capacity = states}));
    }
  };
  both(head{mat_view<const TestType>(padded.data() + 1, vocab, dim, pitch), rms_norm{g, 1e-5}});
  both(head{mat_view<const TestType>(wide.data(), vocab, dim, 48), rms_norm{g, 1e-5}});
  both(head{mat_view<const TestType>(across.data(), dim, vocab).transposed(), rms_norm{g, 1e-5, true}});
  both(head{mat_view<const TestType>(w.data(), vocab, dim)});
  both(head{mat_view<const TestType>(w.data(), vocab, dim), layer_norm<float>{g, b, 1e-5}});
  both(head{mat_view<const TestType>(w.data(), vocab, dim), layer_norm<float>{g, {}, 1e-5}});
  both(head{mat_view<const TestType>(w.data(), 0, dim), rms_norm{g, 1e-5}});
}

TEMPLATE_TEST_CASE("a head and states with NaN and infinity: the flags of the portable probe",
                   "[adapt][cuda]", float, bf16, f16) {
  const int vocab = 150, dim = 48;
  for (const std::uint32_t bits : {nan_bits, infinity_bits, minus_infinity_bits}) {
    for (const bool in_head : {true, false}) {
      auto w = normal<TestType>(static_cast<std::size_t>(vocab * dim), 16, 0.2);
      auto x = normal<float>(static_cast<std::size_t>(5 * dim), 17, 2);
      if (in_head) {
        w[static_cast<std::size_t>(77 * dim + 5)] = TestType(from_bits<float>(bits));
      } else {
        x[static_cast<std::size_t>(2 * dim + 5)] = from_bits<float>(bits);
      }
      const mat_view<const float> hidden(x.data(), 5, dim);
      const head to{mat_view<const TestType>(w.data(), vocab, dim)};
      const auto dots = probe_by_dot<8>(hidden, to, {.capacity = 5});
      for (int s = 0; s < 5; ++s)
        agree(dots[static_cast<std::size_t>(s)], unembed(portable{}, hidden.row(s), to), 2e-5);
      if constexpr (sizeof(TestType) == 2) {
        const auto products = probe_by_mma<1>(hidden, to, {.capacity = 5});
        for (int s = 0; s < 5; ++s) {
          const auto exact = unembed(portable{}, hidden.row(s), to);
          const bool bad = products[static_cast<std::size_t>(s)].bad;
          REQUIRE((bad == exact.bad || (bad && in_head)));  // infinity - infinity of the two parts
          if (!bad) agree(products[static_cast<std::size_t>(s)], exact, 2e-5);
        }
      }
    }
  }
}

TEST_CASE("f16 states of any size are brought into its range", "[adapt][cuda]") {
  const int vocab = 130, dim = 64;
  const auto w = normal<f16>(static_cast<std::size_t>(vocab * dim), 18, 0.1);
  for (const float size : {1e-30f, 1e-6f, 1.0f, 3e4f, 1e30f}) {
    auto x = normal<float>(static_cast<std::size_t>(5 * dim), 19);
    for (float& v : x) v *= size;
    const mat_view<const float> hidden(x.data(), 5, dim);
    const head to{mat_view<const f16>(w.data(), vocab, dim), no_norm{}, 1 / size};
    const auto got = probe_by_mma<1>(hidden, to, {.capacity = 5});
    for (int s = 0; s < 5; ++s)
      agree(got[static_cast<std::size_t>(s)], unembed(portable{}, hidden.row(s), to), 5e-6);
  }
}

TEST_CASE("only the live rows are probed, however many the host thinks there are", "[adapt][cuda]") {
  const int vocab = 140, dim = 40;
  const auto w = normal<bf16>(static_cast<std::size_t>(vocab * dim), 20, 0.2);
  auto x = normal<float>(static_cast<std::size_t>(20 * dim), 21);
  const std::vector<int> rows{1, 4, 5, 11, 12, 13, 14, 17, 19};
  for (int s = 0; s < 20; ++s) {  // the others hold what a stopped sequence left
    if (std::find(rows.begin(), rows.end(), s) == rows.end())
      std::fill_n(x.begin() + s * dim, dim, from_bits<float>(nan_bits));
  }
  const mat_view<const float> hidden(x.data(), 20, dim);
  const head to{mat_view<const bf16>(w.data(), vocab, dim)};
  for (const int count : {0, 1, 8, 9}) {
    const live_rows live{rows.data(), &count, 20};
    const auto dots = probe_by_dot<8>(hidden, to, live);
    const auto products = probe_by_mma<4>(hidden, to, live);
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      const auto exact = unembed(portable{}, hidden.row(rows[i]), to);
      agree(dots[i], exact, 2e-5);
      agree(products[i], exact, 2e-5);
    }
  }
}

TEMPLATE_TEST_CASE("cosines of rows", "[adapt][cuda]", float, double, bf16, f16) {
  for (const int dim : {0, 1, 7, 8, 9, 300, 2048, 2051}) {
    for (const int place : {0, 1, 8}) {
      auto x = normal<TestType>(static_cast<std::size_t>(3 * dim + place), 22);
      const auto y = normal<TestType>(static_cast<std::size_t>(3 * dim + place), 23);
      std::fill_n(x.begin() + place, dim, TestType(0.0f));  // no direction
      const mat_view<const TestType> xs(x.data() + place, 3, dim), ys(y.data() + place, 3, dim);
      std::vector<cosine_stats<accumulator_t<TestType>>> out(3);
      CHECK(emulate(detail::cosine_rows_task<TestType, TestType>{xs, ys, out.data()}, 3) == 0);
      for (int r = 0; r < 3; ++r) {
        const auto exact = cosine(portable{}, xs.row(r), ys.row(r));
        CHECK(near(static_cast<double>(out[static_cast<std::size_t>(r)].value()),
                   static_cast<double>(exact.value()), 2e-6));
      }
    }
  }
}

namespace {

struct decided {
  std::vector<int> rows, stopped;
};

// A whole pass of a batch, as exit_batch.cuh launches it, beside one run a sequence on the host.
template <class Policy>
void check_policy(const Policy& policy, int sequences, int n_layers) {
  using state_type = exit_state<Policy>;
  const int vocab = 70, dim = 24;
  const auto w = normal<float>(static_cast<std::size_t>(vocab * dim), 24, 0.4);
  const head to{mat_view(w.data(), vocab, dim)};
  const auto n = static_cast<std::size_t>(sequences);
  std::vector<state_type> states(n);
  std::vector<int> rows(n, -1), stopped(n, -1), stops(n, -1);
  int count = -1, stopped_count = -1, arrived = -1;
  const exit_lists lists{rows.data(), &count, stopped.data(), &stopped_count, stops.data(), &arrived};
  const detail::begin_task<Policy, float> begin{policy.state(n_layers), sequences, states.data(), lists};
  CHECK(emulate(begin, (sequences + begin.threads - 1) / begin.threads) == 0);
  CHECK(count == sequences);

  std::vector<state_type> alone(n, policy.state(n_layers));
  std::vector<float> before(n * static_cast<std::size_t>(dim));
  for (int layer = 0; layer < n_layers; ++layer) {
    auto x = normal<float>(n * static_cast<std::size_t>(dim), 100 + static_cast<std::uint64_t>(layer));
    for (std::size_t i = 0; i < x.size(); ++i)  // the later, the surer and the steadier
      x[i] = before[i] + x[i] * (layer == 0 ? 1.0f : 0.5f);
    if (layer == 1) x[static_cast<std::size_t>(dim) * (n / 2)] = from_bits<float>(nan_bits);
    const mat_view<const float> hidden(x.data(), sequences, dim), prev(before.data(), sequences, dim);
    std::vector<int> live_before(rows.begin(), rows.begin() + count);
    std::vector<int> expected_live, expected_stopped;
    const bool looked = layer + 1 == n_layers || policy.schedule(layer_index(layer), n_layers);
    for (const int s : live_before) {
      basic_layer_obs<float> o;
      o.layer = layer;
      o.hidden = hidden.row(s);
      o.prev_hidden = prev.row(s);
      const bool stop = policy.observe(alone[static_cast<std::size_t>(s)], o, to);
      (stop ? expected_stopped : expected_live).push_back(s);
    }
    if (looked) {
      const bool first = layer + 1 == n_layers || Policy::reads_stats;
      std::vector<softmax_stats<float>> parts(n);
      const auto probe = [&](live_rows of) {
        const auto got = probe_by_dot<8>(hidden, to, of);
        for (int i = 0; i < of.size(); ++i)
          parts[static_cast<std::size_t>(i)] = got[static_cast<std::size_t>(i)];
      };
      if (first) probe({rows.data(), &count, sequences});
      const detail::decide_task<Policy, float> decide{policy,
                                                      {.layer = layer, .hidden = hidden, .prev_hidden = prev},
                                                      states.data(),
                                                      first ? parts.data() : nullptr,
                                                      1,
                                                      lists};
      CHECK(emulate(decide, sequences) == 0);
      CHECK(arrived == 0);
      CHECK(std::vector<int>(stopped.begin(), stopped.begin() + stopped_count) == expected_stopped);
      if (!first) {
        probe({stopped.data(), &stopped_count, sequences});
        CHECK(emulate(detail::answer_task<Policy, float>{states.data(), parts.data(), 1, lists}, sequences) ==
              0);
      }
    }
    REQUIRE(std::vector<int>(rows.begin(), rows.begin() + count) == expected_live);
    before = x;
  }
  CHECK(count == 0);
  bool early = false, late = false;
  for (std::size_t s = 0; s < n; ++s) {
    REQUIRE(states[s].stopped);
    REQUIRE(states[s].stop == alone[s].stop);
    REQUIRE(states[s].probes == alone[s].probes);
    REQUIRE(near(static_cast<double>(states[s].score), static_cast<double>(alone[s].score), 1e-4, 10));
    agree(states[s].stats, alone[s].stats, 1e-5);
    early = early || states[s].stop.value + 1 < n_layers;
    late = late || states[s].stop.value + 1 == n_layers;
  }
  CHECK(early);  // or the test would show nothing
  CHECK(late);
}

}  // namespace

TEST_CASE("a batch decides as its sequences do alone, and is compacted in order", "[adapt][cuda]") {
  const exit_policy svm{features<gap, top_prob>{}, linear_svm<2>{{3.0f, 1.0f}, -1.3f}, not_before<>{1}};
  const exit_policy chain{
      features<gap, entropy, agreement>{},
      crf<3>{{{0, 0, 0}, {2.0f, -0.3f, 1.0f}}, {0, 0}, {{1.0f, -1.0f}, {-1.0f, 1.0f}}, 0.5f}};
  const exit_policy steady{features<hidden_cosine>{}, threshold<>{0.9f}, every_nth<>{2}};
  const exit_policy mixed{features<hidden_cosine, top_prob>{},
                          all_of{on_features{0, threshold<>{0.7f}}, on_features{1, threshold<>{0.12f}}}};
  check_policy(svm, 40, 8);
  check_policy(chain, 23, 8);
  check_policy(steady, 17, 9);
  check_policy(mixed, 300, 6);
}
