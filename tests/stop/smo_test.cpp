// SPDX-License-Identifier: MIT
// The Gaussian-kernel SVM by its conditions of optimality, computed from the model alone.
#include <lagom/stop/fit_rbf_svm.hpp>

#include "support/approx.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

using namespace lagom_test;

namespace {

struct labelled {
  std::vector<float> x, weights;
  std::vector<signed char> labels;
  [[nodiscard]] lagom::dataset_view view() const {
    return {.features = {x.data(), 2, labels.size()}, .labels = labels, .weights = weights};
  }
};

labelled overlapping(std::size_t n) {
  const auto z = normal<float>(3 * n, 21);
  labelled d{{z.begin(), z.begin() + static_cast<std::ptrdiff_t>(2 * n)}, {}, {}};
  for (std::size_t i = 0; i < n; ++i)
    d.labels.push_back(i == 0 || (i != 1 && z[i] * z[i] + 0.5f * z[2 * n + i] > z[n + i]) ? 1 : -1);
  return d;
}

void is_optimal(const labelled& d, lagom::rbf_svm_config config) {
  config.standardize = false;
  config.gamma = 0.7;
  const auto fit = must(lagom::fit<2>(config, d.view()));
  const auto& rule = fit.model.rule;
  const std::size_t n = d.labels.size(), m = rule.coefficients.size();
  CAPTURE(n, m, config.C);
  CHECK(fit.report.converged);
  // The support vectors are rows, in order.
  std::vector<double> alpha(n);
  std::size_t k = 0;
  for (std::size_t i = 0; i < n && k < m; ++i) {
    if (rule.support[k] != d.x[i] || rule.support[m + k] != d.x[n + i]) continue;
    alpha[i] = static_cast<double>(rule.coefficients[k++]) * d.labels[i];
  }
  REQUIRE(k == m);
  double balance = 0, total = 0, objective = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double cost = config.C * (d.weights.empty() ? 1.0 : static_cast<double>(d.weights[i]));
    double f = 0;
    for (std::size_t s = 0; s < n; ++s) {
      const double a = static_cast<double>(d.x[s] - d.x[i]), b = static_cast<double>(d.x[n + s] - d.x[n + i]);
      f += alpha[s] * d.labels[s] * std::exp(-0.7 * (a * a + b * b));
    }
    balance += alpha[i] * d.labels[i];
    total += alpha[i];
    objective += alpha[i] * (d.labels[i] * f / 2 - 1);
    const double margin = d.labels[i] * (f + static_cast<double>(rule.bias));
    REQUIRE(alpha[i] >= 0);
    REQUIRE(alpha[i] <= cost * (1 + 1e-6));
    if (alpha[i] < cost * (1 - 1e-6)) REQUIRE(margin >= 1 - 2e-3);
    if (alpha[i] > 0) REQUIRE(margin <= 1 + 2e-3);
  }
  CHECK(std::abs(balance) <= 1e-5 * (1 + total));
  CHECK(fit.report.objective == Approx(objective).epsilon(1e-5));
}

}  // namespace

TEST_CASE("a fitted Gaussian-kernel SVM is optimal, whatever the number of rows", "[stop][smo]") {
  for (const std::size_t n : {2u, 3u, 15u, 16u, 17u, 401u, 1000u}) {
    is_optimal(overlapping(n), {.C = 1});
    is_optimal(overlapping(n), {.C = 50, .cache_bytes = 1});
  }
  auto weighted = overlapping(333);
  for (std::size_t i = 0; i < 333; ++i) weighted.weights.push_back(0.25f + static_cast<float>(i % 4));
  is_optimal(weighted, {.C = 2});
}

TEST_CASE("duplicates of both classes do not stop the Gaussian-kernel SVM", "[stop][smo]") {
  labelled d;
  for (int i = 0; i < 64; ++i) {
    d.labels.push_back(i % 3 == 0 ? 1 : -1);
    d.x.push_back(static_cast<float>(i / 32));
  }
  d.x.insert(d.x.end(), 64, 0.5f);  // and a feature that says nothing
  const auto fit = must(lagom::fit<2>(lagom::rbf_svm_config{}, d.view()));
  CHECK(fit.report.converged);
  lagom::no_state s;
  CHECK(fit.model.step(s, std::vector<float>{0, 0.5f}) < 0);
}
