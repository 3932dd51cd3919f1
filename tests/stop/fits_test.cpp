// SPDX-License-Identifier: MIT
// Every fit against scikit-learn or CRFsuite: tests/oracle/classifiers.py makes the golden files.
#include <lagom/io/json.hpp>
#include <lagom/stop/fit_crf.hpp>
#include <lagom/stop/fit_logistic.hpp>
#include <lagom/stop/fit_rbf_svm.hpp>

#include "support/approx.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

using namespace lagom_test;
using lagom::io::json;

namespace {

// A data set of an oracle run, and the models that were fitted to it.
struct oracle_set {
  std::vector<float> features, held_out;
  std::vector<signed char> labels;
  std::vector<lagom::index_t> starts;
  std::size_t width = 0;
  json document;

  explicit oracle_set(const std::string& name) {
    const auto file = must(lagom::io::safetensors::open(golden("classifiers/" + name + ".safetensors")));
    features = elements<float>(file, "features");
    held_out = elements<float>(file, "held_out");
    for (const auto v : elements<std::int8_t>(file, "labels")) labels.push_back(v);
    for (const auto v : elements<std::int64_t>(file, "starts")) starts.push_back(v);
    width = features.size() / labels.size();
    document = must(lagom::io::load_json(golden("classifiers/" + name + ".json")));
  }
  [[nodiscard]] lagom::dataset_view view() const {
    return {.features = {features.data(), width, labels.size()}, .labels = labels, .sequences = starts};
  }
  [[nodiscard]] lagom::vec_view<const float> row(std::size_t i) const {
    return {held_out.data() + i * width, width};
  }
  [[nodiscard]] std::size_t rows() const { return held_out.size() / width; }
};

// Same side of the threshold on 99.9 % of the held-out rows, and about the same distance from it.
template <class Model>
void same_decisions(const Model& model, const oracle_set& set, const std::vector<double>& decisions,
                    double t) {
  std::size_t same = 0;
  for (std::size_t i = 0; i < set.rows(); ++i) {
    typename Model::state s{};
    const double score = static_cast<double>(model.step(s, set.row(i)));
    same += (score >= 0) == (decisions[i] >= 0);
    REQUIRE(std::abs(score - decisions[i]) <= t * (1 + std::abs(decisions[i])));
  }
  CHECK(static_cast<double>(same) >= 0.999 * static_cast<double>(set.rows()));
}

template <std::size_t N>
void check_set(const std::string& name) {
  const oracle_set set(name);
  REQUIRE(set.width == N);
  for (const json& expected : set.document["models"]) {
    const std::string kind = expected["kind"];
    CAPTURE(name, kind, expected.value("C", 0.0), expected.value("loss", ""), expected.value("bias", ""));
    const double objective = expected["objective"];
    const double negative_weight = expected.value("negative_weight", 1.0);
    const bool balanced = expected.value("balanced", false);
    const auto close = [&](const lagom::fit_report& r) {
      CAPTURE(r.objective, objective, r.iterations);
      CHECK(r.converged);
      CHECK(std::abs(r.objective - objective) <= 1e-6 * std::abs(objective));
    };
    if (kind == "linear_svm") {
      const auto fit = must(lagom::fit<N>(
          lagom::linear_svm_config{
              .C = expected["C"],
              .loss = expected["loss"] == "hinge" ? lagom::svm_loss::hinge : lagom::svm_loss::squared_hinge,
              .bias = expected["bias"] == "regularised" ? lagom::bias_term::regularised
                                                        : lagom::bias_term::unregularised,
              .negative_weight = negative_weight,
              .balanced = balanced},
          set.view()));
      close(fit.report);
      same_decisions(fit.model, set, expected["decisions"], 1e-3);
    } else if (kind == "logistic") {
      const auto fit = must(lagom::fit<N>(
          lagom::logistic_config{
              .C = expected["C"], .negative_weight = negative_weight, .balanced = balanced},
          set.view()));
      close(fit.report);
      same_decisions(fit.model, set, expected["decisions"], 1e-4);
    } else if (kind == "rbf_svm") {
      const auto fit = must(lagom::fit<N>(lagom::rbf_svm_config{.C = expected["C"],
                                                                .gamma = expected["gamma"],
                                                                .negative_weight = negative_weight,
                                                                .balanced = balanced,
                                                                .tolerance = 1e-6},
                                          set.view()));
      close(fit.report);
      same_decisions(fit.model, set, expected["decisions"], 1e-3);
    } else {
      REQUIRE(kind == "crf");
      const auto fit = must(lagom::fit<N>(lagom::crf_config{.c2 = expected["c2"]}, set.view()));
      close(fit.report);
      const std::vector<double> filtered = expected["filtered"];
      const std::size_t steps = set.document["steps"];
      typename decltype(fit.model)::state s{};
      for (std::size_t i = 0; i < set.rows(); ++i) {
        if (i % steps == 0) s = {};
        const float p = fit.model.step(s, set.row(i)) + fit.model.rule.stop_at;
        REQUIRE(std::abs(static_cast<double>(p) - filtered[i]) < 1e-4);
      }
    }
  }
}

lagom::dataset two_points() {
  lagom::dataset data(1);
  data.add_row(std::vector<float>{.2f}, false);
  data.add_row(std::vector<float>{.8f}, true);
  return data;
}

}  // namespace

TEST_CASE("fits reach the oracle's objective and decide as it does: two features", "[stop][fit]") {
  check_set<2>("gap_top_prob");
}

TEST_CASE("fits reach the oracle's objective and decide as it does: five features", "[stop][fit]") {
  check_set<5>("wide");
}

TEST_CASE("the two bias conventions give the known, different classifiers", "[stop][fit]") {
  auto data = two_points();
  const auto fit = [&](double C, lagom::bias_term bias) {
    const auto svm = must(lagom::fit<1>(
        lagom::linear_svm_config{.C = C, .loss = lagom::svm_loss::hinge, .bias = bias, .standardize = false},
        data.view()));
    return std::pair(static_cast<double>(svm.model.rule.weights[0]),
                     static_cast<double>(svm.model.rule.bias));
  };
  const auto [w, b] = fit(10, lagom::bias_term::unregularised);
  CHECK(w == Approx(10.0 / 3).epsilon(1e-6));
  CHECK(b == Approx(-5.0 / 3).epsilon(1e-6));
  const auto [w10, b10] = fit(10, lagom::bias_term::regularised);
  CHECK(w10 == Approx(10.0 / 3).epsilon(1e-6));
  CHECK(b10 == Approx(-5.0 / 3).epsilon(1e-6));
  const auto [w5, b5] = fit(5, lagom::bias_term::regularised);
  CHECK(w5 == Approx(2.3170731707).epsilon(1e-6));
  CHECK(b5 == Approx(-.8536585366).epsilon(1e-6));
}

TEST_CASE("the gradient of the CRF is the derivative of its objective", "[stop][fit]") {
  const oracle_set set("wide");
  lagom::detail::crf_objective<5, lagom::portable> f(set.features.data(), set.view(), 0.3);
  std::array<double, 16> theta{}, gradient{}, ignored{};
  for (std::size_t i = 0; i < 16; ++i) theta[i] = 0.1 * static_cast<double>(i % 5) - 0.2;
  f(theta, gradient);
  for (std::size_t i = 0; i < 16; ++i) {
    auto up = theta, down = theta;
    up[i] += 1e-5;
    down[i] -= 1e-5;
    CHECK(gradient[i] == Approx((f(up, ignored) - f(down, ignored)) / 2e-5).epsilon(1e-5).margin(1e-5));
  }
}

TEST_CASE("fits are deterministic, and class weights move the decision", "[stop][fit]") {
  const oracle_set set("gap_top_prob");
  const auto a = must(lagom::fit<2>(lagom::rbf_svm_config{}, set.view()));
  const auto b =
      must(lagom::fit<2>(lagom::rbf_svm_config{.cache_bytes = 1}, set.view()));  // two rows of cache
  CHECK(a.model.rule.support == b.model.rule.support);
  CHECK(a.model.rule.coefficients == b.model.rule.coefficients);
  const auto stops = [&](double negative_weight) {
    const auto svm =
        must(lagom::fit<2>(lagom::linear_svm_config{.negative_weight = negative_weight}, set.view()));
    int n = 0;
    for (std::size_t i = 0; i < set.rows(); ++i) {
      lagom::no_state s;
      n += svm.model.step(s, set.row(i)) >= 0;
    }
    return n;
  };
  CHECK(stops(8) < stops(1));
  CHECK(stops(1) < stops(0.125));
  const auto few = must(lagom::fit<2>(lagom::rbf_svm_config{.max_rows = 100}, set.view()));
  CHECK(few.report.rows == 100);
}

TEST_CASE("thinning meets every layer, also where its stride is a multiple of the depth", "[stop][fit]") {
  constexpr int layers = 16, instances = 500;
  lagom::dataset data(1);
  for (int i = 0; i < instances; ++i) {
    data.begin_sequence();
    for (int l = 0; l < layers; ++l) data.add_row(std::vector<float>{static_cast<float>(l)}, l >= 8);
  }
  const auto rows = must(lagom::detail::prepare<1, lagom::portable>(data.view(), false, instances));
  REQUIRE(rows.data.rows() == instances);
  std::vector<int> seen(layers);
  for (const float l : lagom::detail::scaled_features<1, lagom::portable>(rows))
    ++seen[static_cast<std::size_t>(l)];
  for (const int n : seen) CHECK(n > instances / layers / 4);
  CHECK(must(lagom::fit<1>(lagom::rbf_svm_config{.max_rows = instances}, data.view())).report.converged);
}

TEST_CASE("a row of weight 0 is a row that is not there", "[stop][fit]") {
  const auto z = normal<float>(80, 5);
  lagom::dataset with(2), without(2);
  for (std::size_t i = 0; i < 40; ++i) {
    const std::vector<float> x{z[2 * i], z[2 * i + 1]};
    const bool label = x[0] + 0.5f * z[(7 * i) % 80] > 0, kept = i % 3 != 0;
    with.add_row(x, label, kept ? 1.0f : 0.0f);
    if (kept) without.add_row(x, label);
  }
  const auto same = [&](const auto& config) {
    const auto a = must(lagom::fit<2>(config, with.view())), b = must(lagom::fit<2>(config, without.view()));
    CHECK(a.report.rows == b.report.rows);
    CHECK(a.report.objective == b.report.objective);
    CHECK(a.model.rule.bias == b.model.rule.bias);
  };
  same(lagom::linear_svm_config{});
  same(lagom::linear_svm_config{.loss = lagom::svm_loss::hinge});
  same(lagom::logistic_config{});
  same(lagom::rbf_svm_config{});
}

TEST_CASE("the hinge loss is fitted where most rows crowd in one corner", "[stop][fit]") {
  const auto z = normal<float>(8000, 9);
  lagom::dataset data(2);
  for (std::size_t i = 0; i < 4000; ++i) {
    const bool sure = i % 10 != 0, right = sure ? i % 400 != 1 : i % 20 == 0;
    const float low = 1e-3f * z[2 * i] * z[2 * i];
    const float gap = sure ? 1 - low : 0.3f + 0.1f * z[2 * i + 1];
    data.add_row(std::vector<float>{gap, sure ? 1 - low / 2 : 0.5f + 0.05f * z[2 * i]}, right);
  }
  for (const double caution : {1.0, 4.0, 10.0, 100.0, 1000.0}) {
    CAPTURE(caution);
    const auto svm = must(lagom::fit<2>(
        lagom::linear_svm_config{
            .loss = lagom::svm_loss::hinge, .negative_weight = caution, .balanced = true},
        data.view()));
    CHECK(svm.report.converged);
    CHECK(svm.report.iterations < 150);
  }
}

TEST_CASE("features of any size are standardised", "[stop][fit]") {
  for (const float size : {1e-30f, 1e-8f, 1.0f, 1e30f}) {
    lagom::dataset data(1);
    for (int i = 0; i < 40; ++i) data.add_row(std::vector<float>{size * static_cast<float>(i - 20)}, i >= 20);
    const auto crf = must(lagom::fit<1>(lagom::crf_config{}, data.view()));
    const auto svm = must(lagom::fit<1>(lagom::linear_svm_config{.C = 100}, data.view()));
    lagom::no_state s;
    CHECK(svm.model.step(s, std::vector<float>{15 * size}) > 0);
    CHECK(svm.model.step(s, std::vector<float>{-15 * size}) < 0);
    CHECK(crf.model.rule.weights[1][0] > 0.1f);
  }
}

TEST_CASE("the CRF's likelihood is a probability, however sure it is", "[stop][fit]") {
  for (const double c2 : {0.0, 1e-9}) {
    lagom::dataset data(1);
    for (int s = 0; s < 6; ++s) {
      data.begin_sequence();
      for (int l = 0; l < 8; ++l) data.add_row(std::vector<float>{static_cast<float>(l)}, l >= 2 + s % 4);
    }
    const auto crf = must(lagom::fit<1>(lagom::crf_config{.c2 = c2, .max_iterations = 3000}, data.view()));
    CHECK(crf.report.objective >= 0);
  }
}

TEST_CASE("what cannot be fitted is refused with its reason", "[stop][fit]") {
  using lagom::errc;
  const auto code = [](auto result) { return result ? errc{255} : result.error().code; };
  lagom::dataset empty(2), same(2), poisoned(2);
  for (int i = 0; i < 4; ++i) same.add_row(std::vector<float>{1.0f * static_cast<float>(i), 2}, true);
  poisoned.add_row(std::vector<float>{1, 2}, true);
  poisoned.add_row(std::vector<float>{std::numeric_limits<float>::quiet_NaN(), 2}, false);
  const auto every = [&](lagom::dataset_view v, errc expected) {
    CHECK(code(lagom::fit<2>(lagom::linear_svm_config{}, v)) == expected);
    CHECK(code(lagom::fit<2>(lagom::logistic_config{}, v)) == expected);
    CHECK(code(lagom::fit<2>(lagom::rbf_svm_config{}, v)) == expected);
    CHECK(code(lagom::fit<2>(lagom::crf_config{}, v)) == expected);
  };
  every(empty.view(), errc::empty);
  every(same.view(), errc::one_class);
  every(poisoned.view(), errc::not_finite);
  auto one = two_points();
  every(one.view(), errc::wrong_width);
  CHECK(code(lagom::fit<1>(lagom::linear_svm_config{.C = 0}, one.view())) == errc::bad_value);
  CHECK(code(lagom::fit<1>(lagom::rbf_svm_config{.gamma = -1}, one.view())) == errc::bad_value);
  CHECK(code(lagom::fit<1>(lagom::crf_config{.c2 = -1}, one.view())) == errc::bad_value);
  CHECK(lagom::fit<2>(lagom::logistic_config{}, poisoned.view()).error().row == 1);
  const double infinite = std::numeric_limits<double>::infinity();
  CHECK(code(lagom::fit<1>(lagom::linear_svm_config{.C = infinite}, one.view())) == errc::bad_value);
  CHECK(code(lagom::fit<1>(lagom::linear_svm_config{.positive_weight = 0}, one.view())) == errc::bad_value);
  CHECK(code(lagom::fit<1>(lagom::rbf_svm_config{.negative_weight = -1}, one.view())) == errc::bad_value);
  const auto weighted = [&](float weight) {
    lagom::dataset data(1);
    for (int i = 0; i < 6; ++i)
      data.add_row(std::vector<float>{static_cast<float>(i)}, i > 2, i == 4 ? weight : 1.0f);
    return data;
  };
  auto nan_weight = weighted(std::numeric_limits<float>::quiet_NaN()), negative = weighted(-1),
       heavy = weighted(2);
  CHECK(code(lagom::fit<1>(lagom::logistic_config{}, nan_weight.view())) == errc::not_finite);
  CHECK(code(lagom::fit<1>(lagom::logistic_config{}, negative.view())) == errc::bad_value);
  CHECK(lagom::fit<1>(lagom::logistic_config{}, heavy.view()));
  CHECK(code(lagom::fit<1>(lagom::crf_config{}, heavy.view())) == errc::unsupported);
  auto crooked = heavy.view();
  const std::vector<lagom::index_t> bounds{0, 4, 2, 6};
  crooked.sequences = bounds;
  CHECK(code(lagom::fit<1>(lagom::logistic_config{}, crooked)) == errc::bad_value);
  crooked = heavy.view();
  crooked.weights = crooked.weights.slice(0, 5);
  CHECK(code(lagom::fit<1>(lagom::logistic_config{}, crooked)) == errc::wrong_shape);
  lagom::dataset huge(1);
  for (int i = 0; i < 6; ++i) huge.add_row(std::vector<float>{i == 0 ? -3e38f : 3e38f}, i > 2);
  const auto never_nonsense = [](auto result) { return !result || std::isfinite(result->report.objective); };
  CHECK(never_nonsense(lagom::fit<1>(lagom::linear_svm_config{.loss = lagom::svm_loss::hinge}, huge.view())));
  CHECK(never_nonsense(lagom::fit<1>(lagom::logistic_config{}, huge.view())));
  CHECK(never_nonsense(lagom::fit<1>(lagom::crf_config{}, huge.view())));
  CHECK(never_nonsense(lagom::fit<1>(lagom::rbf_svm_config{}, huge.view())));
}

TEST_CASE("a constant feature and separable data are no trouble", "[stop][fit]") {
  lagom::dataset data(2);
  for (int i = 0; i < 20; ++i) data.add_row(std::vector<float>{static_cast<float>(i), 7}, i >= 10);
  for (const auto loss : {lagom::svm_loss::hinge, lagom::svm_loss::squared_hinge}) {
    const auto svm = must(lagom::fit<2>(lagom::linear_svm_config{.C = 1000, .loss = loss}, data.view()));
    CHECK(svm.report.converged);
    lagom::no_state s;
    CHECK(svm.model.step(s, std::vector<float>{12, 7}) > 0);
    CHECK(svm.model.step(s, std::vector<float>{7, 7}) < 0);
  }
  CHECK(must(lagom::fit<2>(lagom::logistic_config{}, data.view())).report.converged);
  CHECK(must(lagom::fit<2>(lagom::crf_config{}, data.view())).report.converged);
}
