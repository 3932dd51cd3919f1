// SPDX-License-Identifier: MIT
// p-values and bounds against SciPy: tests/oracle/calibration.py makes the golden file.
#include <lagom/io/json.hpp>
#include <lagom/stop/calibrate/conformal.hpp>
#include <lagom/stop/calibrate/exact_binomial.hpp>
#include <lagom/stop/calibrate/hoeffding_bentkus.hpp>
#include <lagom/stop/calibrate/upper_bound.hpp>
#include <lagom/stop/calibrate/wsr_betting.hpp>
#include <limits>
#include <vector>

#include "support/catch.hpp"
#include "support/golden.hpp"

using lagom::counted_losses;
using lagom::error_rate;
using lagom::tolerance;
using lagom::io::json;
using lagom_test::must;

namespace {

const json& document() {
  static const json d = must(lagom::io::load_json(lagom_test::golden("calibration/tests.json")));
  return d;
}

// The relative error that a test allows: what the functions promise for the probability.
bool close(double a, double b, double t = 1e-12) { return std::abs(a - b) <= t * std::abs(b); }

template <class Test>
double p_of(const Test& test, const lagom::loss_sum& losses, double limit) {
  return must(test(losses, tolerance(limit)));
}

// The same losses one by one, those of 1 spread among the others.
std::vector<double> listed(std::int64_t ones, std::int64_t rows) {
  std::vector<double> out;
  for (std::int64_t i = 0; i < rows; ++i) out.push_back((i + 1) * ones / rows > i * ones / rows ? 1.0 : 0.0);
  return out;
}

}  // namespace

static_assert(lagom::sum_test<lagom::hoeffding> && lagom::sum_test<lagom::tight_hoeffding> &&
              lagom::sum_test<lagom::bentkus> && lagom::sum_test<lagom::hoeffding_bentkus> &&
              lagom::sum_test<lagom::exact_binomial>);
static_assert(lagom::loss_test<lagom::wsr_betting> && !lagom::sum_test<lagom::wsr_betting>);
static_assert(!std::is_convertible_v<tolerance, error_rate> && !std::is_convertible_v<double, tolerance>);

TEST_CASE("the binomial distribution function, into the far tails", "[stop][calibrate]") {
  int far = 0;
  for (const json& row : document()["binomial"]) {
    const std::int64_t k = row[0], n = row[1];
    const double p = row[2], expected = row[3];
    CAPTURE(k, n, p, expected);
    const double found = lagom::log_binomial_cdf(k, n, p);
    // Absolute in the logarithm is relative in the probability; where that is close to 1 the logarithm itself must be right.
    const double t = 1e-12 * std::max(1.0, 1e-2 * std::abs(expected));
    REQUIRE(std::abs(found - expected) <= t);
    if (expected > -1e-3) REQUIRE(close(found, expected, 1e-10));
    if (expected > -700) REQUIRE(close(lagom::binomial_cdf(k, n, p), std::exp(expected), t));
    far += expected < -700;
  }
  CHECK(far > 10);
  CHECK(lagom::binomial_cdf(-1, 10, 0.5) == 0);
  CHECK(lagom::binomial_cdf(10, 10, 0.5) == 1);
  CHECK(lagom::binomial_cdf(3, 10, 0) == 1);
  CHECK(lagom::binomial_cdf(3, 10, 1) == 0);
  CHECK(lagom::binomial_cdf(0, 0, 0.3) == 1);
  for (const json& row : document()["log_gamma"]) {
    const double x = row[0], expected = row[1];
    CAPTURE(x);
    CHECK(std::abs(lagom::detail::log_gamma(x) - expected) <= 4e-15 * std::max(5.0, std::abs(expected)));
  }
}

TEST_CASE("p-values of counts", "[stop][calibrate]") {
  for (const json& row : document()["p_values"]) {
    const std::int64_t ones = row[0], n = row[1];
    const double limit = row[2];
    CAPTURE(ones, n, limit);
    const lagom::loss_sum losses = counted_losses(ones, n);
    CHECK(close(p_of(lagom::hoeffding{}, losses, limit), row[3]));
    CHECK(close(p_of(lagom::tight_hoeffding{}, losses, limit), row[4], 1e-11));
    CHECK(close(p_of(lagom::bentkus{}, losses, limit), row[5]));
    CHECK(close(p_of(lagom::exact_binomial{}, losses, limit), row[6]));
    const double smaller =
        std::min(p_of(lagom::tight_hoeffding{}, losses, limit), p_of(lagom::bentkus{}, losses, limit));
    CHECK(p_of(lagom::hoeffding_bentkus{}, losses, limit) == smaller);
    const auto list = listed(ones, n);
    CHECK(must(lagom::exact_binomial{}(list, tolerance(limit))) ==
          p_of(lagom::exact_binomial{}, losses, limit));
    CHECK(must(lagom::bentkus{}(list, tolerance(limit))) == p_of(lagom::bentkus{}, losses, limit));
  }
  // Published to ten digits: simple and tight Hoeffding, Bentkus, binomial, Hoeffding-Bentkus.
  const struct {
    std::int64_t ones, n;
    double limit, p[5];
  } known[] = {
      {2, 100, .05, {.8352702114, .2969189512, .3214721127, .1182629812, .2969189512}},
      {25, 500, .1, {.08208499862, 2.35629338e-4, 9.623025444e-5, 3.540113223e-5, 9.623025444e-5}},
      {0, 100, .05, {.6065306597, 5.92052922e-3, 1.609366699e-2, 5.92052922e-3, 5.92052922e-3}},
      {30, 1000, .05, {.4493289641, 7.564450415e-3, 3.471430514e-3, 1.277067917e-3, 3.471430514e-3}},
  };
  for (const auto& k : known) {
    const lagom::loss_sum losses = counted_losses(k.ones, k.n);
    CHECK(close(p_of(lagom::hoeffding{}, losses, k.limit), k.p[0], 1e-9));
    CHECK(close(p_of(lagom::tight_hoeffding{}, losses, k.limit), k.p[1], 1e-9));
    CHECK(close(p_of(lagom::bentkus{}, losses, k.limit), k.p[2], 1e-9));
    CHECK(close(p_of(lagom::exact_binomial{}, losses, k.limit), k.p[3], 1e-9));
    CHECK(close(p_of(lagom::hoeffding_bentkus{}, losses, k.limit), k.p[4], 1e-9));
  }
  // No loss: 0 log 0 is 0, so Hoeffding-Bentkus is not left with Bentkus alone.
  CHECK(close(p_of(lagom::hoeffding_bentkus{}, counted_losses(0, 100), .02), .1326195559, 1e-9));
  CHECK(close(p_of(lagom::bentkus{}, counted_losses(0, 100), .02), .3604973289, 1e-9));
  // 100 * 0.07 is 7.000000000000001: a mean would count 8.
  CHECK(std::ceil(100 * 0.07) == 8);
  CHECK(close(lagom::binomial_cdf(7, 100, .1), .2060508618, 1e-9));
  CHECK(close(lagom::binomial_cdf(8, 100, .1), .3208738884, 1e-9));
  CHECK(close(p_of(lagom::bentkus{}, counted_losses(7, 100), .1), 2.718281828459045 * .2060508618, 1e-9));
}

TEST_CASE("p-values at the edges, and what they refuse", "[stop][calibrate]") {
  const auto edges = [](const auto& test) {
    const auto p = [&](const std::vector<double>& losses, double limit) {
      return must(test(losses, tolerance(limit)));
    };
    CHECK(p({}, 0.5) == 1);
    CHECK(p({0, 0, 0}, 0) == 1);
    CHECK(p({0, 0, 0}, 1) == 0);
    CHECK(p({1, 1, 1}, 1) == 1);
    CHECK(p({1, 1, 1}, 0.5) == 1);
    CHECK(p({1, 1, 0, 1}, 0.2) > 0.99);
    CHECK(p(std::vector<double>(100000, 0.0), 0.5) == 0);  // below the smallest number
    const double nan = std::numeric_limits<double>::quiet_NaN(),
                 inf = std::numeric_limits<double>::infinity();
    for (const double bad : {nan, inf, -inf, -1e-9, 1 + 1e-9}) {
      const auto refused = test(std::vector<double>{0, bad, 1, bad}, tolerance(0.1));
      REQUIRE(!refused);
      CHECK(refused.error().code == lagom::errc::out_of_range);
      CHECK(refused.error().found == 2);
    }
    for (const double bad : {nan, inf, -0.1, 1.1}) {
      const auto refused = test(std::vector<double>{0, 0}, tolerance(bad));
      REQUIRE(!refused);
      CHECK(refused.error().key.view() == "tolerance");
    }
    double last = 1;  // p falls as the tolerance grows: what the bounds rely on
    for (int i = 0; i <= 1000; ++i) {
      const double now = p({0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}, i / 1000.0);
      REQUIRE(now <= last * (1 + 1e-12));
      last = now;
    }
  };
  edges(lagom::hoeffding{});
  edges(lagom::tight_hoeffding{});
  edges(lagom::bentkus{});
  edges(lagom::hoeffding_bentkus{});
  edges(lagom::exact_binomial{});
  edges(lagom::wsr_betting{});
  const auto fraction = lagom::exact_binomial{}(std::vector<double>{0, 0.5, 1, 0.5}, tolerance(0.1));
  REQUIRE(!fraction);
  CHECK(fraction.error().code == lagom::errc::bad_value);
  CHECK(fraction.error().found == 2);
  CHECK(!lagom::exact_binomial{}(lagom::loss_sum{.rows = 4, .sum = 1.5}, tolerance(0.1)));
  CHECK(!lagom::bentkus{}(lagom::loss_sum{.rows = 4, .sum = 5}, tolerance(0.1)));
  for (const double bad : {0.0, 1.0, -1.0, std::numeric_limits<double>::quiet_NaN()})
    CHECK(!lagom::wsr_betting{error_rate(bad)}(std::vector<double>{0, 0}, tolerance(0.1)));
  // Bentkus rounds a sum of fractions up, tight Hoeffding does not.
  CHECK(must(lagom::bentkus{}(std::vector<double>{0.5, 0.25, 0, 0}, tolerance(0.6))) ==
        must(lagom::bentkus{}(std::vector<double>{1, 0, 0, 0}, tolerance(0.6))));
}

TEST_CASE("sums of losses merge", "[stop][calibrate]") {
  lagom::loss_sum whole, left, right;
  const std::vector<double> losses{0, 1, 0.25, -1, 0.5, 1, 2};
  for (std::size_t i = 0; i < losses.size(); ++i) {
    whole.push(losses[i]);
    (i < 3 ? left : right).push(losses[i]);
  }
  left.merge(right);
  left.merge(lagom::loss_sum{});
  CHECK(whole.rows == 5);
  CHECK(whole.refused == 2);
  CHECK(whole.fractions == 2);
  CHECK(left.rows == whole.rows);
  CHECK(left.sum == whole.sum);
  CHECK(left.refused == whole.refused);
  CHECK(left.fractions == whole.fractions);
  CHECK(lagom::loss_sum{}.mean() == 0);
}

TEST_CASE("betting: p-values and the bound", "[stop][calibrate]") {
  for (const json& set : document()["betting"]) {
    const std::vector<double> losses = set["losses"];
    const error_rate error(set["error"].get<double>());
    const std::string name = set["name"];
    CAPTURE(name, error.value);
    for (const auto& [limit, p] : set["p"].items())
      CHECK(close(must(lagom::wsr_betting{error}(losses, tolerance(std::stod(limit)))), p, 1e-11));
    const double bound = set["bound"];
    CHECK(std::abs(must(lagom::upper_bound(lagom::wsr_betting{error}, losses, error)) - bound) <= 1e-11);
  }
  const auto bound = [](const std::vector<double>& losses, double error) {
    return must(lagom::upper_bound(lagom::wsr_betting{error_rate(error)}, losses, error_rate(error)));
  };
  std::vector<double> bits, ramp;
  for (int i = 0; i < 100; ++i) bits.push_back(i % 10 == 2 || i % 10 == 7 ? 1 : 0);
  for (int i = 1; i <= 20; ++i) ramp.push_back(i / 100.0);
  CHECK(close(bound(bits, .1), .3022697479, 2e-10));
  CHECK(close(bound(bits, .05), .3181860427, 2e-10));
  CHECK(close(bound(ramp, .1), .2289077310, 2e-10));
  CHECK(close(bound(std::vector<double>(50, 0.0), .1), .0478257866, 1e-9));
  CHECK(close(bound(std::vector<double>(100, 0.0), .05), .0308625782, 1e-9));
}

TEST_CASE("upper bounds invert the tests", "[stop][calibrate]") {
  for (const json& row : document()["bounds"]) {
    const lagom::loss_sum losses = counted_losses(row[0], row[1]);
    const error_rate error(row[2].get<double>());
    CAPTURE(losses.sum, losses.rows, error.value);
    CHECK(close(must(lagom::upper_bound(lagom::hoeffding{}, losses, error)), row[3], 1e-11));
    CHECK(close(must(lagom::upper_bound(lagom::tight_hoeffding{}, losses, error)), row[4], 1e-9));
    const double exact = must(lagom::upper_bound(lagom::exact_binomial{}, losses, error));
    CHECK(close(exact, row[5], 1e-11));
    if (exact < 1) {
      CHECK(must(lagom::exact_binomial{}(losses, tolerance(exact))) <= error.value);
      CHECK(must(lagom::exact_binomial{}(losses, tolerance(exact * (1 - 1e-9)))) > error.value);
    }
  }
  CHECK(must(lagom::upper_bound(lagom::hoeffding_bentkus{}, std::vector<double>{}, error_rate(0.1))) == 1);
  CHECK(!lagom::upper_bound(lagom::hoeffding{}, std::vector<double>{0, 2}, error_rate(0.1)));
  for (const double bad : {0.0, 1.0, std::numeric_limits<double>::quiet_NaN()})
    CHECK(!lagom::upper_bound(lagom::hoeffding{}, std::vector<double>{0}, error_rate(bad)));
}

TEST_CASE("conformal risk control", "[stop][calibrate]") {
  CHECK(close(lagom::conformal_limit(100, tolerance(.02)), .0102));
  CHECK(close(lagom::conformal_limit(100, tolerance(.05)), .0405));
  CHECK(close(lagom::conformal_limit(100, tolerance(.1)), .091));
  CHECK(lagom::conformal_limit(19, tolerance(.05)) == 0);
  CHECK(lagom::conformal_limit(18, tolerance(.05)) < 0);
  CHECK(lagom::conformal_limit(0, tolerance(.5)) < 0);
  CHECK(lagom::conformal_rows(tolerance(.05)) == 19);
  CHECK(lagom::conformal_rows(tolerance(1)) == 1);
  CHECK(lagom::conformal_rows(tolerance(.3)) == 3);
  for (int k = 2; k < 1000; ++k) {  // at the edge: the same whether or not multiply-adds are fused
    const volatile double share = 1.0 / k;
    const volatile double product = k * share;  // 1, or just below
    const tolerance limit(share);
    REQUIRE(lagom::conformal_rows(limit) == (product >= 1 ? k - 1 : k));
    REQUIRE((lagom::conformal_limit(k - 1, limit) >= 0) == (product >= 1));
  }
  // Candidate c loses c of 19 rows; the first one none.
  std::vector<double> table(4 * 19, 0.0);
  for (std::size_t c = 0; c < 4; ++c) {
    for (std::size_t i = 0; i < c; ++i) table[c * 19 + i] = 1;
  }
  const auto choose = [&](double limit, int rows = 19) {
    return lagom::conformal_risk_control(lagom::mat_view<const double>(table.data(), 4, rows, 19),
                                         tolerance(limit));
  };
  CHECK(must(choose(.05)).candidate == 0);
  CHECK(must(choose(.0999)).candidate == 0);
  CHECK(must(choose(.1)).candidate == 1);
  CHECK(must(choose(.2)).candidate == 3);
  CHECK(must(choose(.9)).candidate == 3);
  CHECK(must(choose(.2)).losses.sum == 3);
  CHECK(must(choose(.2)).monotone);
  const auto none = choose(.05, 18);
  REQUIRE(!none);
  CHECK(none.error().code == lagom::errc::not_certified);
  CHECK(none.error().expected == 19);
  CHECK(none.error().found == 18);
  CHECK(!choose(0));
  table[3 * 19] = 0;  // row 0 loses less under a bolder candidate
  CHECK_FALSE(must(choose(.2)).monotone);
  table[19 + 5] = -1;
  CHECK(choose(.2).error().row == 1);
  CHECK(choose(2.0).error().key.view() == "tolerance");
  CHECK(lagom::conformal_risk_control(lagom::mat_view<const double>{}, tolerance(.1)).error().code ==
        lagom::errc::empty);
}
