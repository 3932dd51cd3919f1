// SPDX-License-Identifier: MIT
// The rules of the layers, along the tokens.
#include <lagom/core/random.hpp>
#include <lagom/exit/exit_policy.hpp>
#include <lagom/exit/stop_generating.hpp>
#include <lagom/signal/agreement.hpp>
#include <lagom/signal/entropy.hpp>
#include <lagom/signal/gap.hpp>
#include <lagom/signal/hidden_cosine.hpp>
#include <lagom/signal/relative_depth.hpp>
#include <lagom/signal/top_prob.hpp>
#include <lagom/stop/all_of.hpp>
#include <lagom/stop/any_of.hpp>
#include <lagom/stop/crf.hpp>
#include <lagom/stop/falling_threshold.hpp>
#include <lagom/stop/in_a_row.hpp>
#include <lagom/stop/not_before.hpp>
#include <lagom/stop/patience.hpp>
#include <lagom/stop/when_alarmed.hpp>

#include <algorithm>
#include <limits>

#include "support/approx.hpp"
#include "support/catch.hpp"
#include "support/count_allocations.hpp"

using namespace lagom_test;
using lagom::of_token;
using lagom::portable;
using lagom::stop_generating;
using lagom::token_features;
using lagom::token_id;
using lagom::token_position;

// The axes do not mix.
static_assert(!std::convertible_to<lagom::layer_index, token_position> &&
              !std::convertible_to<token_position, lagom::layer_index>);
static_assert(!std::constructible_from<token_position, lagom::layer_index>);
static_assert(lagom::schedule<lagom::not_before<token_position>, token_position> &&
              !lagom::schedule<lagom::not_before<token_position>, lagom::layer_index> &&
              !lagom::schedule<lagom::not_before<>, token_position>);
static_assert(lagom::token_signal<of_token<lagom::entropy>> && !lagom::token_signal<lagom::entropy> &&
              !lagom::exit_signal<of_token<lagom::entropy>> && !lagom::exit_signal<lagom::end_prob>);
static_assert(lagom::stop_rule<lagom::falling_threshold<>> &&
              lagom::stop_rule<lagom::when_alarmed<lagom::drift_alarm>>);

namespace {

struct text {
  std::vector<lagom::token_obs> tokens;
  std::vector<std::vector<float>> states;
};

// Text of a sampler: peaked and flat distributions, few tokens, so that everything happens.
text sampled(std::uint64_t seed, std::size_t length = 60) {
  const lagom::philox random{seed};
  text t;
  t.states.reserve(length);
  for (std::size_t i = 0; i < length; ++i) {
    const auto z = normal<float>(6, 1000 * seed + i, 3 * random.uniform(1, i));
    const auto s = lagom::softmax_stats_of(portable{}, z);
    t.states.push_back(normal<float>(5, 7 + 100 * seed + i / 3));
    lagom::token_obs o{.token = random.uniform(2, i) < 0.7 ? s.top : static_cast<token_id>(i % 3),
                       .stats = s,
                       .end_prob = s.prob(z[5]),
                       .hidden = t.states[i]};
    if (i > 0) o.prev_hidden = t.states[i - 1];
    t.tokens.push_back(o);
  }
  return t;
}

template <class Policy>
int stop_of(const Policy& policy, const text& t) {
  auto run = policy.begin();
  for (const auto& o : t.tokens) {
    if (run.observe(o)) return run.state().tokens - 1;
  }
  return -1;
}

// The rule stepped by hand over features computed by hand.
template <class Rule, class Row>
int by_hand(const Rule& rule, const text& t, const Row& row, int first = 0) {
  typename Rule::state s;
  for (int i = first; i < static_cast<int>(t.tokens.size()); ++i) {
    const std::vector<float> x = row(i);
    if (rule.step(s, x) >= 0) return i;
  }
  return -1;
}

}  // namespace

TEST_CASE("one rule type serves layers and tokens", "[exit][tokens]") {
  const lagom::crf<2> chain{.weights = {{0.5f, -1.0f}, {-0.5f, 1.0f}},
                            .transitions = {{0.2f, -0.4f}, {-0.3f, 0.8f}}};
  int stopped = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const text t = sampled(seed);
    const auto at = [&](int i) -> const lagom::token_obs& { return t.tokens[static_cast<std::size_t>(i)]; };
    const auto entropies = [&](int i) { return std::vector<float>{at(i).stats.entropy()}; };
    const auto agreements = [&](int i) {
      return std::vector<float>{i > 0 && at(i).stats.top == at(i - 1).stats.top ? 1.0f : 0.0f};
    };
    const auto both = [&](int i) { return std::vector<float>{at(i).stats.gap(), at(i).stats.top_prob()}; };
    const auto surprise = [&](int i) { return std::vector<float>{at(i).end_prob}; };
    const token_features entropy{of_token{lagom::entropy{}}};
    const token_features agreement{of_token{lagom::agreement{}}};
    const token_features pair{of_token{lagom::gap{}}, of_token{lagom::top_prob{}}};
    const token_features end{lagom::end_prob{}};
    const auto same = [&](const auto& features, const auto& rule, const auto& row) {
      const int alone = by_hand(rule, t, row);
      CHECK(stop_of(stop_generating{features, rule}, t) == alone);
      stopped += alone >= 0;
    };
    same(entropy, lagom::threshold<lagom::below>{0.2f}, entropies);
    same(agreement, lagom::patience{2}, agreements);
    same(entropy, lagom::in_a_row{3, lagom::threshold<lagom::below>{1.5f}}, entropies);
    same(end, lagom::falling_threshold{lagom::position_decay{.threshold = 0.9, .length = 60}}, surprise);
    same(pair, chain, both);
    same(pair, lagom::any_of{lagom::threshold{0.99f, 1}, lagom::patience{4, 0}}, both);
    const lagom::drift_alarm drift{.tolerance = lagom::tolerance(0.1), .run = 50};
    same(end, lagom::when_alarmed{drift}, surprise);
    const lagom::risk_monitor risk{lagom::tolerance(0.1), lagom::error_rate(0.2)};
    same(end, lagom::when_alarmed{risk}, surprise);
    // Tokens that the schedule leaves out are not shown to the rule.
    const lagom::threshold<lagom::below> sure{0.5f};
    const stop_generating late{entropy, sure, lagom::not_before{token_position{20}}};
    CHECK(stop_of(late, t) == by_hand(sure, t, entropies, 20));
  }
  CHECK(stopped > 150);
}

TEST_CASE("the rule sees on tokens what it sees on layers", "[exit][tokens]") {
  // The same statistics shown as layers of one token and as tokens of one text.
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const text t = sampled(seed, 24);
    const lagom::patience rule{.steps = 2, .feature = 1};
    const lagom::exit_policy layers{lagom::features<lagom::entropy, lagom::agreement, lagom::hidden_cosine>{},
                                    rule};
    const stop_generating tokens{token_features{of_token{lagom::entropy{}}, of_token{lagom::agreement{}},
                                                of_token{lagom::hidden_cosine{}}},
                                 rule};
    auto deep = layers.begin(25);
    auto along = tokens.begin();
    for (int i = 0; i < 24; ++i) {
      const auto& o = t.tokens[static_cast<std::size_t>(i)];
      lagom::layer_obs seen{.layer = i, .hidden = o.hidden, .prev_hidden = o.prev_hidden};
      if (i == 0) seen.prev_hidden = seen.hidden;
      lagom::token_obs shown = o;
      if (i == 0) shown.prev_hidden = shown.hidden;
      const bool stops = deep.observe(seen, o.stats);
      CHECK(along.observe(shown) == stops);
      if (!stops) CHECK(along.state().score == deep.state().score);
    }
  }
}

TEST_CASE("why a text ended", "[exit][tokens]") {
  const stop_generating never{token_features{lagom::end_prob{}}, lagom::threshold{2.0f}};
  auto limited = never;
  limited.most = 5;
  limited.end = 9;
  auto run = limited.begin();
  for (int i = 0; i < 4; ++i) CHECK(!run.observe({.token = i}));
  CHECK(run.why() == lagom::ended::not_yet);
  CHECK(run.observe({.token = 4}));
  CHECK((run.why() == lagom::ended::by_length && run.length() == 5));
  CHECK(run.observe({.token = 9}));  // after the end nothing changes
  CHECK((run.why() == lagom::ended::by_length && run.length() == 5));

  auto short_run = limited.begin();
  CHECK(!short_run.observe({.token = 1}));
  CHECK(short_run.observe({.token = 9}));
  CHECK((short_run.why() == lagom::ended::by_end_token && short_run.length() == 1));

  const stop_generating soon{token_features{lagom::end_prob{}}, lagom::threshold{0.5f}};
  auto ruled = soon.begin();
  CHECK(!ruled.observe({.token = 1, .end_prob = 0.49f}));
  CHECK(!ruled.observe({.token = 1, .end_prob = std::numeric_limits<float>::quiet_NaN()}));
  CHECK(ruled.observe({.token = 1, .end_prob = 0.5f}));
  CHECK((ruled.why() == lagom::ended::by_rule && ruled.length() == 3));

  // Flagged or missing statistics stop nothing that reads them.
  const stop_generating calm{token_features{of_token{lagom::entropy{}}},
                             lagom::threshold<lagom::below>{10.0f}};
  auto flagged = calm.begin();
  CHECK(!flagged.observe({.token = 1}));
  lagom::softmax_stats<float> bad;
  bad.push(1, 0);
  CHECK(bad.valid());
  bad.bad = true;
  CHECK(!flagged.observe({.token = 1, .stats = bad}));
  bad.bad = false;
  CHECK(flagged.observe({.token = 1, .stats = bad}));
}

TEST_CASE("loops are found by their phrases", "[exit][tokens]") {
  // Against the definition: the last p tokens stand t times in a row at the end.
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const lagom::philox random{seed};
    lagom::loop_watch<5> watch;
    CHECK((watch.times() == 0 && watch.length() == 0));
    std::vector<token_id> all;
    for (std::uint64_t i = 0; i < 40; ++i) {
      // Often what stood there a few tokens before, so that phrases come about.
      const auto back = 1 + static_cast<std::size_t>(random.uniform(1, i) * 3);
      const bool again = random.uniform(0, i) < 0.8 && back <= all.size();
      all.push_back(again ? all[all.size() - back] : static_cast<token_id>(random.uniform(2, i) * 3));
      watch.push(all.back());
      int times = 1, length = 1;
      const int n = static_cast<int>(all.size());
      for (int p = 1; p <= 5; ++p) {
        int t = 1;
        const auto phrase = [&](int k) {
          return n - p * (k + 1) >= 0 && std::equal(all.end() - p, all.end(), all.end() - p * (k + 1));
        };
        while (phrase(t)) ++t;
        if (t > times) times = t, length = p;
      }
      CHECK(watch.times() == times);
      CHECK(watch.length() == length);
    }
  }
  const stop_generating enough{token_features{lagom::repeats{}}, lagom::threshold{3.0f}};
  auto run = enough.begin();
  int shown = 0;
  for (const token_id t : {7, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1}) {
    ++shown;
    if (run.observe({.token = t})) break;
  }
  CHECK(shown == 10);
}

TEST_CASE("watching a text allocates nothing", "[exit][tokens]") {
  const text t = sampled(3);
  const stop_generating policy{
      token_features{of_token{lagom::entropy{}}, of_token{lagom::hidden_cosine{}}, lagom::end_prob{},
                     lagom::repeats{}},
      lagom::all_of{lagom::threshold{1e9f}, lagom::patience{1, 1},
                    lagom::when_alarmed{lagom::drift_alarm{lagom::tolerance(0.5)}, 2}}};
  static_assert(std::is_trivially_copyable_v<lagom::generation_state<decltype(policy)>>);
  const auto before = allocations();
  CHECK(stop_of(policy, t) == -1);
  CHECK(allocations() == before);
}
