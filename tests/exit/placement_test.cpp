// SPDX-License-Identifier: MIT
#include <lagom/cost/models.hpp>
#include <lagom/exit/flops_ratios.hpp>
#include <lagom/exit/labels.hpp>
#include <lagom/exit/oracle_exits.hpp>
#include <lagom/exit/placement.hpp>
#include <lagom/kernel/unembed_rows.hpp>
#include <lagom/signal/entropy.hpp>
#include <lagom/signal/gap.hpp>
#include <lagom/signal/hidden_cosine.hpp>
#include <lagom/stop/all_of.hpp>
#include <lagom/stop/at_layers.hpp>
#include <lagom/stop/threshold.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/catch.hpp"
#include "toy.hpp"

using lagom::index_t;
using lagom::probe_kind;

namespace {

// Draws one number after the other.
struct dice {
  lagom::philox random{11};
  std::uint64_t stream = 0, n = 0;
  int below(int bound) {
    return static_cast<int>(random.below(static_cast<std::uint64_t>(bound), stream, n++));
  }
};

struct drawing {
  int layers = 6, rows = 12, options = 1;  // options a layer
  bool monotone = false;                   // rows that would stop would stop at every later layer
  bool all_kinds = false;
};

// Costs are small integers: sums are exact, so optima are compared with ==.
lagom::exit_options drawn(dice& d, const drawing& how) {
  lagom::exit_options all{.layers = how.layers, .rows = how.rows};
  all.costs = {.block = 1.0 + d.below(20),
               .skipped = 1.0 * d.below(2),
               .head = 1.0 * d.below(40),
               .certified = 1.0 * d.below(10),
               .rows = 1.0 * d.below(5),
               .cheap = 1.0 * d.below(3),
               .decision = 1.0 * d.below(2)};
  const auto empty = lagom::row_set(how.rows);
  lagom::layer_sets stops(static_cast<std::size_t>(how.layers), empty), loses = stops, looks = stops;
  for (int i = 0; i < how.options; ++i) {
    for (auto* sets : {&stops, &loses, &looks}) sets->assign(static_cast<std::size_t>(how.layers), empty);
    for (int row = 0; row < how.rows; ++row) {
      const int ease = d.below(how.layers + 1);
      for (int l = 0; l + 1 < how.layers; ++l) {
        const auto at = static_cast<std::size_t>(l);
        if (how.monotone ? l >= ease : d.below(how.layers) >= ease) stops[at].add(row);
        if (d.below(3 + l) == 0) loses[at].add(row);
        if (d.below(3) > 0) looks[at].add(row);
      }
    }
    const auto kind = how.all_kinds ? static_cast<probe_kind>(d.below(5)) : probe_kind::head;
    lagom::add_exits(all, kind, stops, loses, i, kind == probe_kind::cheap_first ? &looks : nullptr);
  }
  return all;
}

// The sum behind a mean of whole numbers: division may round in more than one way.
double sum_of(double mean, index_t rows) {
  return static_cast<double>(std::llround(mean * static_cast<double>(rows)));
}

struct walked {
  double cost = 0, blocks = 0;
  index_t errors = 0;
};

// One row after the other, as an engine would run it.
walked by_hand(const lagom::exit_options& all, const std::vector<index_t>& taken) {
  walked w;
  for (index_t row = 0; row < all.rows; ++row) {
    bool left = false;
    for (int l = 0; l < all.layers && !left; ++l) {
      w.cost += all.costs.block;
      ++w.blocks;
      for (const index_t i : taken) {
        const auto& o = all.options[static_cast<std::size_t>(i)];
        if (o.layer.value != l) continue;
        w.cost += o.costs.probe;
        if (o.looks.has(row)) w.cost += o.costs.look;
        if (!o.stops.has(row)) continue;
        w.cost += o.costs.answer + (all.layers - 1 - l) * all.costs.skipped;
        w.errors += o.loses.has(row);
        left = true;
      }
    }
    if (!left) w.cost += all.costs.head;
  }
  return w;
}

// The least cost with at most so many errors, over every choice of at most one option a layer.
std::vector<double> brute_force(const lagom::exit_options& all, index_t budget) {
  std::vector<double> best(static_cast<std::size_t>(budget) + 1, std::numeric_limits<double>::max());
  std::vector<std::vector<index_t>> at(static_cast<std::size_t>(all.layers));
  for (std::size_t i = 0; i < all.options.size(); ++i)
    at[static_cast<std::size_t>(all.options[i].layer.value)].push_back(static_cast<index_t>(i));
  std::vector<index_t> taken;
  const auto descend = [&](const auto& self, std::size_t l) -> void {
    if (l == at.size()) {
      const walked w = by_hand(all, taken);
      for (index_t e = w.errors; e <= budget; ++e) {
        double& b = best[static_cast<std::size_t>(e)];
        b = std::min(b, w.cost);
      }
      return;
    }
    self(self, l + 1);
    for (const index_t i : at[l]) {
      taken.push_back(i);
      self(self, l + 1);
      taken.pop_back();
    }
  };
  descend(descend, 0);
  return best;
}

// The least cost that the front offers for at most so many errors.
double offered(const lagom::placement_front& front, index_t errors) {
  double best = front.points.front().cost;
  for (const auto& p : front.points) {
    if (p.errors <= errors) best = std::min(best, p.cost);
  }
  return best;
}

void check_front(const lagom::exit_options& all, const lagom::placement_front& front, index_t budget) {
  REQUIRE_FALSE(front.points.empty());
  CHECK(front.rows == all.rows);
  CHECK(front.points.front().errors >= 0);
  for (std::size_t i = 0; i < front.points.size(); ++i) {
    const auto& p = front.points[i];
    CHECK(p.errors <= budget);
    CHECK(p.bound <= p.cost);
    if (front.exact) CHECK(sum_of(p.bound, all.rows) == sum_of(p.cost, all.rows));
    if (i > 0) {
      CHECK(p.errors > front.points[i - 1].errors);
      CHECK(p.cost < front.points[i - 1].cost);
    }
    const walked w = by_hand(all, p.options);
    CHECK(w.errors == p.errors);
    CHECK(w.cost == sum_of(p.cost, all.rows));
    const auto again = lagom::walk_exits(all, p.options);
    REQUIRE(again);
    CHECK(w.cost == sum_of(again->cost, all.rows));
    CHECK(again->lost.count() == p.errors);
    CHECK(w.blocks == sum_of(again->used.value, all.rows));
  }
}

}  // namespace

TEST_CASE("placements are those of brute force", "[exit][placement]") {
  dice d;
  const auto agree = [&](const drawing& how, int problems) {
    for (int k = 0; k < problems; ++k) {
      d.stream++;
      const auto all = drawn(d, how);
      const index_t budget = d.below(how.rows + 3);
      const auto front = lagom::place_exits(all, budget);
      REQUIRE(front);
      CHECK(front->exact);
      check_front(all, *front, budget);
      const auto best = brute_force(all, budget);
      for (index_t e = 0; e <= budget; ++e)
        REQUIRE(sum_of(offered(*front, e), how.rows) == best[static_cast<std::size_t>(e)]);
    }
  };
  SECTION("one rule, rows that stay sure") { agree({.monotone = true}, 800); }
  SECTION("one rule, rows that change their minds") { agree({}, 800); }
  SECTION("ten layers") {
    agree({.layers = 10, .rows = 30, .monotone = true}, 40);
    agree({.layers = 10, .rows = 30}, 40);
  }
  SECTION("kinds of probes and several rules") {
    agree({.layers = 5, .rows = 12, .options = 3, .monotone = true, .all_kinds = true}, 400);
    agree({.layers = 5, .rows = 12, .options = 3, .all_kinds = true}, 400);
  }
  SECTION("more rows than a word has bits") { agree({.layers = 6, .rows = 65 + d.below(80)}, 100); }
  SECTION("one layer, or one row") {
    agree({.layers = 1}, 20);
    agree({.rows = 1}, 100);
  }
}

TEST_CASE("rows that stay sure: the states are few however many layers there are", "[exit][placement]") {
  dice d;
  for (int k = 0; k < 20; ++k) {
    d.stream++;
    // 40 layers have 2^39 sets of exits; at most 39 (6 + 1) states are kept at a layer.
    const auto all = drawn(d, {.layers = 40, .rows = 100, .monotone = true});
    const auto front = lagom::place_exits(all, 6, 39 * 7);
    REQUIRE(front);
    CHECK(front->exact);
    check_front(all, *front, 6);
  }
}

TEST_CASE("a search that is cut short says what it may have missed", "[exit][placement]") {
  dice d;
  int cut = 0, missed = 0;
  for (int k = 0; k < 600; ++k) {
    d.stream++;
    const auto all = drawn(d, {.layers = 7, .rows = 20, .options = 2, .all_kinds = k % 2 == 0});
    const index_t budget = d.below(8), states = 1 + d.below(4);
    const auto front = lagom::place_exits(all, budget, states);
    REQUIRE(front);
    check_front(all, *front, budget);
    const auto best = brute_force(all, budget);
    for (const auto& p : front->points) {
      const double truth = best[static_cast<std::size_t>(p.errors)];
      CHECK(p.bound * 20 <= truth * (1 + 1e-12));
      CHECK(truth <= sum_of(p.cost, 20));
      missed += truth < sum_of(p.cost, 20);
    }
    cut += front->exact ? 0 : 1;
    CHECK(sum_of(front->points.back().cost, 20) <= by_hand(all, {}).cost);
  }
  CHECK(cut > 100);
  CHECK(missed > 0);
}

TEST_CASE("what cannot be placed is refused by name", "[exit][placement]") {
  dice d;
  const auto good = drawn(d, {});
  const auto fails = [](const auto& r, std::string_view key) {
    REQUIRE_FALSE(r);
    CHECK(r.error().key.view() == key);
    return r.error().code;
  };
  using lagom::errc;
  CHECK(fails(lagom::place_exits(good, -1), "errors") == errc::out_of_range);
  CHECK(fails(lagom::place_exits(good, 1, 0), "states") == errc::out_of_range);
  CHECK(fails(lagom::place_exits({.layers = 4}, 1), "rows") == errc::empty);
  auto bad = good;
  bad.costs.block = -1;
  CHECK(fails(lagom::place_exits(bad, 1), "costs") == errc::out_of_range);
  bad = good;
  bad.options[1].costs.look = std::numeric_limits<double>::quiet_NaN();
  CHECK(fails(lagom::place_exits(bad, 1), "costs") == errc::out_of_range);
  CHECK(lagom::place_exits(bad, 1).error().row == 1);
  bad = good;
  bad.options[0].layer = bad.layers - 1;
  CHECK(fails(lagom::place_exits(bad, 1), "layer") == errc::out_of_range);
  bad = good;
  bad.options[0].stops = lagom::row_set(3);
  CHECK(fails(lagom::place_exits(bad, 1), "rows") == errc::out_of_range);
  const index_t backwards[] = {1, 0}, twice[] = {0, 0}, unknown[] = {99};
  CHECK(fails(lagom::walk_exits(good, backwards), "option") == errc::out_of_range);
  CHECK(fails(lagom::walk_exits(good, twice), "option") == errc::out_of_range);
  CHECK(fails(lagom::walk_exits(good, unknown), "option") == errc::out_of_range);
  auto none = good;
  none.options.clear();
  const auto front = lagom::place_exits(none, 5);
  REQUIRE(front);
  REQUIRE(front->points.size() == 1);
  CHECK(front->points[0].cost == Approx(good.layers * good.costs.block + good.costs.head));
}

namespace {

using pack = lagom::features<lagom::gap, lagom::entropy, lagom::hidden_cosine>;
constexpr lagom::cost::decoder_shape shape{.layers = lagom_test::toy::layers,
                                           .hidden = lagom_test::toy::dim,
                                           .ffn = 64,
                                           .heads = 4,
                                           .kv_heads = 2,
                                           .head_dim = 6,
                                           .vocab = lagom_test::toy::vocab};

// The toy engine's answers: over the whole head, or over a few of its rows.
lagom::trace<> traced(int rows, const std::vector<lagom::token_id>& few = {}) {
  const lagom_test::toy engine;
  lagom::trace<> t(lagom_test::toy::layers, pack{});
  for (int r = 0; r < rows; ++r) {
    t.begin_row(r % lagom_test::toy::vocab, r % 2, 20);
    auto x = engine.start(r);
    auto before = x;
    for (int l = 0; l < lagom_test::toy::layers; ++l) {
      engine.layer(r, l, x);
      lagom::layer_obs seen{
          .layer = l, .n_layers = lagom_test::toy::layers, .hidden = x, .prev_hidden = before};
      seen.stats = few.empty() ? lagom::unembed(lagom::portable{}, x, engine.head)
                               : lagom::unembed_rows(lagom::portable{}, x, engine.head, few);
      t.record(lagom::portable{}, seen, pack{});
      before = x;
    }
  }
  return t;
}

}  // namespace

TEST_CASE("a placement costs and loses what its policy does in a replay", "[exit][placement]") {
  const auto t = traced(200);
  const auto even = [&](index_t row) { return t.group(row) == 0; };
  const lagom::threshold<> rule{.5f, 0};
  const auto decode = lagom::cost::decode(20);
  const lagom::cost::work decision{3, 0};
  const auto costs =
      lagom::ledger_costs(shape, decode, {.unit = lagom::cost_unit::macs, .decision = decision});
  const auto stops = lagom::rows_that_stop(t, pack{}, rule, even);
  REQUIRE(stops);
  for (const auto loss : {lagom::exit_loss::textual, lagom::exit_loss::risk}) {
    auto all = lagom::no_options(t, costs, even);
    CHECK(all.rows == 100);
    lagom::add_exits(all, probe_kind::head, *stops, lagom::rows_that_lose(t, t, loss, even));
    CHECK(all.options.size() > 4);
    const auto front = lagom::place_exits(all, 20);
    REQUIRE(front);
    CHECK(front->exact);
    CHECK(front->points.size() > 1);
    for (const auto& p : front->points) {
      lagom::at_layers schedule;
      for (const index_t i : p.options) schedule.add(all.options[static_cast<std::size_t>(i)].layer);
      const auto policy = lagom::exit_policy{pack{}, rule, schedule};
      const auto run = lagom::replay(t, policy, even);
      REQUIRE(run);
      const auto judged = lagom::evaluate(t, *run, even);
      const auto walk = lagom::walk_exits(all, p.options);
      REQUIRE(walk);
      CHECK(walk->used.value == Approx(judged.mean_used().value));
      // The bill, row by row, as `charge` writes it.
      CHECK(p.cost / lagom::cost::full_model(shape, decode).macs ==
            Approx(lagom::charge(t, *run, shape, decision, even).decode.value));
      const auto losses = lagom::exit_losses(t, 1, loss, [&](index_t) { return policy; }, even);
      double sum = 0;
      for (const double v : losses->values) sum += v;
      CHECK(sum == static_cast<double>(p.errors));
      index_t bit = 0;
      for (index_t row = 0; row < t.rows(); ++row) {
        if (!even(row)) continue;
        const index_t left = walk->left[static_cast<std::size_t>(bit)];
        const int layer =
            left < 0 ? shape.layers - 1 : all.options[static_cast<std::size_t>(left)].layer.value;
        REQUIRE(layer == run->outcomes[static_cast<std::size_t>(row)].stop.value);
        CHECK(walk->lost.has(bit) == (losses->values[static_cast<std::size_t>(bit)] > 0));
        ++bit;
      }
    }
  }
}

TEST_CASE("kinds of probes: what is read, what is answered", "[exit][placement]") {
  const auto t = traced(160);
  const lagom::threshold<> sure{.4f, 0};
  const lagom::threshold<> steady{.9f, 2};
  const lagom::exit_costs costs{
      .block = 10, .skipped = 1, .head = 50, .certified = 20, .rows = 4, .cheap = 1, .decision = 2};
  const auto by_head = lagom::rows_that_stop(t, pack{}, sure);
  const auto by_cosine = lagom::rows_that_stop(t, pack{}, steady);
  REQUIRE(by_head);
  REQUIRE(by_cosine);
  const auto loses = lagom::rows_that_lose(t, t, lagom::exit_loss::textual);

  SECTION("what a cheap signal lets through, the head decides") {
    auto all = lagom::no_options(t, costs);
    lagom::add_exits(all, probe_kind::cheap_first, *by_head, loses, 7, &*by_cosine);
    const auto both = lagom::rows_that_stop(t, pack{}, lagom::all_of{sure, steady});
    REQUIRE(both);
    REQUIRE(all.options.size() > 1);
    for (const auto& o : all.options) {
      CHECK(o.tag == 7);
      CHECK(o.stops == (*both)[static_cast<std::size_t>(o.layer.value)]);
      CHECK(o.costs.probe == 3);
      CHECK(o.costs.look == 52);
      CHECK(o.costs.answer == 0);
    }
  }
  SECTION("the same decision for less is what is built") {
    auto all = lagom::no_options(t, costs);
    lagom::add_exits(all, probe_kind::head, *by_head, loses);
    lagom::add_exits(all, probe_kind::certified, *by_head, loses);
    const auto front = lagom::place_exits(all, 40);
    REQUIRE(front);
    REQUIRE_FALSE(front->points.back().options.empty());
    for (const index_t i : front->points.back().options)
      CHECK(all.options[static_cast<std::size_t>(i)].kind == probe_kind::certified);
  }
  SECTION("a few rows answer among themselves, and lose what is not among them") {
    std::vector<lagom::token_id> few;
    for (lagom::token_id v = 0; v < lagom_test::toy::vocab; v += 2) few.push_back(v);
    const auto restricted = traced(160, few);
    const auto lost = lagom::rows_that_lose(restricted, t, lagom::exit_loss::textual);
    for (index_t row = 0; row < t.rows(); ++row) {
      for (int l = 0; l < t.layers(); ++l)
        CHECK(lost[static_cast<std::size_t>(l)].has(row) ==
              (restricted.stats(row, l).top != t.final_token(row)));
    }
    CHECK(lost.back().count() > 0);
    CHECK(loses.back().empty());
  }
  SECTION("a cheap probe pays for the head when it leaves") {
    const auto c = lagom::costs_of(probe_kind::cheap, costs);
    CHECK(c.probe == 3);
    CHECK(c.answer == 50);
  }
}

TEST_CASE("oracle exits", "[exit][placement]") {
  const auto t = traced(120);
  const lagom::exit_costs costs{.block = 10, .skipped = 1, .head = 50, .decision = 2};
  double used = 0, free = 0, charged = 0;
  for (index_t row = 0; row < t.rows(); ++row) {
    int agreeing = -1, consistent = 0;
    for (int l = 0; l < t.layers(); ++l) {
      const bool same = t.stats(row, l).top == t.final_token(row);
      if (same && agreeing < 0) agreeing = l;
      if (!same) consistent = l + 1;
    }
    REQUIRE(lagom::earliest_agreeing(t, row).value == agreeing);
    REQUIRE(lagom::earliest_consistent(t, row).value == consistent);
    CHECK(agreeing <= consistent);
    used += consistent + 1;
    free += 10 * (consistent + 1) + (t.layers() - 1 - consistent) + 50;
    charged += 10 * (consistent + 1) + (t.layers() - 1 - consistent) + 50 * (consistent + 1) +
               2 * (consistent + 1 - (consistent + 1 == t.layers()));
  }
  const auto sum =
      lagom::oracle_exits(t, costs, [&](index_t row) { return lagom::earliest_consistent(t, row); });
  CHECK(sum.used.value == Approx(used / 120));
  CHECK(sum.free == Approx(free / 120));
  CHECK(sum.charged == Approx(charged / 120));
  // No rule that loses nothing is cheaper than hindsight whose probes are free.
  const auto hindsight =
      lagom::oracle_exits(t, costs, [&](index_t row) { return lagom::earliest_agreeing(t, row); });
  auto all = lagom::no_options(t, costs);
  for (const float limit : {.2f, .5f, .8f}) {
    const auto stops = lagom::rows_that_stop(t, pack{}, lagom::threshold{limit});
    lagom::add_exits(all, probe_kind::head, *stops, lagom::rows_that_lose(t, t, lagom::exit_loss::textual));
  }
  const auto front = lagom::place_exits(all, 0);
  REQUIRE(front);
  CHECK(hindsight.free <= front->points.front().cost);
  const auto nothing = lagom::oracle_exits(
      t, costs, [](index_t) { return lagom::layer_index(0); }, [](index_t) { return false; });
  CHECK(nothing.used.value == 0);
  CHECK(nothing.free == 0);
}

TEST_CASE("costs out of the ledger", "[exit][placement]") {
  using lagom::cost::llama3_8b;
  const auto pass = lagom::cost::decode(100);
  const auto c = lagom::ledger_costs(llama3_8b, pass, {.certified_share = .25, .candidates = 4});
  CHECK(c.block == lagom::cost::block(llama3_8b, pass).bytes);
  CHECK(c.head == lagom::cost::full_head(llama3_8b).bytes);
  CHECK(c.certified == Approx(c.head / 4));
  CHECK(c.rows == lagom::cost::row_head(llama3_8b, 4).bytes);
  CHECK(c.skipped == lagom::cost::kv_projection(llama3_8b, pass).bytes);
  CHECK(c.cheap == 0);
  const auto macs =
      lagom::ledger_costs(llama3_8b, pass, {.unit = lagom::cost_unit::macs, .owes_keys = false});
  CHECK(macs.cheap == 2.0 * 4096);
  CHECK(macs.skipped == 0);
  CHECK(macs.decision == 2);
}

TEST_CASE("sets of rows", "[exit][placement]") {
  dice d;
  for (const int rows : {0, 1, 63, 64, 65, 200}) {
    std::vector<bool> x(static_cast<std::size_t>(rows)), y = x;
    lagom::row_set a(rows), b(rows);
    for (int r = 0; r < rows; ++r) {
      if (d.below(2) == 0) a.add(r), x[static_cast<std::size_t>(r)] = true;
      if (d.below(3) == 0) b.add(r), y[static_cast<std::size_t>(r)] = true;
    }
    auto minus = a;
    minus -= b;
    const auto both = a & b;
    index_t n = 0;
    for (int r = 0; r < rows; ++r) {
      const auto k = static_cast<std::size_t>(r);
      CHECK(a.has(r) == x[k]);
      CHECK(both.has(r) == (x[k] && y[k]));
      CHECK(minus.has(r) == (x[k] && !y[k]));
      n += x[k];
    }
    CHECK(a.count() == n);
    CHECK(lagom::row_set(rows, true).count() == rows);
    CHECK(a.empty() == (n == 0));
  }
}

TEST_CASE("stable sort", "[exit][placement]") {
  dice d;
  for (int n = 0; n < 70; ++n) {
    std::vector<std::pair<int, int>> list, expected;
    for (int i = 0; i < n; ++i) list.emplace_back(d.below(6), i);
    expected = list;
    const auto before = [](const auto& a, const auto& b) { return a.first < b.first; };
    std::stable_sort(expected.begin(), expected.end(), before);
    lagom::detail::sort_stably(list, before);
    CHECK(list == expected);
  }
}
