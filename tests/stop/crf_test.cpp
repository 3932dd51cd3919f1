// SPDX-License-Identifier: MIT
// The likelihood of chains in lanes: against enumeration of all paths, and against sums over logarithms.
#include <lagom/stop/fit_crf.hpp>
#include <thread>

#include "support/approx.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

using namespace lagom_test;

namespace {

// Sequences of these lengths, labels that stay for a while, features that tell them roughly.
template <std::size_t N>
struct chains {
  std::vector<float> x;
  std::vector<signed char> labels;
  std::vector<lagom::index_t> bounds{0};

  explicit chains(const std::vector<int>& lengths, double size = 1) {
    for (const int n : lengths) bounds.push_back(bounds.back() + n);
    const auto rows = static_cast<std::size_t>(bounds.back());
    const auto z = normal<double>(rows * (N + 1), 8);
    x.resize(N * rows);
    int label = 0;
    for (std::size_t i = 0; i < rows; ++i) {
      if (z[N * rows + i] > 1) label = 1 - label;
      labels.push_back(static_cast<signed char>(2 * label - 1));
      for (std::size_t j = 0; j < N; ++j)
        x[j * rows + i] = static_cast<float>(size * (z[j * rows + i] + 0.4 * (2 * label - 1)));
    }
  }
  [[nodiscard]] lagom::dataset_view view() const {
    return {.features = {x.data(), N, labels.size()}, .labels = labels, .sequences = bounds};
  }
  [[nodiscard]] lagom::detail::training_rows<N> rows() const {
    lagom::detail::training_rows<N> r;
    r.data = view();
    for (float& s : r.scale.inverse_deviation) s = 1;
    return r;
  }
};

template <std::size_t N>
std::array<double, 2 * N + 6> some_parameters(double size) {
  std::array<double, 2 * N + 6> theta{};
  for (std::size_t i = 0; i < theta.size(); ++i) theta[i] = size * (static_cast<double>(i * 7 % 5) - 1.7);
  return theta;
}

template <class T, std::size_t N>
using lanes = lagom::detail::crf_lanes<N, lagom::portable, T, lagom::seq>;
constexpr lagom::seq one{};

template <class T, std::size_t N>
void agrees_with_logarithms(const chains<N>& c, double t) {
  const auto rows = c.rows();
  const lagom::detail::chain_groups<N, lagom::portable> groups(rows);
  const lanes<T, N> f{groups, 0.3, 1, one};
  lagom::detail::crf_objective<N, lagom::portable> reference(c.x.data(), rows.data, 0.3);
  const auto scale = static_cast<double>(c.labels.size());
  for (const double size : {0.0, 0.1, 1.0}) {
    const auto theta = some_parameters<N>(size);
    auto gradient = theta, expected = theta;
    double value = 0;
    REQUIRE(f(theta, gradient, value));
    const double truth = reference(theta, expected);
    CAPTURE(size, sizeof(T), N);
    REQUIRE(near(value, truth, t, truth));
    for (std::size_t i = 0; i < theta.size(); ++i) REQUIRE(near(gradient[i], expected[i], t, scale));
  }
}

}  // namespace

TEST_CASE("log Z of a chain in lanes is the sum over all paths", "[stop][crf]") {
  const chains<2> c({7});
  const auto rows = c.rows();
  const lagom::detail::chain_groups<2, lagom::portable> groups(rows);
  const auto theta = some_parameters<2>(0.4);
  auto gradient = theta;
  double value = 0;
  REQUIRE(lanes<double, 2>{groups, 0, 1, one}(theta, gradient, value));
  double z = 0, gold = 0;
  for (unsigned path = 0; path < 128; ++path) {
    double score = 0;
    bool observed = true;
    for (std::size_t t = 0; t < 7; ++t) {
      const std::size_t y = path >> t & 1;
      score += theta[4 + y];
      for (std::size_t j = 0; j < 2; ++j) score += theta[2 * y + j] * static_cast<double>(c.x[7 * j + t]);
      if (t > 0) score += theta[6 + 2 * (path >> (t - 1) & 1) + y];
      observed = observed && (c.labels[t] > 0) == (y == 1);
    }
    z += std::exp(score);
    if (observed) gold = score;
  }
  CHECK(value == Approx(std::log(z) - gold).epsilon(1e-12));
  for (std::size_t i = 0; i < theta.size(); ++i) {  // the gradient is the derivative
    auto up = theta, down = theta, ignored = theta;
    double above = 0, below = 0;
    up[i] += 1e-5;
    down[i] -= 1e-5;
    REQUIRE(lanes<double, 2>{groups, 0, 1, one}(up, ignored, above));
    REQUIRE(lanes<double, 2>{groups, 0, 1, one}(down, ignored, below));
    CHECK(gradient[i] == Approx((above - below) / 2e-5).epsilon(1e-6).margin(1e-7));
  }
}

TEST_CASE("three positions whose sums are known", "[stop][crf]") {
  // Emissions as weights of features that name the position.
  chains<3> c({3});
  for (std::size_t i = 0; i < 9; ++i) c.x[i] = i / 3 == i % 3 ? 1.0f : 0.0f;
  c.labels = {-1, 1, 1};  // the best path
  const auto rows = c.rows();
  const lagom::detail::chain_groups<3, lagom::portable> groups(rows);
  const std::array<double, 12> theta{.5, .1, -.4, -.2, .3, .9, 0, 0, .2, -.1, -.5, .4};
  auto gradient = theta;
  double value = 0;
  REQUIRE(lanes<double, 3>{groups, 0, 1, one}(theta, gradient, value));
  CHECK(value == Approx(3.151608776556 - 2.0).epsilon(1e-12));
  const std::array<double, 3> marginals{.358981322488, .638657739263, .839113676925}, observed{0, 1, 1};
  for (std::size_t t = 0; t < 3; ++t)
    CHECK(gradient[3 + t] == Approx(marginals[t] - observed[t]).epsilon(1e-11));
  const std::array<double, 4> moves{.387042841022, .615318097227, .135185742790, .862453318961},
      made{0, 1, 0, 1};
  for (std::size_t m = 0; m < 4; ++m) CHECK(gradient[8 + m] == Approx(moves[m] - made[m]).epsilon(1e-11));
}

TEST_CASE("lanes of 16, 4 and 1 sequences of any lengths agree with logarithms", "[stop][crf]") {
  std::vector<int> even(48, 12), uneven, odd{1, 700, 3};
  for (int i = 0; i < 90; ++i) uneven.push_back(i % 3 == 0 ? 0 : 1 + i * i % 11);
  for (const auto& lengths : {even, uneven, odd}) {
    agrees_with_logarithms<float>(chains<3>(lengths), 3e-6);
    agrees_with_logarithms<double>(chains<3>(lengths), 1e-10);
  }
}

TEST_CASE("no path is lost in silence: lanes refuse what they have no room for", "[stop][crf]") {
  const chains<1> c({6, 6, 6, 6, 9});
  const auto rows = c.rows();
  const lagom::detail::chain_groups<1, lagom::portable> groups(rows);
  auto theta = some_parameters<1>(0), gradient = theta;
  double value = 0;
  const lanes<float, 1> narrow{groups, 0, 1, one};
  const lanes<double, 1> wide{groups, 0, 1, one};
  theta[5] = 100;  // a move that is all but forbidden, against every other
  CHECK_FALSE(narrow(theta, gradient, value));
  REQUIRE(wide(theta, gradient, value));
  auto expected = theta;
  lagom::detail::crf_objective<1, lagom::portable> reference(c.x.data(), rows.data, 0);
  CHECK(value == Approx(reference(theta, expected)).epsilon(1e-12));
  for (std::size_t i = 0; i < theta.size(); ++i) CHECK(gradient[i] == Approx(expected[i]).margin(1e-9));
  theta[5] = 1000;
  CHECK_FALSE(wide(theta, gradient, value));
  theta[5] = 0;
  theta[1] = 1e5;  // scores beyond e^600
  CHECK_FALSE(wide(theta, gradient, value));
}

TEST_CASE("threads change no bit of a fitted chain, its order little", "[stop][crf]") {
  std::vector<int> lengths;
  for (int i = 0; i < 2000; ++i) lengths.push_back(i % 17 == 0 ? 5 : 8);
  const chains<2> c(lengths);
  const auto threads = [](lagom::index_t tasks, const auto& task) {
    std::thread other([&] {
      for (lagom::index_t i = tasks - 1; i >= 0; i -= 2) task(i);
    });
    for (lagom::index_t i = tasks - 2; i >= 0; i -= 2) task(i);
    other.join();
  };
  const auto a = must(lagom::fit<2>(lagom::crf_config{}, c.view()));
  const auto b = must(lagom::fit<2>(lagom::crf_config{}, c.view(), threads));
  CHECK(a.report.converged);
  CHECK(a.report.objective == b.report.objective);
  for (std::size_t y = 0; y < 2; ++y) {
    CHECK(a.model.rule.weights[y][0] == b.model.rule.weights[y][0]);
    CHECK(a.model.rule.transitions[y][1] == b.model.rule.transitions[y][1]);
  }
  // The minimum: the gradient over logarithms vanishes there, by the curvature that the penalty alone has.
  const auto rows = must(lagom::detail::prepare<2, lagom::portable>(c.view(), true));
  const auto x = lagom::detail::scaled_features<2, lagom::portable>(rows);
  lagom::detail::crf_objective<2, lagom::portable> f(x.data(), rows.data, 1);
  lagom::fit_report report;
  const auto theta = lagom::detail::fit_chain<2, lagom::portable>(rows, lagom::crf_config{}, one, report);
  auto gradient = theta;
  const double value = f(theta, gradient);
  double squares = 0;
  for (const double g : gradient) squares += g * g;
  CHECK(value == Approx(report.objective).epsilon(1e-11));
  CHECK(squares / 4 <= 1e-7 * value);
}

TEST_CASE("a chain that is sure beyond float, and beyond double, is fitted", "[stop][crf]") {
  for (const double size : {1.0, 300.0}) {
    chains<1> c(std::vector<int>(40, 10), size);
    for (std::size_t i = 0; i < c.labels.size(); ++i)
      c.x[i] = static_cast<float>(size * c.labels[i]);  // separable
    const auto crf = must(
        lagom::fit<1>(lagom::crf_config{.c2 = 0, .standardize = false, .max_iterations = 2000}, c.view()));
    CHECK(crf.report.objective >= 0);
    CHECK(crf.report.objective < 0.1);
  }
}
