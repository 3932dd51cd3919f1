// SPDX-License-Identifier: MIT
#include <lagom/core/random.hpp>
#include <lagom/signal/exit_signal.hpp>
#include <lagom/stop/all_of.hpp>
#include <lagom/stop/any_of.hpp>
#include <lagom/stop/at_layers.hpp>
#include <lagom/stop/crf.hpp>
#include <lagom/stop/degenerate.hpp>
#include <lagom/stop/in_a_row.hpp>
#include <lagom/stop/logistic.hpp>
#include <lagom/stop/not_before.hpp>
#include <lagom/stop/on_features.hpp>
#include <lagom/stop/patience.hpp>
#include <lagom/stop/rbf_svm.hpp>
#include <lagom/stop/standardized.hpp>
#include <lagom/stop/threshold.hpp>
#include <vector>

#include "support/catch.hpp"

using lagom::vec_view;

namespace {

template <class Rule>
float step(const Rule& rule, typename Rule::state& s, std::vector<float> x) {
  return rule.step(s, vec_view<const float>(x));
}
template <class Rule>
float once(const Rule& rule, std::vector<float> x) {
  typename Rule::state s{};
  return step(rule, s, std::move(x));
}

}  // namespace

static_assert(lagom::stop_rule<lagom::threshold<>> && lagom::stop_rule<lagom::rbf_svm<2>> &&
              lagom::stop_rule<lagom::crf<3>>);
static_assert(lagom::stop_rule<lagom::standardized<lagom::linear_svm<2>>> && !lagom::stop_rule<int>);
static_assert(lagom::schedule<lagom::not_before<>> && lagom::schedule<lagom::at_layers> &&
              !lagom::schedule<lagom::patience>);
static_assert(lagom::stop_rule<lagom::all_of<lagom::patience, lagom::threshold<>>>);
static_assert(lagom::schedule<lagom::any_of<lagom::at_layers, lagom::every_nth<>>>);
static_assert(!lagom::stop_rule<lagom::all_of<lagom::every_layer, lagom::not_before<>>>);
static_assert(std::is_trivially_copyable_v<lagom::linear_svm<8>> &&
              std::is_trivially_copyable_v<lagom::at_layers>);

TEST_CASE("the four comparators differ just on the threshold", "[stop][threshold]") {
  const float t = 0.8f, up = std::nextafter(t, 1.0f), down = std::nextafter(t, 0.0f);
  const auto stops = [](float score) { return score >= 0; };
  CHECK(stops(once(lagom::threshold<lagom::at_least>{t}, {t})));
  CHECK_FALSE(stops(once(lagom::threshold<lagom::above>{t}, {t})));
  CHECK(stops(once(lagom::threshold<lagom::at_most>{t}, {t})));
  CHECK_FALSE(stops(once(lagom::threshold<lagom::below>{t}, {t})));
  CHECK(stops(once(lagom::threshold<lagom::above>{t}, {up})));
  CHECK_FALSE(stops(once(lagom::threshold<lagom::at_least>{t}, {down})));
  CHECK(stops(once(lagom::threshold<lagom::below>{t}, {down})));
  CHECK_FALSE(stops(once(lagom::threshold<lagom::at_most>{t}, {up})));
  CHECK(once(lagom::threshold{0.5f, 1}, {0, 0.75f}) == 0.25f);
  CHECK(once(lagom::adainfer_rule(), {0.8f}) >= 0);
  CHECK(once(lagom::threshold{0.8f}, {0.7f}) < 0);
}

TEST_CASE("patience counts as PABEE does", "[stop][patience]") {
  // (predictions, patience) -> layers used, answer.
  const auto run = [](std::vector<int> predictions, int steps) {
    const lagom::patience rule{.steps = steps};
    lagom::patience::state s;
    for (std::size_t l = 0; l < predictions.size(); ++l) {
      const bool agrees = l > 0 && predictions[l] == predictions[l - 1];
      if (step(rule, s, {agrees ? 1.0f : 0.0f}) >= 0)
        return std::pair<std::size_t, int>(l + 1, predictions[l]);
    }
    return std::pair<std::size_t, int>(predictions.size(), predictions.back());
  };
  CHECK(run({1, 1, 1, 0, 0, 0, 0}, 1) == std::pair<std::size_t, int>(2, 1));
  CHECK(run({1, 1, 1, 0, 0, 0, 0}, 2) == std::pair<std::size_t, int>(3, 1));
  CHECK(run({1, 1, 1, 0, 0, 0, 0}, 3) == std::pair<std::size_t, int>(7, 0));
  for (const int p : {1, 2, 3}) CHECK(run({0, 1, 0, 1, 0, 1}, p) == std::pair<std::size_t, int>(6, 1));
  for (const int p : {1, 2, 3})
    CHECK(run({2, 2, 2, 2}, p) == std::pair<std::size_t, int>(static_cast<std::size_t>(p) + 1, 2));
}

TEST_CASE("in_a_row is patience with any rule", "[stop][patience]") {
  // PABEE's counter on agreement, on a thousand sequences.
  const lagom::philox random{7};
  for (int steps = 1; steps < 5; ++steps) {
    const lagom::patience counter{.steps = steps};
    const lagom::in_a_row general{steps, lagom::threshold{0.5f}};
    for (std::uint64_t i = 0; i < 250; ++i) {
      lagom::patience::state a;
      decltype(general)::state b;
      for (std::uint64_t l = 0; l < 20; ++l) {
        const float agrees = random.uniform(i, l) < 0.7 ? 1.0f : 0.0f;
        REQUIRE(step(counter, a, {agrees}) == step(general, b, {agrees}));
      }
    }
  }
  const auto rule = lagom::fpabee(2, 0.1f);
  decltype(rule)::state s;
  CHECK(step(rule, s, {0.69f}) < 0);
  CHECK(step(rule, s, {0.05f}) < 0);
  CHECK(step(rule, s, {0.1f}) < 0);  // not below
  CHECK(step(rule, s, {0.05f}) < 0);
  CHECK(step(rule, s, {0.09f}) >= 0);
  static_assert(lagom::stop_rule<lagom::in_a_row<lagom::all_of<lagom::patience, lagom::threshold<>>>>);
}

TEST_CASE("DeeBERT's entropy threshold: below stops, -1 never does", "[stop][threshold]") {
  const lagom::threshold<lagom::below> rule{0.5f};
  CHECK(once(rule, {0.49f}) >= 0);
  CHECK(once(rule, {0.5f}) < 0);
  CHECK(once(lagom::threshold<lagom::below>{-1.0f}, {0.0f}) <
        0);  // the released default: no exit, as entropy is never negative
  CHECK(once(lagom::threshold<lagom::below>{0.0f}, {0.0f}) < 0);
}

TEST_CASE("linear and logistic scores", "[stop][linear]") {
  constexpr lagom::linear_svm<2> svm{{2.0f, -1.0f}, 0.5f};
  CHECK(once(svm, {1, 3, 99}) == -0.5f);  // features beyond the first two are not its business
  const lagom::logistic<1> model{{4.0f}, -2.0f};
  CHECK(once(model, {0.5f}) == 0);
  CHECK(model.probability(std::vector<float>{1}) == Approx(1 / (1 + std::exp(-2.0))));
  CHECK(once(model.at(0.9f), {1}) < 0);
  CHECK(once(model.at(0.88f), {1}) > 0);
  CHECK(once(lagom::on_features{1, svm}, {99, 1, 3}) == -0.5f);
  const lagom::standardized<lagom::linear_svm<1>> scaled{{{10.0f}, {0.5f}}, {{1.0f}, 0.0f}};
  CHECK(once(scaled, {14}) == 2);
}

TEST_CASE("the RBF score sums kernels, whoever owns the vectors", "[stop][rbf]") {
  std::vector<float> support, coefficients;
  for (int f = 0; f < 2; ++f) {
    for (int i = 0; i < 37; ++i) support.push_back(static_cast<float>(i * (f + 1)) * 0.1f);
  }
  for (int i = 0; i < 37; ++i) coefficients.push_back(i % 2 == 0 ? 0.5f : -0.3f);
  const lagom::rbf_svm<2> owner{support, coefficients, 0.7f, 0.2f};
  const lagom::rbf_svm<2, vec_view<const float>> viewer{support, coefficients, 0.7f, 0.2f};
  double exact = 0.2;
  for (int i = 0; i < 37; ++i) {
    const double a = 1.5 - i * 0.1, b = 2.5 - i * 0.2;
    exact += (i % 2 == 0 ? 0.5 : -0.3) * std::exp(-0.7 * (a * a + b * b));
  }
  CHECK(once(owner, {1.5f, 2.5f}) == Approx(exact).epsilon(1e-5));
  CHECK(once(viewer, {1.5f, 2.5f}) == once(owner, {1.5f, 2.5f}));
}

TEST_CASE("the CRF's filtered marginals match the known vector and brute force", "[stop][crf]") {
  // Emissions as weights on one-hot positions: feature t is 1 at step t.
  const lagom::crf<3> model{{{.5f, .1f, -.4f}, {-.2f, .3f, .9f}}, {}, {{.2f, -.1f}, {-.5f, .4f}}};
  const double known[] = {.331812227832, .568987521078, .839113676925};
  lagom::crf<3>::state s;
  for (std::size_t t = 0; t < 3; ++t) {
    std::vector<float> x(3, 0.0f);
    x[t] = 1;
    CHECK(model.filtered(s, x) == Approx(known[t]).epsilon(1e-6));
  }
  // Enumeration of all label paths up to each step, for a longer chain with biases.
  lagom::crf<1> chain{
      .weights = {{0.3f}, {1.1f}}, .bias = {0.2f, -0.4f}, .transitions = {{0.5f, -1.0f}, {-0.7f, 0.9f}}};
  lagom::crf<1>::state c;
  std::vector<float> seen;
  for (int t = 0; t < 10; ++t) {
    seen.push_back(std::sin(static_cast<float>(t) * 1.7f) * 2);
    double mass[2] = {};
    for (unsigned path = 0; path < 1u << seen.size(); ++path) {
      double score = 0;
      for (std::size_t i = 0; i < seen.size(); ++i) {
        const unsigned y = path >> i & 1u;
        score += static_cast<double>(chain.weights[y][0]) * static_cast<double>(seen[i]) +
                 static_cast<double>(chain.bias[y]);
        if (i > 0) score += static_cast<double>(chain.transitions[path >> (i - 1) & 1u][y]);
      }
      mass[path >> (seen.size() - 1) & 1u] += std::exp(score);
    }
    CHECK(chain.filtered(c, std::vector<float>{seen.back()}) ==
          Approx(mass[1] / (mass[0] + mass[1])).epsilon(1e-5));
  }
}

TEST_CASE("combined rules all take every step", "[stop][combine]") {
  const lagom::all_of both{lagom::threshold{0.8f}, lagom::patience{2, 1}};
  const lagom::any_of either{lagom::threshold{0.8f}, lagom::patience{2, 1}};
  decltype(both)::state b;
  decltype(either)::state e;
  CHECK(step(both, b, {0.9f, 0}) < 0);
  CHECK(step(both, b, {0.1f, 1}) < 0);
  CHECK(step(both, b, {0.9f, 1}) >= 0);  // patience went on counting while the threshold said no
  CHECK(step(either, e, {0.1f, 1}) < 0);
  CHECK(step(either, e, {0.9f, 0}) >= 0);
  CHECK(step(either, e, {0.1f, 1}) < 0);
  CHECK(step(either, e, {0.1f, 1}) >= 0);
}

namespace {
// A rule whose score is lost.
struct lost {
  using state = lagom::no_state;
  float step(state&, lagom::vec_view<const float>) const noexcept {
    float nan;
    lagom::mark_missing(&nan);
    return nan;
  }
};
}  // namespace

TEST_CASE("a lost score would not stop, wherever it stands", "[stop][combine]") {
  const lagom::threshold yes{0.5f};
  const auto score = [](const auto& rule) {
    typename std::remove_cvref_t<decltype(rule)>::state s;
    return step(rule, s, {0.9f});
  };
  CHECK(score(lagom::all_of{yes, lost{}}) < 0);
  CHECK(score(lagom::all_of{lost{}, yes}) < 0);
  CHECK(score(lagom::any_of{yes, lost{}}) >= 0);
  CHECK(score(lagom::any_of{lost{}, yes}) >= 0);
  CHECK(score(lagom::any_of{lost{}, lost{}}) < 0);
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(score(lagom::all_of{lagom::threshold{-infinity}}) >= 0);
  CHECK(score(lagom::all_of{lagom::threshold{infinity}}) < 0);
}

TEST_CASE("a stride counts layers or tokens", "[stop][schedule]") {
  const lagom::every_nth<lagom::index_t> tokens{3, 1};
  CHECK_FALSE(tokens(lagom::index_t{0}, 9));
  CHECK(tokens(lagom::index_t{4}, 9));
}

TEST_CASE("schedules say which layers are probed", "[stop][schedule]") {
  const auto layers = [](auto schedule, int n) {
    std::vector<int> out;
    for (int l = 0; l < n; ++l) {
      if (schedule(lagom::layer_index(l), n)) out.push_back(l);
    }
    return out;
  };
  using list = std::vector<int>;
  CHECK(layers(lagom::every_layer{}, 3) == list{0, 1, 2});
  CHECK(layers(lagom::not_before{2}, 4) == list{2, 3});
  CHECK(layers(lagom::every_nth{3, 1}, 9) == list{1, 4, 7});
  CHECK(layers(lagom::at_layers{0, 70, 255}, 300) == list{0, 70, 255});
  CHECK(layers(lagom::all_of{lagom::not_before{4}, lagom::every_nth{2}}, 9) == list{4, 6, 8});
  CHECK(layers(lagom::any_of{lagom::at_layers{1}, lagom::not_before{3}}, 5) == list{1, 3, 4});
}

TEST_CASE("a rule that decides nothing is recognised", "[stop][degenerate]") {
  lagom::stop_counts at_once, never, mixed;
  for (int i = 0; i < 5; ++i) {
    at_once.push(0, 0, 12);
    never.push(11, 0, 12);
    mixed.push(i, 0, 12);
  }
  CHECK(at_once.verdict() == lagom::degeneracy::always_at_once);
  CHECK(never.verdict() == lagom::degeneracy::never);
  CHECK(mixed.verdict() == lagom::degeneracy::none);
  at_once.merge(never);
  CHECK(at_once.verdict() == lagom::degeneracy::none);
  CHECK(lagom::stop_counts{}.verdict() == lagom::degeneracy::none);
}
