// SPDX-License-Identifier: MIT
#include <lagom/adapt/native.hpp>
#include <lagom/exit/all_rows.hpp>
#include <lagom/exit/batch_run.hpp>
#include <lagom/exit/majority.hpp>
#include <lagom/exit/where_it_pays.hpp>
#include <lagom/signal/agreement.hpp>
#include <lagom/signal/candidate_probe.hpp>
#include <lagom/signal/gap.hpp>
#include <lagom/signal/hidden_cosine.hpp>
#include <lagom/signal/top_prob.hpp>
#include <lagom/stop/not_before.hpp>
#include <lagom/stop/patience.hpp>
#include <lagom/stop/specee.hpp>
#include <lagom/stop/threshold.hpp>

#include <algorithm>
#include <bit>

#include "support/catch.hpp"
#include "support/count_allocations.hpp"
#include "toy.hpp"

using namespace lagom_test;
using lagom::features;
using lagom::index_t;
using lagom::mat_view;
using lagom::portable;

static_assert(lagom::check_batch_rule<lagom::each_row>::value);
static_assert(lagom::check_batch_rule<lagom::all_rows>::value);
static_assert(lagom::check_batch_rule<lagom::majority>::value);
static_assert(lagom::check_batch_rule<lagom::where_it_pays>::value);

namespace {

// To the bit, but where the compiler is free to add in another order at every place that asks.
bool same(float a, float b) {
#ifdef __FAST_MATH__
  return a == Approx(b).epsilon(1e-5).margin(1e-5);
#else
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
#endif
}
bool near(float a, float b) { return a == Approx(b).epsilon(1e-5).margin(1e-5); }

// The hidden states of toy sequences after every layer: states[layer][sequence], before the first layer at [0].
std::vector<std::vector<std::vector<float>>> states_of(const toy& engine, index_t sequences) {
  std::vector<std::vector<std::vector<float>>> all(toy::layers + 1);
  for (int i = 0; i < sequences; ++i) {
    auto x = engine.start(i);
    all[0].push_back(x);
    for (int l = 0; l < toy::layers; ++l) {
      engine.layer(i, l, x);
      all[static_cast<std::size_t>(l) + 1].push_back(x);
    }
  }
  return all;
}

// The rows of some sequences after a number of layers, close together.
std::vector<float> rows(const std::vector<std::vector<float>>& after, const std::vector<index_t>& of) {
  std::vector<float> x;
  for (const index_t i : of) {
    const auto& row = after[static_cast<std::size_t>(i)];
    x.insert(x.end(), row.begin(), row.end());
  }
  return x;
}

// All layers of a token, as an engine shows them that closes the gaps.
template <class Run>
void decode(Run& run, const toy& engine, const std::vector<std::vector<std::vector<float>>>& states) {
  const auto n = static_cast<index_t>(states[0].size());
  run.begin(n, toy::layers);
  std::vector<index_t> before = run.live();
  std::size_t gone = 0;
  for (int l = 0; l < toy::layers && !run.live().empty(); ++l) {
    const auto layer = static_cast<std::size_t>(l);
    const auto was = rows(states[layer], run.live()), is = rows(states[layer + 1], run.live());
    const auto live = static_cast<index_t>(run.live().size());
    const bool left = run.observe({.layer = l,
                                   .hidden = mat_view(is.data(), live, toy::dim),
                                   .prev_hidden = mat_view(was.data(), live, toy::dim)},
                                  engine.head);
    // Those under way and those that left are those that were there, in order.
    REQUIRE(left == !run.left().empty());
    REQUIRE(run.live().size() + run.left().size() == before.size());
    REQUIRE(run.kept().size() == run.live().size());
    for (std::size_t i = 0; i < run.live().size(); ++i) {
      REQUIRE(before[static_cast<std::size_t>(run.kept()[i])] == run.live()[i]);
      REQUIRE(run.token(run.live()[i]) == lagom::no_token);
    }
    REQUIRE(std::is_sorted(run.live().begin(), run.live().end()));
    REQUIRE(std::is_sorted(run.left().begin(), run.left().end()));
    for (const index_t i : run.left()) REQUIRE(run.state(i).stop == lagom::layer_index(l));
    gone += run.left().size();
    before = run.live();
  }
  REQUIRE(gone == states[0].size());
  REQUIRE(run.live().empty());
}

// Score and statistics of a row are those of a batch of it alone, to the bit.
template <class Run, class Policy>
void as_single(const Run& run, const Policy& policy, const toy& engine,
               const std::vector<std::vector<std::vector<float>>>& states, index_t i) {
  lagom::batch_run single{policy};
  single.begin(1, toy::layers);
  for (std::size_t l = 0; l < toy::layers && !single.live().empty(); ++l) {
    const auto& was = states[l][static_cast<std::size_t>(i)];
    const auto& is = states[l + 1][static_cast<std::size_t>(i)];
    single.observe({.layer = static_cast<int>(l),
                    .hidden = mat_view(is.data(), 1, toy::dim),
                    .prev_hidden = mat_view(was.data(), 1, toy::dim)},
                   engine.head);
  }
  const auto& a = run.state(i);
  const auto& b = single.state(0);
  REQUIRE(a.stop == b.stop);
  REQUIRE(a.stats.top == b.stats.top);
  REQUIRE(same(a.score, b.score));
  REQUIRE(same(a.stats.max, b.stats.max));
  REQUIRE(same(a.stats.sum, b.stats.sum));
  REQUIRE(same(a.stats.second, b.stats.second));
}

template <class Policy>
void as_alone(const toy& engine, const Policy& policy) {
  for (const index_t n : {0, 1, 3, 8, 33}) {
    const auto states = states_of(engine, n);
    lagom::batch_run run{policy};
    decode(run, engine, states);
    for (index_t i = 0; i < n; ++i) {
      auto alone = policy.begin(toy::layers);
      for (int l = 0; l < toy::layers; ++l) {
        const auto layer = static_cast<std::size_t>(l);
        const auto s = static_cast<std::size_t>(i);
        if (alone.observe({.layer = l, .hidden = states[layer + 1][s], .prev_hidden = states[layer][s]},
                          engine.head)) {
          break;
        }
      }
      REQUIRE(run.state(i).stop == alone.stopped_at());
      REQUIRE(run.used(i) == alone.used());
      REQUIRE(run.token(i) == alone.token());
      REQUIRE(run.state(i).probes == alone.probes());
      REQUIRE(near(run.state(i).score, alone.state().score));
      as_single(run, policy, engine, states, i);
    }
  }
}

// Wants to stop where the first feature is large enough, and asks to be confirmed that the token leaves no remainder.
struct doubting {
  float value = 0;
  lagom::token_id divisor = 2;
  struct state {
    int steps = 0;
  };
  float step(state& s, lagom::vec_view<const float> x) const noexcept {
    ++s.steps;
    return x[0] - value;
  }
  template <class A>
  bool confirms(const state& s, const lagom::softmax_stats<A>& answer) const noexcept {
    return (answer.top + s.steps) % divisor == 0;
  }
};
static_assert(lagom::confirming_rule<doubting>);

constexpr float enough = 0.7f;
const lagom::exit_policy by_gap{features<lagom::gap>{}, lagom::threshold{enough}};

// gaps[layer][sequence] and the tokens, each computed alone.
struct alone {
  std::vector<std::vector<float>> gap;
  std::vector<std::vector<lagom::token_id>> token;

  alone(const toy& engine, const std::vector<std::vector<std::vector<float>>>& states)
      : gap(toy::layers), token(toy::layers) {
    for (std::size_t l = 0; l < toy::layers; ++l) {
      for (const auto& x : states[l + 1]) {
        const auto s = lagom::unembed(portable{}, x, engine.head);
        gap[l].push_back(s.gap());
        token[l].push_back(s.top);
      }
    }
  }
};

}  // namespace

TEST_CASE("every row of a batch stops where it stops alone", "[exit][batch]") {
  const toy engine;
  as_alone(engine, by_gap);
  as_alone(engine, lagom::exit_policy{features<lagom::gap, lagom::top_prob>{}, lagom::threshold{0.6f},
                                      lagom::not_before{3}});
  as_alone(engine, lagom::exit_policy{features<lagom::agreement>{}, lagom::patience{2}});
  // Decided without statistics: the head is passed for the rows that leave.
  as_alone(engine, lagom::exit_policy{features<lagom::hidden_cosine>{}, lagom::threshold{0.75f}});
  as_alone(engine, lagom::exit_policy{features<lagom::gap>{}, lagom::threshold{2.0f}});   // never
  as_alone(engine, lagom::exit_policy{features<lagom::gap>{}, lagom::threshold{-1.0f}});  // at once
}

TEST_CASE("a row stops at the same layer in a batch of any size", "[exit][batch]") {
  const toy engine;
  const lagom::exit_policy policy{features<lagom::gap>{}, lagom::threshold{enough}, lagom::every_layer{},
                                  lagom::native{}};
  lagom::batch_run all{policy};
  decode(all, engine, states_of(engine, 33));
  for (const index_t n : {1, 2, 8, 20}) {
    lagom::batch_run some{policy};
    decode(some, engine, states_of(engine, n));
    for (index_t i = 0; i < n; ++i) {
      REQUIRE(some.state(i).stop == all.state(i).stop);
      REQUIRE(some.state(i).score == all.state(i).score);
      REQUIRE(some.state(i).stats.sum == all.state(i).stats.sum);
    }
  }
}

TEST_CASE("a batch that leaves as one does so when all its rows want to, or enough of them",
          "[exit][batch]") {
  const toy engine;
  const index_t n = 7;
  const auto states = states_of(engine, n);
  const alone each(engine, states);
  for (const double share : {1.0, 0.5, 0.2, 0.0}) {
    std::size_t expected = 0;
    for (;; ++expected) {
      const auto wanting = std::count_if(each.gap[expected].begin(), each.gap[expected].end(),
                                         [](float g) { return g >= enough; });
      const bool leaves = share == 1 ? wanting == n : static_cast<double>(wanting) > share * n;
      if (leaves || expected + 1 == toy::layers) break;
    }
    const auto check = [&](auto rule) {
      lagom::batch_run run{by_gap, rule};
      decode(run, engine, states);
      for (index_t i = 0; i < n; ++i) {
        REQUIRE(run.state(i).stop == lagom::layer_index(static_cast<int>(expected)));
        REQUIRE(run.token(i) == each.token[expected][static_cast<std::size_t>(i)]);
        REQUIRE(run.state(i).probes == static_cast<int>(expected) + 1);
      }
    };
    if (share == 1) {
      check(lagom::all_rows{});
    } else {
      check(lagom::majority{share});
    }
  }
}

TEST_CASE("rows that leave before they want to answer as they stand", "[exit][batch]") {
  const toy engine;
  const index_t n = 9;
  const auto states = states_of(engine, n);
  const alone each(engine, states);
  const lagom::exit_policy steady{features<lagom::hidden_cosine>{}, lagom::threshold{0.75f}};
  lagom::batch_run run{steady, lagom::majority{0.3}};
  decode(run, engine, states);
  const auto stop = static_cast<std::size_t>(run.state(0).stop.value);
  REQUIRE(stop + 1 < toy::layers);
  for (index_t i = 0; i < n; ++i) {
    CHECK(run.state(i).stop == run.state(0).stop);
    CHECK(run.token(i) == each.token[stop][static_cast<std::size_t>(i)]);
    CHECK(run.state(i).probes == 1);
  }
}

TEST_CASE("rows leave where the smaller batch saves more than it costs", "[exit][batch]") {
  const std::vector<float> scores{0.5f, -1, 0.0f, -1, -1};  // two of five
  const lagom::batch_moment m{scores, 4};
  CHECK(m.wanting() == 2);
  CHECK(lagom::where_it_pays{.layer_row = 1, .move = 4, .move_row = 1}(m) ==
        lagom::leaving::wanting);                                                                    // 8 > 7
  CHECK(lagom::where_it_pays{.layer_row = 1, .move = 5, .move_row = 1}(m) == lagom::leaving::none);  // 8 = 8
  CHECK(lagom::where_it_pays{.layer_row = 0}(m) == lagom::leaving::none);
  const std::vector<float> all{0, 1};
  CHECK(lagom::where_it_pays{.layer_row = 0, .move = 9}(lagom::batch_moment{all, 1}) ==
        lagom::leaving::wanting);

  const toy engine;
  const auto states = states_of(engine, 8);
  lagom::batch_run held{by_gap, lagom::where_it_pays{.layer_row = 1, .move = 1e9}};
  decode(held, engine, states);
  lagom::batch_run together{by_gap, lagom::all_rows{}};
  decode(together, engine, states);
  lagom::batch_run free{by_gap, lagom::where_it_pays{}};
  decode(free, engine, states);
  lagom::batch_run apart{by_gap};
  decode(apart, engine, states);
  for (index_t i = 0; i < 8; ++i) {
    CHECK(held.state(i).stop == together.state(i).stop);
    CHECK(free.state(i).stop == apart.state(i).stop);
  }
}

TEST_CASE("a batch allocates for its first token, and not again", "[exit][batch]") {
  const toy engine;
  const auto states = states_of(engine, 8);
  const auto flat = [&](std::size_t l) {
    std::vector<float> x;
    for (const auto& row : states[l]) x.insert(x.end(), row.begin(), row.end());
    return x;
  };
  std::vector<std::vector<float>> x;
  for (std::size_t l = 0; l <= toy::layers; ++l) x.push_back(flat(l));
  const auto token = [&](auto& run) {
    run.begin(8, toy::layers);
    for (int l = 0; l < toy::layers && !run.live().empty(); ++l) {
      const auto layer = static_cast<std::size_t>(l);
      const auto live = static_cast<index_t>(run.live().size());
      run.observe({.layer = l,
                   .hidden = mat_view(x[layer + 1].data(), live, toy::dim),
                   .prev_hidden = mat_view(x[layer].data(), live, toy::dim)},
                  engine.head);
    }
  };
  const lagom::exit_policy steady{features<lagom::hidden_cosine>{}, lagom::threshold{0.75f}};
  lagom::batch_run by_statistics{by_gap};
  lagom::batch_run without{steady};
  const auto check = [&](auto& run) {
    token(run);
    const std::size_t before = allocations();
    token(run);
    CHECK(allocations() == before);
  };
  const std::size_t at_first = allocations();
  check(by_statistics);
  check(without);
  CHECK(allocations() > at_first);  // the counter counts
}

TEST_CASE("rows that want to stop are confirmed in a batch as alone", "[exit][batch]") {
  const toy engine;
  for (const float value : {-2.0f, 0.3f, 0.6f, 0.75f, 0.9f, 2.0f}) {
    for (const lagom::token_id divisor : {1, 2, 3, 1000}) {
      const doubting rule{value, divisor};
      as_alone(engine, lagom::exit_policy{features<lagom::hidden_cosine>{}, rule});
      as_alone(engine, lagom::exit_policy{features<lagom::gap>{}, rule});
      as_alone(engine, lagom::exit_policy{features<lagom::hidden_cosine>{}, rule, lagom::not_before{4}});
    }
  }
}

TEST_CASE("SpecEE in a batch: every row with its own candidates stops where it stops alone",
          "[exit][batch]") {
  const toy engine;
  constexpr index_t n = 33;
  using probe = lagom::candidate_probe<3, decltype(engine.head)>;
  const auto states = states_of(engine, n);
  int early = 0, refused = 0;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    lagom::specee<3> rule{.hidden = 6, .log_odds = -0.5f};
    rule.parameters = normal<float>(static_cast<std::size_t>(lagom::specee<3>::size(6)), 50 + seed, 0.7);
    // The best token of a deep layer and two more.
    std::vector<lagom::token_id> drafts;
    for (std::size_t i = 0; i < n; ++i) {
      const auto best = lagom::unembed(portable{}, states[toy::layers - seed % 3][i], engine.head).top;
      for (lagom::token_id k = 0; k < 3; ++k) drafts.push_back((best + 7 * k) % toy::vocab);
    }
    const lagom::exit_policy all{features{probe{engine.head, drafts}}, rule};
    lagom::batch_run run{all};
    decode(run, engine, states);
    for (index_t i = 0; i < n; ++i) {
      const lagom::vec_view<const lagom::token_id> mine(drafts.data() + 3 * i, 3);
      const lagom::exit_policy one{features{probe{engine.head, mine}}, rule};
      auto alone = one.begin(toy::layers);
      for (int l = 0; l < toy::layers; ++l) {
        if (alone.observe(
                {.layer = l, .hidden = states[static_cast<std::size_t>(l) + 1][static_cast<std::size_t>(i)]},
                engine.head)) {
          break;
        }
      }
      REQUIRE(run.state(i).stop == alone.stopped_at());
      REQUIRE(run.token(i) == alone.token());
      REQUIRE(run.state(i).probes == alone.probes());
      REQUIRE(near(run.state(i).score, alone.state().score));
      early += alone.stopped_at().value + 1 < toy::layers;
      refused += alone.probes() > 1;
      as_single(run, one, engine, states, i);
    }
  }
  CHECK(early > 50);
  CHECK(refused > 50);
}

TEST_CASE("a batch that leaves as one counts the rows that were confirmed", "[exit][batch]") {
  const toy engine;
  const index_t n = 9;
  const auto states = states_of(engine, n);
  const alone each(engine, states);
  const auto row_of = [](index_t i) { return static_cast<std::size_t>(i); };
  for (const double share : {0.2, 0.4}) {
    const lagom::exit_policy policy{features<lagom::hidden_cosine>{}, doubting{0.72f, 2}};
    // By hand: who asks, who is borne out.
    std::vector<int> probes(n, 0);
    std::size_t stop = 0;
    for (;; ++stop) {
      if (stop + 1 == toy::layers) {
        for (int& p : probes) ++p;
        break;
      }
      int confirmed = 0;
      std::vector<bool> asked(n);
      for (index_t i = 0; i < n; ++i) {
        const auto& now = states[stop + 1][row_of(i)];
        const auto& before = states[stop][row_of(i)];
        asked[row_of(i)] = lagom::cosine(portable{}, now, before).value() >= 0.72f;
        probes[row_of(i)] += asked[row_of(i)];
        confirmed += asked[row_of(i)] && (each.token[stop][row_of(i)] + static_cast<int>(stop) + 1) % 2 == 0;
      }
      if (static_cast<double>(confirmed) > share * n) {
        for (index_t i = 0; i < n; ++i) probes[row_of(i)] += !asked[row_of(i)];
        break;
      }
    }
    lagom::batch_run run{policy, lagom::majority{share}};
    decode(run, engine, states);
    CHECK(stop + 1 < toy::layers);
    for (index_t i = 0; i < n; ++i) {
      CHECK(run.state(i).stop.value == static_cast<int>(stop));
      CHECK(run.token(i) == each.token[stop][row_of(i)]);
      CHECK(run.state(i).probes == probes[row_of(i)]);
    }
  }
}

TEST_CASE("a batch whose rows ask later allocates no more", "[exit][batch]") {
  const toy engine;
  const index_t n = 8;
  std::vector<std::vector<float>> x(toy::layers + 1);
  const auto states = states_of(engine, n);
  for (std::size_t l = 0; l <= toy::layers; ++l) {
    for (const auto& row : states[l]) x[l].insert(x[l].end(), row.begin(), row.end());
  }
  const auto check = [&](const auto& quiet, const auto& eager) {
    // The same memory under a rule that first wants nothing and then everything.
    auto policy = quiet;
    lagom::batch_run run{policy};
    const auto token = [&] {
      run.begin(n, toy::layers);
      for (int l = 0; l < toy::layers && !run.live().empty(); ++l) {
        const auto layer = static_cast<std::size_t>(l);
        const auto live = static_cast<index_t>(run.live().size());
        run.observe({.layer = l,
                     .hidden = mat_view(x[layer + 1].data(), live, toy::dim),
                     .prev_hidden = mat_view(x[layer].data(), live, toy::dim)},
                    engine.head);
      }
    };
    token();
    policy.rule = eager.rule;
    const std::size_t before = allocations();
    token();
    token();
    CHECK(allocations() == before);
  };
  using signals = features<lagom::hidden_cosine>;
  check(lagom::exit_policy{signals{}, doubting{2, 2}}, lagom::exit_policy{signals{}, doubting{0.5f, 2}});
  check(lagom::exit_policy{signals{}, lagom::threshold{2.0f}},
        lagom::exit_policy{signals{}, lagom::threshold{0.7f}});
}
