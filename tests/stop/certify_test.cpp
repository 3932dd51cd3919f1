// SPDX-License-Identifier: MIT
// Multiple tests against brute force, and the guarantee itself by simulation.
#include <lagom/core/random.hpp>
#include <lagom/stop/calibrate/certify.hpp>
#include <lagom/stop/calibrate/conformal.hpp>
#include <lagom/stop/calibrate/exact_binomial.hpp>
#include <lagom/stop/calibrate/holm.hpp>
#include <lagom/stop/calibrate/multi_start.hpp>
#include <lagom/stop/calibrate/wsr_betting.hpp>
#include <limits>

#include "support/catch.hpp"
#include "support/golden.hpp"

using lagom::error_rate;
using lagom::tolerance;
using lagom_test::must;
using indices = std::vector<lagom::index_t>;

namespace {

template <class Procedure>
indices rejected(const Procedure& procedure, const std::vector<double>& p, double error) {
  return must(procedure(p, error_rate(error))).candidates;
}

std::vector<double> random_p_values(std::size_t n, std::uint64_t stream) {
  const lagom::philox random{7};
  std::vector<double> p;
  for (std::size_t i = 0; i < n; ++i) {
    const double u = random.uniform(stream, i);
    p.push_back(std::floor(u * u * 40) / 100);  // many small ones, and ties
  }
  return p;
}

}  // namespace

static_assert(lagom::multiple_test<lagom::fixed_sequence> && lagom::multiple_test<lagom::multi_start> &&
              lagom::multiple_test<lagom::holm>);

TEST_CASE("a fixed sequence certifies the last rejected candidate, not the first that is not",
          "[stop][calibrate]") {
  const lagom::fixed_sequence sequence;
  CHECK(rejected(sequence, {.01, .02, .2, .01}, .05) == indices{0, 1});
  CHECK(must(sequence(std::vector<double>{.01, .02, .2, .01}, error_rate(.05))).last() == 1);
  CHECK(must(sequence(std::vector<double>{.2, .01}, error_rate(.05))).last() == -1);
  CHECK(must(sequence(std::vector<double>{.01, .01, .01}, error_rate(.05))).last() == 2);
  CHECK(must(sequence(std::vector<double>{.05}, error_rate(.05))).last() == 0);  // at the level: rejected
  CHECK(must(sequence(std::vector<double>{}, error_rate(.05))).last() == -1);
  CHECK(must(sequence(std::vector<double>{.01, .02, .2}, error_rate(.05))).first() == 0);
}

TEST_CASE("multiple starts", "[stop][calibrate]") {
  CHECK(rejected(lagom::multi_start{2}, {.2, .01, .01, .3, .02, .01}, .05) ==
        indices{});  // starts at 0 and 3
  CHECK(rejected(lagom::multi_start{2}, {.2, .01, .01, .025, .02, .03}, .05) == indices{3, 4});
  CHECK(rejected(lagom::multi_start{2}, {.01, .01, .01, .01, .2, .01}, .05) == indices{0, 1, 2, 3});
  CHECK(rejected(lagom::multi_start{1}, {.01, .04, .2, .01}, .05) == indices{0, 1});
  CHECK(rejected(lagom::multi_start{99}, {.2, .01, .3, .02}, .05) == indices{1});
  CHECK(rejected(lagom::multi_start{3}, {}, .05) == indices{});
  for (std::uint64_t s = 0; s < 200; ++s) {
    const auto p = random_p_values(1 + s % 13, s);
    CHECK(rejected(lagom::multi_start{1}, p, .05) == rejected(lagom::fixed_sequence{}, p, .05));
    for (const int starts : {2, 3, 5, 13}) {  // as defined: the union of one walk from every start
      const auto used = std::min<std::size_t>(static_cast<std::size_t>(starts), p.size());
      std::vector<bool> in(p.size());
      for (std::size_t j = 0; j < used; ++j) {
        for (std::size_t i = j * p.size() / used; i < p.size() && p[i] <= .05 / static_cast<double>(used);
             ++i)
          in[i] = true;
      }
      indices expected;
      for (std::size_t i = 0; i < p.size(); ++i) {
        if (in[i]) expected.push_back(static_cast<lagom::index_t>(i));
      }
      REQUIRE(rejected(lagom::multi_start{starts}, p, .05) == expected);
    }
  }
  CHECK(lagom::multi_start{0}(std::vector<double>{.1}, error_rate(.1)).error().code ==
        lagom::errc::bad_value);
}

TEST_CASE("Holm's test is the closure of Bonferroni's", "[stop][calibrate]") {
  CHECK(rejected(lagom::holm{}, {.01, .04, .03, .005}, .05) == indices{0, 3});
  CHECK(rejected(lagom::holm{}, {.0125, .0166, .025, .05}, .05) == indices{0, 1, 2, 3});
  CHECK(rejected(lagom::holm{}, {}, .05) == indices{});
  for (std::uint64_t s = 0; s < 300; ++s) {
    const auto p = random_p_values(1 + s % 8, s);
    // Closed testing: a hypothesis falls if every set that holds it has a p-value of at most error / size.
    indices expected;
    for (std::size_t i = 0; i < p.size(); ++i) {
      bool falls = true;
      for (unsigned set = 1; set < 1u << p.size(); ++set) {
        if ((set >> i & 1u) == 0) continue;
        double least = 1;
        int size = 0;
        for (std::size_t k = 0; k < p.size(); ++k) {
          if ((set >> k & 1u) == 0) continue;
          least = std::min(least, p[k]);
          ++size;
        }
        falls = falls && least <= .1 / size;
      }
      if (falls) expected.push_back(static_cast<lagom::index_t>(i));
    }
    REQUIRE(rejected(lagom::holm{}, p, .1) == expected);
  }
}

TEST_CASE("multiple tests refuse what is no p-value and no error rate", "[stop][calibrate]") {
  const auto check = [](const auto& procedure) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    for (const double bad : {nan, -0.1, 1.5}) {
      const auto r = procedure(std::vector<double>{0.01, 0.9, bad}, error_rate(.1));
      REQUIRE(!r);
      CHECK(r.error().row == 2);
    }
    for (const double bad : {nan, 0.0, 1.0}) CHECK(!procedure(std::vector<double>{0.01}, error_rate(bad)));
  };
  check(lagom::fixed_sequence{});
  check(lagom::multi_start{});
  check(lagom::holm{});
}

TEST_CASE("the planner finds the smallest calibration set", "[stop][calibrate]") {
  const struct {
    double limit, error;
    std::int64_t simple, exact;
  } known[] = {{.02, .05, 3745, 149}, {.02, .1, 2879, 114}, {.05, .05, 600, 59},
               {.05, .1, 461, 45},    {.1, .05, 150, 29},   {.1, .1, 116, 22}};
  for (const auto& k : known) {
    const auto size = [&](const auto& test) {
      return must(lagom::sample_size(test, tolerance(k.limit), error_rate(k.error)));
    };
    CHECK(size(lagom::hoeffding{}) == k.simple);
    CHECK(size(lagom::tight_hoeffding{}) == k.exact);
    CHECK(size(lagom::hoeffding_bentkus{}) == k.exact);
    CHECK(size(lagom::exact_binomial{}) == k.exact);
  }
  const auto brute = [](const auto& test, double limit, double error, double assumed) {
    for (std::int64_t n = 1;; ++n) {
      const auto losses = static_cast<std::int64_t>(std::ceil(assumed * static_cast<double>(n)));
      if (must(test(lagom::counted_losses(losses, n), tolerance(limit))) <= error) return n;
    }
  };
  for (const double assumed : {0.0, 0.01, 0.02, 0.034}) {
    CAPTURE(assumed);
    CHECK(must(lagom::sample_size(lagom::exact_binomial{}, tolerance(.05), error_rate(.1), assumed)) ==
          brute(lagom::exact_binomial{}, .05, .1, assumed));
    CHECK(must(lagom::sample_size(lagom::hoeffding_bentkus{}, tolerance(.1), error_rate(.05), assumed)) ==
          brute(lagom::hoeffding_bentkus{}, .1, .05, assumed));
    CHECK(must(lagom::sample_size(lagom::hoeffding{}, tolerance(.2), error_rate(.05), assumed)) ==
          brute(lagom::hoeffding{}, .2, .05, assumed));
  }
  CHECK(must(lagom::sample_size(lagom::exact_binomial{}, tolerance(1), error_rate(.1))) == 1);
  const auto none = lagom::sample_size(lagom::exact_binomial{}, tolerance(.05), error_rate(.1), .05);
  REQUIRE(!none);
  CHECK(none.error().code == lagom::errc::not_certified);
  CHECK(!lagom::sample_size(lagom::hoeffding{}, tolerance(0), error_rate(.1)));
  CHECK(!lagom::sample_size(lagom::hoeffding{}, tolerance(1e-9), error_rate(.1)));  // 1e18 rows
  CHECK(!lagom::sample_size(lagom::hoeffding{}, tolerance(.1), error_rate(1)));
  CHECK(!lagom::sample_size(lagom::hoeffding{}, tolerance(.1), error_rate(.1), -1));
}

TEST_CASE("a table of losses is certified, or refused with the size that was needed", "[stop][calibrate]") {
  constexpr std::size_t rows = 60;
  std::vector<double> table(4 * rows, 0.0);  // candidates 0 and 1 lose nothing, 2 loses half, 3 nothing again
  for (std::size_t i = 0; i < rows; i += 2) table[2 * rows + i] = 1;
  const auto losses = [&](std::size_t used) {
    return lagom::mat_view<const double>(table.data(), 4, used, rows);
  };
  const auto kept = must(lagom::certify(losses(rows), tolerance(.05), error_rate(.05)));
  CHECK(kept.candidate == 1);
  CHECK(kept.rows == 60);
  CHECK(kept.mean_loss == 0);
  CHECK(kept.p_value == must(lagom::hoeffding_bentkus{}(lagom::counted_losses(0, 60), tolerance(.05))));
  CHECK(kept.tolerance.value == .05);
  CHECK(kept.error_rate.value == .05);
  CHECK(kept.test.view() == "hoeffding_bentkus");
  CHECK(kept.procedure.view() == "fixed_sequence");
  // Holm skips the hole, at a price: 59 rows were enough for one candidate, not for four.
  CHECK(
      !lagom::certify(losses(rows), tolerance(.05), error_rate(.05), lagom::exact_binomial{}, lagom::holm{}));
  CHECK(must(lagom::certify(losses(rows), tolerance(.1), error_rate(.05), lagom::exact_binomial{},
                            lagom::holm{}))
            .candidate == 3);
  const auto few = lagom::certify(losses(58), tolerance(.05), error_rate(.05));
  REQUIRE(!few);
  CHECK(few.error().code == lagom::errc::not_certified);
  CHECK(few.error().found == 58);
  CHECK(few.error().expected == 59);
  CHECK(lagom::io::describe(few.error()) == "candidates cannot be certified (expected 59; found 58)");
  CHECK(lagom::certify(losses(rows), tolerance(.05), error_rate(.05), lagom::hoeffding{}).error().expected ==
        600);
  CHECK(lagom::certify(losses(0), tolerance(.05), error_rate(.05)).error().code == lagom::errc::empty);
  // At 100 rows without any loss the simple test certifies none of these tolerances, Hoeffding-Bentkus two.
  const std::vector<double> none(100, 0.0);
  const lagom::mat_view<const double> best(none.data(), 1, 100);
  for (const double limit : {.02, .05, .1}) {
    CHECK(!lagom::certify(best, tolerance(limit), error_rate(.05), lagom::hoeffding{}));
    CHECK(lagom::certify(best, tolerance(limit), error_rate(.05)).has_value() == (limit > .02));
  }
  table[3 * rows + 7] = 1.5;
  CHECK(lagom::certify(losses(rows), tolerance(.05), error_rate(.05)).error().row == 3);
}

namespace {

// True risks of candidates around a tolerance of 0.1, as policies have them: rising, a hole, all just too bold.
const std::vector<std::vector<double>> risks = {
    {.005, .02, .05, .09, .101, .12, .2, .4},
    {.02, .13, .02, .15, .02, .3, .11, .05},
    {.1001, .1001, .1001, .1001, .1001, .1001, .1001, .1001},
    {.01, .1001, .1001, .02, .01, .1001, .3, .9},
};

// Draws calibration sets. Loss kinds: 0 or 1; fractions around the risk; 0 or 1/2.
class simulation {
 public:
  static constexpr std::size_t rows = 80;
  simulation(const std::vector<double>& risk, int kind)
      : risk_(risk), kind_(kind), table_(risk.size() * rows) {}

  lagom::mat_view<const double> draw(std::uint64_t stream) {
    const lagom::philox random{99};
    for (std::size_t i = 0; i < rows; ++i) {
      const double shared = random.uniform(stream, i);  // the candidates see the same row
      for (std::size_t c = 0; c < risk_.size(); ++c) {
        const double own = random.uniform(stream, (c + 1) * 1000 + i);
        const double u = stream % 2 == 0 ? shared : own, r = risk_[c];
        double& loss = table_[c * rows + i];
        if (kind_ == 0) loss = u < r ? 1 : 0;
        if (kind_ == 1) loss = r <= 0.5 ? 2 * r * u : 1 - 2 * (1 - r) * u;
        if (kind_ == 2) loss = r <= 0.5 ? (u < 2 * r ? 0.5 : 0) : (u < r ? 1 : 0);
      }
    }
    return {table_.data(), risk_.size(), rows};
  }

 private:
  std::vector<double> risk_;
  int kind_;
  std::vector<double> table_;
};

// Is `count` of `runs` more than a chance of `error` explains? False alarm once in a million.
bool too_many(std::int64_t count, std::int64_t runs, double error) {
  return 1 - lagom::binomial_cdf(count - 1, runs, error) < 1e-6;
}

}  // namespace

TEST_CASE("certified falsely at most as often as the error rate says", "[stop][calibrate]") {
  constexpr double limit = .1, error = .1;
  constexpr std::int64_t runs = 1500;
  for (std::size_t scene = 0; scene < risks.size(); ++scene) {
    for (int kind = 0; kind < 3; ++kind) {
      simulation sets(risks[scene], kind);
      // By test and procedure: runs with a false rejection, and with any.
      std::int64_t wrong[6][3] = {}, any[6][3] = {}, off_by_one = 0;
      for (std::int64_t run = 0; run < runs; ++run) {
        const auto losses =
            sets.draw(static_cast<std::uint64_t>(run) * 12 + scene * 3 + static_cast<std::uint64_t>(kind));
        const auto one_test = [&](std::size_t t, const auto& test) {
          const auto p = must(lagom::p_values(losses, tolerance(limit), test));
          const auto count = [&](std::size_t m, const indices& candidates) {
            bool falsely = false;
            for (const auto c : candidates)
              falsely = falsely || risks[scene][static_cast<std::size_t>(c)] > limit;
            wrong[t][m] += falsely;
            any[t][m] += !candidates.empty();
          };
          count(0, rejected(lagom::fixed_sequence{}, p, error));
          count(1, rejected(lagom::multi_start{3}, p, error));
          count(2, rejected(lagom::holm{}, p, error));
          if (t == 3) {  // one past the last rejected, as a released implementation returns
            const auto last = must(lagom::fixed_sequence{}(p, error_rate(error))).last();
            if (last >= 0 && last + 1 < losses.rows())
              off_by_one += risks[scene][static_cast<std::size_t>(last) + 1] > limit;
          }
        };
        one_test(0, lagom::hoeffding{});
        one_test(1, lagom::tight_hoeffding{});
        one_test(2, lagom::bentkus{});
        one_test(3, lagom::hoeffding_bentkus{});
        one_test(4, lagom::wsr_betting{error_rate(error)});
        if (kind == 0) one_test(5, lagom::exact_binomial{});
      }
      for (std::size_t t = 0; t < 6; ++t) {
        for (std::size_t m = 0; m < 3; ++m) {
          CAPTURE(scene, kind, t, m, wrong[t][m], any[t][m]);
          CHECK(!too_many(wrong[t][m], runs, error));
          if (scene == 0 && t >= 3 && (kind == 0 || t < 5)) CHECK(any[t][m] > runs / 2);  // it does certify
        }
      }
      CAPTURE(scene, kind, off_by_one);
      if (scene == 1 || scene == 3) CHECK(too_many(off_by_one, runs, error));
    }
  }
}

TEST_CASE("the exact test spends its error rate", "[stop][calibrate]") {
  // Just above the tolerance it errs almost as often as it may: the simulation can tell a test from a timid one.
  simulation sets({.1001}, 0);
  std::int64_t wrong = 0;
  for (std::uint64_t run = 0; run < 4000; ++run) {
    wrong += must(lagom::exact_binomial{}(sets.draw(run).row(0), tolerance(.1))) <= .1;
  }
  const double chance = lagom::binomial_cdf(4, 80, .1001);  // P(Bin(80, .1) <= 4) = .088, <= 5 is above .1
  CHECK(chance < .1);
  CHECK(must(lagom::exact_binomial{}(lagom::counted_losses(5, 80), tolerance(.1))) > .1);
  CHECK(!too_many(wrong, 4000, chance));
  CHECK(!too_many(4000 - wrong, 4000, 1 - chance));
}

TEST_CASE("conformal risk control keeps the expected loss", "[stop][calibrate]") {
  // Losses that rise along the candidates: shared draws (even streams). The expected risk of the choice, over many sets.
  const std::vector<double> rising = {.0, .02, .04, .06, .08, .1, .12, .15, .2};
  simulation sets(rising, 0);
  double risk = 0;
  int chosen = 0;
  constexpr int runs = 3000;
  for (std::uint64_t run = 0; run < runs; ++run) {
    const auto choice = must(lagom::conformal_risk_control(sets.draw(2 * run), tolerance(.1)));
    REQUIRE(choice.monotone);
    risk += rising[static_cast<std::size_t>(choice.candidate)];
    chosen += choice.candidate > 3;
  }
  CHECK(risk / runs <= .1);
  CHECK(risk / runs > .07);
  CHECK(chosen > runs / 2);
}
