// SPDX-License-Identifier: MIT
// FREE's mixtures against SciPy: tests/oracle/beta_mixture.py makes the golden file.
#include <lagom/io/json.hpp>
#include <lagom/stop/calibrate/adaptive_threshold.hpp>
#include <limits>

#include "support/catch.hpp"
#include "support/golden.hpp"

using lagom::beta_mixture;
using lagom::mixture_mode;
using lagom::saturation;
using lagom::io::json;
using lagom_test::must;

namespace {

const std::vector<double> X = {.05, .10, .22, .35, .41,  .55, .63, .72, .80,
                               .88, .93, .97, .99, .999, 1.0, .30, .60, .95};
const std::vector<signed char> Y = {-1, -1, -1, -1, 1, -1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, 1};

// Equal to twelve decimals, as published.
bool same(double a, double b) { return std::abs(a - b) <= 6e-13; }

struct known_fit {
  double alpha[2], beta[2], threshold;
};

void check(const beta_mixture& m, const known_fit& known, mixture_mode mode) {
  for (int k = 0; k < 2; ++k) {
    CAPTURE(k, m.component[k].alpha, m.component[k].beta);
    CHECK(same(m.component[k].alpha, known.alpha[k]));
    CHECK(same(m.component[k].beta, known.beta[k]));
  }
  CHECK(lagom::threshold_of(m, mode).value == Approx(known.threshold).epsilon(1e-9));
}

}  // namespace

TEST_CASE("the known mixtures, to their digits", "[stop][mixture]") {
  const auto fit = [](mixture_mode mode, const beta_mixture& start = {}) {
    return must(lagom::fit(lagom::beta_mixture_config{.mode = mode}, X, Y, start)).mixture;
  };
  const beta_mixture released = fit(mixture_mode::released);
  check(released, {{1.207929012541, 1.657543508512}, {2.661743738882, .419266241622}, .5666666667},
        mixture_mode::released);
  const double released_ratios[] = {.159052208984, .205766132852, .263839579514, .336017835672,
                                    .424600596063, .530140467500, .649241479092, .772094502111,
                                    .882071737563, .960544037749};
  for (int i = 0; i < 10; ++i)
    CHECK(same(lagom::mixture_ratio(released, lagom::mixture_grid(i)), released_ratios[i]));
  CHECK(released.weight[0] == 0.5);
  const beta_mixture again =
      fit(mixture_mode::released, released);  // it is no iteration: labels alone decide
  for (int k = 0; k < 2; ++k) {
    CHECK(again.component[k].alpha == released.component[k].alpha);
    CHECK(again.component[k].beta == released.component[k].beta);
  }

  const beta_mixture paper = fit(mixture_mode::paper);
  check(paper, {{1.004611137193, 1.581895948869}, {1.887640058507, .403115672671}, .6333333333},
        mixture_mode::paper);
  const double paper_ratios[] = {.184247846926, .227337218111, .276507287517, .333269239868, .399213290633,
                                 .475883874660, .564424330209, .664795084184, .774233633500, .884436905871};
  for (int i = 0; i < 10; ++i)
    CHECK(same(lagom::mixture_ratio(paper, lagom::mixture_grid(i)), paper_ratios[i]));
  CHECK(paper.weight[1] == 0.5);

  const beta_mixture fixed = fit(mixture_mode::fixed);
  check(fixed, {{1.004628080682, 1.581894568743}, {1.887688765955, .403114446266}, .6333333333},
        mixture_mode::fixed);
  CHECK(same(fixed.weight[0], .357826666667));
  CHECK(same(fixed.weight[1], .642173333333));

  const auto unlabelled = [](int iterations) {
    return must(lagom::fit_unlabelled(lagom::beta_mixture_config{.iterations = iterations}, X)).mixture;
  };
  check(unlabelled(1), {{.998795687452, 1.978125608764}, {1.988458742216, .969951363913}, .4333333333},
        mixture_mode::released);
  CHECK(same(unlabelled(1).weight[0], .4931975));
  check(unlabelled(10), {{.997086205612, 1.811287347761}, {1.930224914748, .758013110567}, .5},
        mixture_mode::released);
  CHECK(same(unlabelled(10).weight[1], .557194844809));

  check(beta_mixture{}, {{1, 2}, {2, 1}, .4333333333}, mixture_mode::released);
  for (int i = 0; i < 10; ++i)
    CHECK(same(lagom::mixture_ratio(beta_mixture{}, lagom::mixture_grid(i)), lagom::mixture_grid(i)));

  const std::vector<signed char> all(X.size(), 1);
  const auto agree = must(lagom::fit(lagom::beta_mixture_config{.mode = mixture_mode::released}, X, all));
  check(agree.mixture, {{.806038255263, .806038255263}, {.461217864952, .461217864952}, .3},
        mixture_mode::released);
  CHECK(lagom::threshold_of(agree.mixture, mixture_mode::released).saturated == saturation::lowest);
}

TEST_CASE("mixtures of drawn confidences are SciPy's", "[stop][mixture]") {
  for (const json& set : must(lagom::io::load_json(lagom_test::golden("calibration/beta_mixture.json")))) {
    const std::vector<double> x = set["confidences"];
    std::vector<signed char> y;
    for (const json& label : set["agreed"]) y.push_back(label == 1 ? 1 : -1);
    for (const json& expected : set["fits"]) {
      const std::string name = expected["mode"];
      const lagom::beta_mixture_config config{.mode = name == "paper"      ? mixture_mode::paper
                                                      : name == "released" ? mixture_mode::released
                                                                           : mixture_mode::fixed,
                                              .iterations = expected["iterations"]};
      const auto f =
          name == "unlabelled" ? must(lagom::fit_unlabelled(config, x)) : must(lagom::fit(config, x, y));
      CAPTURE(name, config.iterations, x.size());
      for (std::size_t k = 0; k < 2; ++k) {
        CHECK_FALSE(f.kept[k]);
        CHECK(f.mixture.component[k].alpha == Approx(expected["alpha"][k].get<double>()).epsilon(1e-10));
        CHECK(f.mixture.component[k].beta == Approx(expected["beta"][k].get<double>()).epsilon(1e-10));
        CHECK(f.mixture.weight[k] == Approx(expected["weight"][k].get<double>()).epsilon(1e-10));
      }
      for (std::size_t i = 0; i < 10; ++i)
        CHECK(lagom::mixture_ratio(f.mixture, lagom::mixture_grid(static_cast<int>(i))) ==
              Approx(expected["ratios"][i].get<double>()).epsilon(1e-10));
      CHECK(lagom::threshold_of(f.mixture, mixture_mode::paper).value ==
            Approx(expected["by_count"].get<double>()));
      CHECK(lagom::threshold_of(f.mixture, mixture_mode::fixed).value ==
            Approx(expected["from_top"].get<double>()));
    }
  }
}

TEST_CASE("thresholds that come to an end say so", "[stop][mixture]") {
  CHECK(lagom::threshold_of(beta_mixture{}).saturated == saturation::none);
  const beta_mixture high{{{40, 2}, {400, 2}}, {.5, .5}};  // right answers only beyond the grid
  CHECK(lagom::threshold_of(high).saturated == saturation::highest);
  CHECK(lagom::threshold_of(high).value == 0.9);
  CHECK(lagom::threshold_of(high, mixture_mode::released).saturated == saturation::highest);
  const beta_mixture alike{{{2, 3}, {2, 3}}, {.5, .5}};
  CHECK(lagom::threshold_of(alike).saturated == saturation::lowest);
  CHECK(lagom::threshold_of(alike).value == 0.3);
  // A ratio that falls and rises again: counting points says less than looking at them.
  const beta_mixture bent{{{20, 20}, {.5, .4}}, {.5, .5}};
  const auto from_top = lagom::threshold_of(bent),
             counted = lagom::threshold_of(bent, mixture_mode::released);
  CHECK(counted.value < from_top.value);
  CHECK(lagom::mixture_ratio(bent, lagom::mixture_grid(0)) > 0.4);
  CHECK(lagom::mixture_ratio(bent, from_top.value - 0.06) < 0.4);
  CHECK(lagom::mixture_ratio(bent, from_top.value) > 0.4);
  CHECK(lagom::mixture_grid(0) == 0.3);
  CHECK(lagom::mixture_grid(9) == 0.9);
}

TEST_CASE("confidences without spread keep the component, and are reported", "[stop][mixture]") {
  for (const auto mode : {mixture_mode::paper, mixture_mode::released, mixture_mode::fixed}) {
    const std::vector<double> alike(50, 0.7);
    std::vector<signed char> labels(50, 1);
    labels[3] = -1;
    const auto f = must(lagom::fit(lagom::beta_mixture_config{.mode = mode}, alike, labels));
    CHECK(f.kept[0]);
    CHECK(f.kept[1]);
    CHECK(f.mixture.component[1].alpha == 2);
    CHECK(lagom::is_finite(&f.mixture.weight[0]));
    CHECK(lagom::threshold_of(f.mixture, mode).value == Approx(0.4333333333));
    const auto one = must(lagom::fit(lagom::beta_mixture_config{.mode = mode}, std::vector<double>{0.0},
                                     std::vector<signed char>{1}));
    CHECK(one.kept[1]);
    // Only 0 and 1: the extremes of what a mean admits.
    const auto ends =
        must(lagom::fit(lagom::beta_mixture_config{.mode = mode}, std::vector<double>{0, 1, 0, 1},
                        std::vector<signed char>{-1, 1, 1, -1}));
    for (int k = 0; k < 2; ++k) {
      CHECK(lagom::is_finite(&ends.mixture.component[k].alpha));
      CHECK(ends.mixture.component[k].alpha > 0);
      CHECK(ends.mixture.component[k].beta > 0);
    }
  }
  const auto unlabelled = must(lagom::fit_unlabelled({.iterations = 50}, std::vector<double>(9, 0.5)));
  CHECK(unlabelled.kept[0]);
  CHECK(unlabelled.mixture.component[0].beta == Approx(2));
}

TEST_CASE("what no mixture is fitted to", "[stop][mixture]") {
  const auto code = [](std::vector<double> x, std::vector<signed char> y, int iterations = 1) {
    return lagom::fit({.iterations = iterations}, x, y).error().code;
  };
  CHECK(code({}, {}) == lagom::errc::empty);
  CHECK(code({0.5}, {1, 1}) == lagom::errc::wrong_shape);
  CHECK(code({0.5, 0.6}, {1, 0}) == lagom::errc::bad_value);
  CHECK(code({0.5}, {1}, 0) == lagom::errc::bad_value);
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), -0.1, 1.1}) {
    CHECK(code({0.5, bad}, {1, 1}) == lagom::errc::out_of_range);
    CHECK(lagom::fit_unlabelled({}, std::vector<double>{0.5, bad}).error().row == 1);
  }
}

TEST_CASE("a threshold that adapts", "[stop][mixture]") {
  lagom::adaptive_threshold adaptive({.mode = mixture_mode::released, .first = 0.8f, .refits = 2});
  CHECK_FALSE(adaptive.refit());  // nothing seen
  CHECK(adaptive.rule().value == 0.8f);
  for (std::size_t i = 0; i < X.size(); ++i) adaptive.push(X[i], Y[i] > 0);
  adaptive.push(std::numeric_limits<double>::quiet_NaN(), true);
  adaptive.push(1.5, true);
  CHECK(adaptive.size() == X.size());
  CHECK(adaptive.refused() == 2);
  CHECK(adaptive.rule().value == 0.8f);
  CHECK(adaptive.refit());
  CHECK(adaptive.rule(3).value == Approx(.5666666667));
  CHECK(adaptive.rule(3).feature == 3);
  lagom::no_state s;
  CHECK(lagom::threshold<lagom::above>{0.5f}.step(s, std::vector<float>{0.5f}) < 0);
  CHECK(same(adaptive.last_fit().mixture.component[1].alpha, 1.657543508512));
  CHECK(adaptive.refit());
  for (int i = 0; i < 100; ++i) adaptive.push(0.999, true);
  CHECK_FALSE(adaptive.refit());  // used up
  CHECK(adaptive.refits() == 2);

  // A full memory forgets the oldest, whatever the order it lies in.
  lagom::adaptive_threshold small({.mode = mixture_mode::released, .capacity = X.size()});
  for (int i = 0; i < 7; ++i) small.push(0.123, true);
  for (std::size_t i = 0; i < X.size(); ++i) small.push(X[i], Y[i] > 0);
  CHECK(small.refit());
  CHECK(small.last_fit().mixture.component[0].alpha == Approx(1.207929012541).epsilon(1e-11));

  // Going on from the last fit is one more step of the fit.
  lagom::adaptive_threshold going({.mode = mixture_mode::fixed});
  for (std::size_t i = 0; i < X.size(); ++i) going.push(X[i], Y[i] > 0);
  CHECK(going.refit());
  CHECK(going.refit());
  const auto two = must(lagom::fit({.mode = mixture_mode::fixed, .iterations = 2}, X, Y));
  CHECK(going.last_fit().mixture.component[1].beta == two.mixture.component[1].beta);
}
