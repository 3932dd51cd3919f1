// SPDX-License-Identifier: MIT
// Newton's passes against plain sums in double, and its minima against a bound that needs no second solver.
#include <lagom/stop/fit_logistic.hpp>
#include <thread>

#include "support/approx.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

using namespace lagom_test;

namespace {

// Rows of N features, feature by feature, two overlapping classes.
template <std::size_t N>
struct rows_of {
  std::vector<float> x, weights;
  std::vector<signed char> labels;
  lagom::dataset_view view() const {
    return {.features = {x.data(), N, labels.size()}, .labels = labels, .weights = weights};
  }
};

template <std::size_t N>
rows_of<N> overlapping(std::size_t n, double scale = 1, double offset = 0) {
  const auto z = normal<double>((N + 1) * n, 3);
  rows_of<N> r{std::vector<float>(N * n), {}, std::vector<signed char>(n)};
  for (std::size_t i = 0; i < n; ++i) {
    double f = 0.4 + z[N * n + i];
    for (std::size_t j = 0; j < N; ++j) {
      f += (j % 2 == 0 ? 1.0 : -0.6) * z[j * n + i];
      r.x[j * n + i] = static_cast<float>(scale * z[j * n + i] + offset);
    }
    r.labels[i] = f > 0 ? 1 : -1;
  }
  return r;
}

struct squared_hinge {
  static double value(double m) { return m < 1 ? (1 - m) * (1 - m) : 0; }
  static double slope(double m) { return m < 1 ? -2 * (1 - m) : 0; }
};
struct log_loss {
  static double value(double m) { return m > 0 ? std::log1p(std::exp(-m)) : -m + std::log1p(std::exp(m)); }
  static double slope(double m) { return -1 / (1 + std::exp(m)); }
};

// Objective and gradient by the definition, one row after another.
template <class Loss, std::size_t N>
double plain(const rows_of<N>& r, const std::array<double, N + 1>& v, std::array<double, N + 1>& gradient,
             bool bias) {
  double value = bias ? v[N] * v[N] / 2 : 0;
  gradient = {};
  for (std::size_t j = 0; j < N; ++j) value += v[j] * v[j] / 2;
  for (std::size_t j = 0; j <= N; ++j) gradient[j] = j < N || bias ? v[j] : 0;
  const std::size_t n = r.labels.size();
  for (std::size_t i = 0; i < n; ++i) {
    double f = v[N];
    for (std::size_t j = 0; j < N; ++j) f += v[j] * static_cast<double>(r.x[j * n + i]);
    const double c = r.weights.empty() ? 1 : static_cast<double>(r.weights[i]);
    const double y = static_cast<double>(r.labels[i]);
    value += c * Loss::value(y * f);
    const double g = c * y * Loss::slope(y * f);
    for (std::size_t j = 0; j < N; ++j) gradient[j] += g * static_cast<double>(r.x[j * n + i]);
    gradient[N] += g;
  }
  return value;
}

// Steps from what was found, by gradients of the definition and their differences, find nothing lower.
template <class Loss, std::size_t N, class Config>
void reaches_minimum(const rows_of<N>& r, Config config, double relative = 1e-7) {
  config.bias = lagom::bias_term::regularised;
  config.standardize = false;
  const auto fit = must(lagom::fit<N>(config, r.view()));
  std::array<double, N + 1> v{}, gradient{}, moved{};
  for (std::size_t j = 0; j < N; ++j) v[j] = static_cast<double>(fit.model.rule.weights[j]);
  v[N] = static_cast<double>(fit.model.rule.bias);
  const double value = plain<Loss, N>(r, v, gradient, true);
  double least = value;
  for (int step = 0; step < 3; ++step) {
    lagom::detail::small_matrix<N + 1> hessian{};
    for (std::size_t a = 0; a <= N; ++a) {
      auto next = v;
      const double h = 1e-6 * (1 + std::abs(v[a]));
      next[a] += h;
      plain<Loss, N>(r, next, moved, true);
      for (std::size_t b = 0; b <= N; ++b) hessian[b][a] = (moved[b] - gradient[b]) / h;
    }
    const auto down = lagom::detail::solve<N + 1, lagom::portable>(hessian, gradient);
    for (std::size_t j = 0; j <= N; ++j) v[j] -= down[j];
    least = std::min(least, plain<Loss, N>(r, v, gradient, true));
  }
  CAPTURE(N, r.labels.size(), value, least, fit.report.objective, fit.report.iterations);
  CHECK(fit.report.converged);
  CHECK(std::abs(value - fit.report.objective) <= relative * value);
  CHECK(value - least <= relative * least);
}

template <std::size_t N, class Loss, class Reference, class T, class Margin>
void derivatives_agree(double t) {
  for (const std::size_t n : {1u, 2u, 15u, 16u, 17u, 255u, 511u, 512u, 513u, 2047u, 2049u, 20001u}) {
    auto r = overlapping<N>(n);
    r.labels[0] = 1;
    if (n > 1) r.labels[1] = -1;
    if (n % 2 == 0) {
      for (std::size_t i = 0; i < n; ++i) r.weights.push_back(0.5f + static_cast<float>(i % 3));
    }
    lagom::detail::training_rows<N> rows;
    rows.data = r.view();
    for (float& s : rows.scale.inverse_deviation) s = 1;
    std::array<double, N + 1> v{}, gradient{}, up{}, down{};
    for (std::size_t j = 0; j <= N; ++j) v[j] = 0.3 - 0.1 * static_cast<double>(j);
    const auto sums = lagom::detail::linear_sums<N, lagom::portable, Loss, T, Margin, true>(rows, {1, 1}, v,
                                                                                            1, lagom::seq{});
    double value = plain<Reference, N>(r, v, gradient, false);
    for (std::size_t j = 0; j < N; ++j) value -= v[j] * v[j] / 2, gradient[j] -= v[j];
    const auto scale = static_cast<double>(n);
    CAPTURE(N, n, sizeof(T));
    REQUIRE(near(sums.value, value, t, scale));
    for (std::size_t j = 0; j <= N; ++j) REQUIRE(near(sums.gradient[j], gradient[j], t, scale));
    if (n > 600) continue;
    for (std::size_t a = 0; a <= N; ++a) {  // the Hessian is the derivative of the gradient
      auto forth = v, back = v;
      forth[a] += 1e-6;
      back[a] -= 1e-6;
      plain<Reference, N>(r, forth, up, false);
      plain<Reference, N>(r, back, down, false);
      for (std::size_t b = 0; b <= a; ++b) {
        const double h = (up[b] - down[b]) / 2e-6 - (a == b && a < N ? 1 : 0);
        REQUIRE(near(sums.hessian[a][b], h, 1e-5, scale));
      }
    }
  }
}

template <std::size_t N>
void all_derivatives_agree() {
  using lagom::detail::logistic_loss, lagom::detail::squared_hinge_loss;
  derivatives_agree<N, squared_hinge_loss, squared_hinge, float, float>(1e-5);
  derivatives_agree<N, squared_hinge_loss, squared_hinge, double, double>(1e-12);
  derivatives_agree<N, logistic_loss, log_loss, float, double>(1e-6);
}

}  // namespace

TEST_CASE("one pass gives loss, gradient and Hessian of the definition", "[stop][newton]") {
  all_derivatives_agree<2>();  // all sums in registers, on wide targets
  all_derivatives_agree<7>();
  derivatives_agree<1, lagom::detail::logistic_loss, log_loss, double, double>(1e-12);
}

TEST_CASE("the logarithm of 1 + x is right to two units in the last place", "[stop][newton]") {
  for (int i = 0; i <= 100000; ++i) {
    const double x = i < 50000 ? i / 50000.0 : std::ldexp(1.0, -(i - 50000) / 500);
    const double truth = std::log1p(x);
    const auto f = static_cast<float>(x);
    REQUIRE(std::abs(lagom::detail::twice_atanh(x / (2 + x)) - truth) <= 5e-16 * truth);
    const double narrow = static_cast<double>(lagom::detail::twice_atanh(f / (2 + f)));
    REQUIRE(std::abs(narrow - std::log1p(static_cast<double>(f))) <= 2.5e-7 * truth);
  }
}

TEST_CASE("the minimum is reached to 1e-7, with few rows and with many", "[stop][newton]") {
  for (const std::size_t n : {10u, 1000u, 5000u, 70000u}) {
    reaches_minimum<squared_hinge>(overlapping<2>(n), lagom::linear_svm_config{});
    reaches_minimum<squared_hinge>(overlapping<7>(n), lagom::linear_svm_config{});
    reaches_minimum<log_loss>(overlapping<2>(n), lagom::logistic_config{});
    reaches_minimum<log_loss>(overlapping<7>(n), lagom::logistic_config{});
  }
}

TEST_CASE("float only helps to begin: unscaled features reach the same minimum", "[stop][newton]") {
  for (const std::size_t n : {1000u, 70000u}) {
    reaches_minimum<squared_hinge>(overlapping<2>(n, 1, 1000), lagom::linear_svm_config{}, 1e-6);
    reaches_minimum<squared_hinge>(overlapping<2>(n, 1e-3, 0), lagom::linear_svm_config{});
    reaches_minimum<log_loss>(overlapping<2>(n, 1, 1000), lagom::logistic_config{}, 1e-6);
    reaches_minimum<log_loss>(overlapping<2>(n, 1e-6, 0), lagom::logistic_config{});
    auto twins = overlapping<2>(n);  // the second feature is the first
    for (std::size_t i = 0; i < n; ++i) twins.x[n + i] = twins.x[i];
    reaches_minimum<squared_hinge>(twins, lagom::linear_svm_config{});
    reaches_minimum<log_loss>(twins, lagom::logistic_config{});
    const auto fit = [&](double scale) {
      return must(
          lagom::fit<2>(lagom::linear_svm_config{.standardize = false}, overlapping<2>(n, scale).view()));
    };
    const auto huge = fit(1e25), plain_size = fit(1e5);  // regularisation no longer counts
    CHECK(huge.report.converged);
    CHECK(huge.report.objective == Approx(plain_size.report.objective).epsilon(1e-6));
  }
}

TEST_CASE("rows in any order: sorted by class, the first share of them holds one class", "[stop][newton]") {
  auto r = overlapping<2>(70000);
  const std::size_t n = r.labels.size();
  rows_of<2> sorted{std::vector<float>(2 * n), {}, std::vector<signed char>(n)};
  std::size_t to = 0;
  for (const int label : {1, -1}) {
    for (std::size_t i = 0; i < n; ++i) {
      if (r.labels[i] != label) continue;
      for (std::size_t j = 0; j < 2; ++j) sorted.x[j * n + to] = r.x[j * n + i];
      sorted.labels[to++] = r.labels[i];
    }
  }
  reaches_minimum<squared_hinge>(sorted, lagom::linear_svm_config{});
  reaches_minimum<log_loss>(sorted, lagom::logistic_config{});
  std::fill(sorted.labels.begin(), sorted.labels.end() - 1, static_cast<signed char>(1));
  sorted.labels[n - 1] = -1;  // one row of the other class, in no share
  reaches_minimum<squared_hinge>(sorted, lagom::linear_svm_config{});
  reaches_minimum<log_loss>(sorted, lagom::logistic_config{});
}

TEST_CASE("threads and strides change no bit of a fit", "[stop][newton]") {
  const auto r = overlapping<3>(50021);
  const std::size_t n = r.labels.size();
  const auto threads = [](lagom::index_t tasks, const auto& task) {  // last task first, two threads
    std::thread other([&] {
      for (lagom::index_t i = tasks - 1; i >= 0; i -= 2) task(i);
    });
    for (lagom::index_t i = tasks - 2; i >= 0; i -= 2) task(i);
    other.join();
  };
  std::vector<float> by_row(4 * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < 3; ++j) by_row[4 * i + j] = r.x[j * n + i];
  }
  auto strided = r.view();
  strided.features = lagom::mat_view<const float>(by_row.data(), n, 3, 4).transposed();
  const auto same = [&](const auto& config) {
    const auto a = must(lagom::fit<3>(config, r.view()));
    const auto b = must(lagom::fit<3>(config, r.view(), threads));
    const auto c = must(lagom::fit<3>(config, strided));
    for (const auto* other : {&b, &c}) {
      CHECK(a.report.objective == other->report.objective);
      CHECK(a.model.rule.bias == other->model.rule.bias);
      for (std::size_t j = 0; j < 3; ++j) CHECK(a.model.rule.weights[j] == other->model.rule.weights[j]);
    }
  };
  same(lagom::linear_svm_config{});
  same(lagom::logistic_config{});
  same(lagom::linear_svm_config{.standardize = false});
}

TEST_CASE("separable rows, duplicates and steps that are not granted", "[stop][newton]") {
  rows_of<1> twice;  // two points, each fifty thousand times
  for (int i = 0; i < 100000; ++i) {
    twice.x.push_back(i % 2 == 0 ? 0.2f : 0.8f);
    twice.labels.push_back(i % 2 == 0 ? -1 : 1);
  }
  reaches_minimum<squared_hinge>(twice, lagom::linear_svm_config{});
  reaches_minimum<log_loss>(twice, lagom::logistic_config{});
  const auto none =
      must(lagom::fit<1>(lagom::logistic_config{.standardize = false, .max_iterations = 0}, twice.view()));
  CHECK_FALSE(none.report.converged);
  CHECK(none.report.iterations == 0);
  const auto two = must(lagom::fit<1>(lagom::logistic_config{.C = 1e6, .max_iterations = 2}, twice.view()));
  CHECK(two.report.iterations <= 2);
}
