// SPDX-License-Identifier: MIT
// Fits of linear signals of the hidden state against PyTorch and scikit-learn: tests/oracle/learned_rules.py.
#include <lagom/stop/fit_lte.hpp>
#include <lagom/stop/fit_meta.hpp>
#include <limits>

#include "support/approx.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

using namespace lagom_test;
using lagom::portable;

namespace {

struct probe_set {
  lagom::io::safetensors file = must(lagom::io::safetensors::open(golden("learned/probes.safetensors")));
  std::vector<float> states;
  std::vector<signed char> labels;
  double l2 = 0;

  probe_set() : states(elements<float>(file, "states")), l2(elements<double>(file, "l2")[0]) {
    for (const auto v : elements<std::int8_t>(file, "labels")) labels.push_back(v);
  }
  [[nodiscard]] lagom::labelled_states_view<float> view() const {
    const auto cells = labels.size();
    return {.states = {states.data(), cells, states.size() / cells}, .labels = labels, .layers = 6};
  }
  template <class Signal>
  [[nodiscard]] double output(const lagom::linear_probe<Signal>& probe, std::size_t cell) const {
    float out = -1;
    probe.signal()(lagom::layer_obs{.hidden = view().states.row(static_cast<lagom::index_t>(cell))},
                   portable{}, &out);
    return static_cast<double>(out);
  }
};

// Tasks from the last to the first: any order must give the same bits.
struct backwards {
  template <class Task>
  void operator()(lagom::index_t n, Task&& task) const {
    while (n-- > 0) task(n);
  }
};

template <class Loss>
void check_gradient(const probe_set& set) {
  const auto data = set.view();
  lagom::detail::state_cells cells;
  for (std::size_t i = 0; i < set.labels.size(); ++i)
    cells.weight.push_back(set.labels[i] == 0 ? 0.0 : 0.001 * static_cast<double>(i % 7));
  lagom::detail::scale_states<portable>(data, cells);
  const lagom::seq run;
  const lagom::detail::state_objective<portable, Loss, float, lagom::seq> f(data, cells, 0.3, run);
  std::vector<double> theta(9), gradient(9), ignored(9);
  for (std::size_t j = 0; j < 9; ++j) theta[j] = 0.2 * static_cast<double>(j) - 0.7;
  double value = 0;
  REQUIRE(f(theta, gradient, value));
  for (std::size_t j = 0; j < 9; ++j) {
    auto up = theta, down = theta;
    up[j] += 1e-5;
    down[j] -= 1e-5;
    double above = 0, below = 0;
    REQUIRE((f(up, ignored, above) && f(down, ignored, below)));
    CHECK(gradient[j] == Approx((above - below) / 2e-5).epsilon(1e-6).margin(1e-9));
  }
}

}  // namespace

TEST_CASE("gradients of the probes' losses are those of finite differences", "[stop]") {
  const probe_set set;
  check_gradient<lagom::detail::squared_sigmoid_loss>(set);
  check_gradient<lagom::detail::cross_entropy_loss>(set);
}

TEST_CASE("learning to exit finds PyTorch's minimum", "[stop]") {
  const probe_set set;
  const auto fit = must(lagom::fit(lagom::lte_config{.l2 = set.l2, .tolerance = 1e-9}, set.view()));
  CAPTURE(fit.report.iterations);
  CHECK(fit.report.converged);
  CHECK(fit.report.objective == Approx(elements<double>(set.file, "lte_objective")[0]).epsilon(1e-9));
  const auto u = elements<double>(set.file, "lte_u");
  CHECK(fit.report.rows == static_cast<lagom::index_t>(u.size()));
  std::size_t next = 0;
  for (std::size_t i = 0; i < set.labels.size(); ++i) {
    if (set.labels[i] != 0) REQUIRE(near(set.output(fit.model, i), u[next++], 1e-5));
  }
}

TEST_CASE("the meta head finds scikit-learn's minimum, balanced layer by layer", "[stop]") {
  const probe_set set;
  const auto fit = must(lagom::fit(lagom::meta_config{.l2 = set.l2, .tolerance = 1e-9}, set.view()));
  CHECK(fit.report.converged);
  CHECK(fit.report.objective == Approx(elements<double>(set.file, "meta_objective")[0]).epsilon(1e-9));
  const auto cells = elements<std::int64_t>(set.file, "meta_cells");
  const auto p = elements<double>(set.file, "meta_p");
  for (std::size_t k = 0; k < cells.size(); ++k)
    REQUIRE(near(set.output(fit.model, static_cast<std::size_t>(cells[k])), p[k], 1e-5));
}

TEST_CASE("the geometric meta head is the cross-entropy of the first right layer", "[stop]") {
  const probe_set set;
  const lagom::meta_config config{.loss = lagom::meta_loss::geometric, .l2 = set.l2, .tolerance = 1e-9};
  const auto fit = must(lagom::fit(config, set.view()));
  CHECK(fit.report.converged);
  CHECK(fit.report.objective == Approx(elements<double>(set.file, "geometric_objective")[0]).epsilon(1e-9));
  const auto p = elements<double>(set.file, "geometric_p");
  for (std::size_t i = 0; i < p.size(); ++i) REQUIRE(near(set.output(fit.model, i), p[i], 1e-5));
}

TEST_CASE("fits on states are the same bits in any order, and close from half precision", "[stop]") {
  // More cells than a block, so that there is something to order.
  std::vector<float> states = normal<float>(5000 * 5, 3);
  std::vector<signed char> labels;
  for (std::size_t i = 0; i < 5000; ++i)
    labels.push_back(states[5 * i] + 0.5f * states[5 * i + 1] > 0.3f * states[5 * i + 2] ? 1 : -1);
  const lagom::labelled_states_view<float> data{
      .states = {states.data(), 5000, 5}, .labels = labels, .layers = 5};
  const auto a = must(lagom::fit(lagom::lte_config{}, data));
  const auto b = must(lagom::fit(lagom::lte_config{}, data, backwards{}));
  CHECK(a.model.weights == b.model.weights);
  CHECK(a.model.bias == b.model.bias);
  CHECK(must(lagom::fit(lagom::meta_config{}, data)).model.weights ==
        must(lagom::fit(lagom::meta_config{}, data, backwards{})).model.weights);
  std::vector<lagom::bf16> half;
  for (const float x : states) half.push_back(lagom::bf16(x));
  const lagom::labelled_states_view<lagom::bf16> rounded{
      .states = {half.data(), 5000, 5}, .labels = labels, .layers = 5};
  const auto c = must(lagom::fit(lagom::lte_config{}, rounded));
  CHECK(c.report.objective == Approx(a.report.objective).epsilon(0.1));
}

TEST_CASE("fits on states refuse what says nothing", "[stop]") {
  probe_set set;
  const auto why = [&](const lagom::labelled_states_view<float>& data) {
    const auto a = lagom::fit(lagom::lte_config{}, data);
    const auto b = lagom::fit(lagom::meta_config{}, data);
    REQUIRE_FALSE(a);
    REQUIRE_FALSE(b);
    CHECK(a.error().code == b.error().code);
    return a.error();
  };
  CHECK(why({}).code == lagom::errc::empty);
  auto cut = set.view();
  cut.states = cut.states.slice_rows(0, 12);
  CHECK(why(cut).code == lagom::errc::wrong_shape);
  auto odd = set.view();
  odd.layers = 7;
  CHECK(why(odd).code == lagom::errc::wrong_shape);
  odd.layers = 0;
  CHECK(why(odd).code == lagom::errc::bad_value);
  CHECK(lagom::fit(lagom::lte_config{.l2 = -1}, set.view()).error().code == lagom::errc::bad_value);
  CHECK(lagom::fit(lagom::meta_config{.tolerance = 0}, set.view()).error().code == lagom::errc::bad_value);

  const auto kept = set.states;
  const std::uint32_t nan = 0x7fc00000u;
  __builtin_memcpy(&set.states[17 * 8 + 3], &nan, sizeof nan);  // cell 17 is a last layer: left out
  CHECK(lagom::fit(lagom::lte_config{}, set.view()).has_value());
  __builtin_memcpy(&set.states[16 * 8 + 3], &nan, sizeof nan);
  const auto poisoned = why(set.view());
  CHECK(poisoned.code == lagom::errc::not_finite);
  CHECK(poisoned.row == 16);

  set.states = kept;
  set.labels[3] = 2;
  CHECK(why(set.view()).code == lagom::errc::bad_value);
  for (auto& l : set.labels) l = l == 0 ? 0 : 1;
  CHECK(why(set.view()).code == lagom::errc::one_class);
  // Every first layer right: no layer before it says no.
  for (std::size_t i = 0; i < set.labels.size(); ++i) set.labels[i] = i % 6 == 0 ? 1 : -1;
  CHECK(lagom::fit(lagom::lte_config{}, set.view()).has_value());
  CHECK(lagom::fit(lagom::meta_config{}, set.view()).error().code == lagom::errc::one_class);
  CHECK(lagom::fit(lagom::meta_config{.loss = lagom::meta_loss::geometric}, set.view()).error().code ==
        lagom::errc::one_class);
}

TEST_CASE("constant and zero states leave the bias to say how often", "[stop]") {
  std::vector<float> states(40 * 3, 0.0f);
  for (std::size_t i = 0; i < 40; ++i) states[3 * i] = 7;
  std::vector<signed char> labels;
  for (int i = 0; i < 40; ++i) labels.push_back(i % 4 == 0 ? 1 : -1);
  const lagom::labelled_states_view<float> data{
      .states = {states.data(), 40, 3}, .labels = labels, .layers = 1};
  const auto lte = must(lagom::fit(lagom::lte_config{}, data));
  float u = 0;
  lte.model.signal()(lagom::layer_obs{.hidden = data.states.row(0)}, portable{}, &u);
  CHECK(u == Approx(0.75));
  const auto meta = must(lagom::fit(lagom::meta_config{}, data));
  float p = 0;
  meta.model.signal()(lagom::layer_obs{.hidden = data.states.row(0)}, portable{}, &p);
  CHECK(p == Approx(0.5));  // balanced
}

TEST_CASE("L-BFGS on functions that are known", "[stop]") {
  lagom::detail::lbfgs<portable> valley;  // Rosenbrock's, in ten unknowns
  valley.theta.assign(10, -1.0);
  const auto rosenbrock = [](const std::vector<double>& x, std::vector<double>& g, double& value) {
    value = 0;
    std::fill(g.begin(), g.end(), 0.0);
    for (std::size_t i = 0; i + 1 < x.size(); ++i) {
      const double a = x[i + 1] - x[i] * x[i], b = 1 - x[i];
      value += 100 * a * a + b * b;
      g[i] += -400 * a * x[i] - 2 * b;
      g[i + 1] += 200 * a;
    }
    return true;
  };
  CHECK(valley.descend(rosenbrock, 1e-9, 2000) == lagom::detail::lbfgs<portable>::end::minimum);
  CHECK(valley.iterations < 300);
  CHECK(valley.value < 4.0);  // one of its two minima
  lagom::detail::lbfgs<portable> bowl;
  bowl.theta.assign(200, 1.0);
  const auto quadratic = [](const std::vector<double>& x, std::vector<double>& g, double& value) {
    value = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double c = 1 + 1000 * static_cast<double>(i) / 200, d = x[i] - static_cast<double>(i % 5);
      value += c * d * d / 2;
      g[i] = c * d;
    }
    return true;
  };
  CHECK(bowl.descend(quadratic, 1e-8, 500) == lagom::detail::lbfgs<portable>::end::minimum);
  for (std::size_t i = 0; i < 200; ++i) REQUIRE(near(bowl.theta[i], static_cast<double>(i % 5), 1e-8));
  bowl.iterations = 0;
  bowl.theta.assign(200, 1.0);
  CHECK(bowl.descend(quadratic, 1e-8, 2) == lagom::detail::lbfgs<portable>::end::limit);
  const auto broken = [](const std::vector<double>&, std::vector<double>&, double&) { return false; };
  CHECK(bowl.descend(broken, 1e-8, 2) == lagom::detail::lbfgs<portable>::end::unsound);
}
