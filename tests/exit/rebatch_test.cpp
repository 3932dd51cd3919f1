// SPDX-License-Identifier: MIT
// Rebatching by simulation: what it promises of rows, order and waiting, and what it is worth.
#include <lagom/core/random.hpp>
#include <lagom/cost/rebatching.hpp>
#include <lagom/exit/all_rows.hpp>
#include <lagom/exit/rebatch.hpp>
#include <lagom/exit/where_it_pays.hpp>

#include <algorithm>
#include <limits>
#include <map>

#include "support/catch.hpp"
#include "support/count_allocations.hpp"

using lagom::index_t;
using lagom::layer_index;

namespace {

struct world {
  lagom::rebatch_config config;
  std::vector<layer_index> exits;
  int n_layers = 12;
  index_t rows = 24;
  int tokens = 40;             // a row
  std::vector<double> leaves;  // probability to want out, an exit
  std::uint64_t seed = 0;

  // Does this token of this row want to leave at an exit? Once it does, it does at every later one.
  [[nodiscard]] bool wants(index_t row, int token, std::size_t exit) const {
    const lagom::philox random{seed};
    for (std::size_t e = 0; e <= exit; ++e) {
      const auto draw = (static_cast<std::uint64_t>(token) << 8) + e;
      if (random.uniform(static_cast<std::uint64_t>(row), draw) < leaves[e]) return true;
    }
    return false;
  }
};

struct seen {
  double time = 0;
  std::int64_t most_waited = 0;
  int early = 0, kept_whole = 0;
  double moved = 0;
};

// Decodes all tokens of all rows, and holds every promise on the way.
template <class Leave>
seen simulate(const world& w, const Leave& leave, const lagom::cost::batch_times& times) {
  auto made = lagom::rebatch<Leave>::make(w.config, w.exits, w.n_layers, w.rows, leave);
  REQUIRE(made);
  auto& r = *made;
  std::vector<int> token(static_cast<std::size_t>(w.rows), 0);
  std::map<index_t, std::pair<int, std::int64_t>> came;  // row -> part, arrival
  std::map<index_t, std::int64_t> at_run;
  std::int64_t clock = 0;
  seen s;
  for (index_t i = 0; i < w.rows; ++i) {
    r.add(i);
    came[i] = {0, clock++};
    at_run[i] = 0;
  }
  std::size_t answered = 0;
  std::vector<float> scores;
  int last_part = -1;
  std::vector<index_t> last_rows;
  bool whole = false;
  while (r.next()) {
    const auto run = r.run();
    const auto rows = r.rows();
    REQUIRE((!rows.empty() && static_cast<int>(rows.size()) <= w.config.batch));
    const auto end = std::find(w.exits.begin(), w.exits.end(), run.last);
    const auto part = static_cast<int>(end - w.exits.begin());
    REQUIRE(run.to_the_end == (end == w.exits.end()));
    REQUIRE(run.first.value == (part == 0 ? 0 : w.exits[static_cast<std::size_t>(part) - 1].value + 1));
    if (whole) {  // kept together
      REQUIRE(part == last_part + 1);
      REQUIRE(rows == last_rows);
    } else {
      // The rows that came first, in order.
      std::vector<std::pair<std::int64_t, index_t>> queue;
      for (const auto& [row, where] : came)
        if (where.first == part) queue.push_back({where.second, row});
      std::sort(queue.begin(), queue.end());
      REQUIRE(queue.size() >= rows.size());
      bool overdue = false;
      for (std::size_t i = 0; i < rows.size(); ++i) {
        REQUIRE(rows[i] == queue[i].second);
        if (part > 0) {
          const std::int64_t waited = r.runs() - 1 - at_run[rows[i]];
          s.most_waited = std::max(s.most_waited, waited);
          overdue = overdue || waited >= w.config.most_wait;
        }
      }
      // A run behind an exit is worth it, or somebody is overdue, or there is nothing else.
      bool fresh = false;
      for (const auto& [row, where] : came) fresh = fresh || where.first == 0;
      if (part > 0) REQUIRE((static_cast<int>(rows.size()) >= w.config.enough || overdue || !fresh));
    }
    s.time += (run.last.value - run.first.value + 1) *
              (times.layer + times.layer_row * static_cast<double>(rows.size()));
    if (part > 0 && !whole) s.moved += static_cast<double>(rows.size());
    for (const index_t row : rows) came.erase(row);
    scores.clear();
    for (const index_t row : rows) {
      const bool wants = !run.to_the_end &&
                         w.wants(row, token[static_cast<std::size_t>(row)], static_cast<std::size_t>(part));
      scores.push_back(wants ? 0.5f : -0.5f);
    }
    r.settle(scores);
    std::size_t stayed = rows.size() - r.left().size();
    whole = !run.to_the_end && r.left().empty() &&
            leave(lagom::batch_moment{scores, w.n_layers - 1 - run.last.value}) == lagom::leaving::none;
    s.kept_whole += whole;
    last_part = part;
    last_rows = rows;
    std::size_t next_left = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const bool left = next_left < r.left().size() && r.left()[next_left] == rows[i];
      if (left) {
        ++next_left;
        REQUIRE((run.to_the_end || scores[i] >= 0));  // nobody leaves without wanting to
        s.early += !run.to_the_end;
        ++answered;
        if (++token[static_cast<std::size_t>(rows[i])] < w.tokens) {
          r.add(rows[i]);
          came[rows[i]] = {0, clock++};
        }
      } else if (!whole) {
        REQUIRE(scores[i] < 0);  // who wants to leave a batch that is split leaves
        came[rows[i]] = {part + 1, clock++};
        at_run[rows[i]] = r.runs();
        --stayed;
      }
    }
    REQUIRE(next_left == r.left().size());  // in order
    REQUIRE((whole || stayed == 0));
  }
  REQUIRE(answered == static_cast<std::size_t>(w.rows) * static_cast<std::size_t>(w.tokens));
  REQUIRE(std::all_of(token.begin(), token.end(), [&](int t) { return t == w.tokens; }));
  REQUIRE(r.under_way() == 0);
  s.time += times.move_row * s.moved;
  return s;
}

}  // namespace

TEST_CASE("rebatching keeps its promises", "[exit][rebatch]") {
  const lagom::cost::batch_times times{1, 0.1, 0.2};
  int early = 0, whole = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const lagom::philox random{seed};
    const auto pick = [&](std::uint64_t what, int low, int high) {
      return low + static_cast<int>(random.uniform(99, what) * (high - low + 1));
    };
    world w;
    w.seed = seed;
    w.rows = pick(0, 1, 40);
    w.config.batch = pick(1, 1, 12);
    w.config.enough = pick(2, 1, w.config.batch);
    w.config.most_wait = pick(3, 0, 30);
    w.tokens = pick(4, 1, 30);
    const int exits = pick(5, 0, 4);
    for (int e = 0; e < exits; ++e) {
      w.exits.push_back(e * 2 + pick(6, 0, 1));
      w.leaves.push_back(random.uniform(98, static_cast<std::uint64_t>(e)));
    }
    const auto each = simulate(w, lagom::each_row{}, times);
    CHECK(each.most_waited <= w.config.most_wait + 2 * (exits + 1));
    CHECK(each.kept_whole == 0);
    early += each.early;
    const auto paying =
        simulate(w, lagom::where_it_pays{.layer_row = 0.1, .move = 0.2, .move_row = 0.2}, times);
    CHECK(paying.most_waited <= w.config.most_wait + 2 * (exits + 1));
    whole += paying.kept_whole;
    simulate(w, lagom::all_rows{}, times);  // a rule that would send everybody home is not followed
  }
  CHECK(early > 1000);
  CHECK(whole > 100);
}

TEST_CASE("waiting is worth what its formula says", "[exit][rebatch]") {
  for (const int batch : {1, 4, 8}) {
    world w;
    w.exits = {2, 6};
    w.n_layers = 12;
    w.leaves = {0.5, 0.4};
    w.rows = 6 * batch;
    w.tokens = 3000 / batch;
    w.config = {.batch = batch, .enough = batch, .most_wait = 1000};
    const lagom::cost::batch_times times{1, 0.05, 0.3};
    const auto s = simulate(w, lagom::each_row{}, times);
    const lagom::cost::model_part parts[] = {{3, 1}, {4, 0.5}, {5, 0.3}};
    const double expected = lagom::cost::rebatched_time(parts, batch, times);
    const double measured = s.time / static_cast<double>(w.rows * w.tokens);
    CHECK(measured == Approx(expected).epsilon(0.03));
    // Split batches that go on smaller: by Monte Carlo.
    double split = 0;
    constexpr int trials = 4000;
    for (int trial = 0; trial < trials; ++trial) {
      int alive[3] = {batch, 0, 0};
      for (index_t row = 0; row < batch; ++row) {
        alive[1] += !w.wants(row, trial, 0);
        alive[2] += !w.wants(row, trial, 1);
      }
      for (int p = 0; p < 3; ++p)
        split += alive[p] > 0 ? parts[p].layers * (times.layer + times.layer_row * alive[p]) : 0;
    }
    CHECK(split / (trials * batch) ==
          Approx(lagom::cost::split_batch_time(parts, batch, times)).epsilon(0.03));
    if (batch > 1) CHECK(expected < lagom::cost::split_batch_time(parts, batch, times));
  }
}

TEST_CASE("costs of rebatching at their ends", "[cost][rebatch]") {
  using lagom::cost::model_part;
  const lagom::cost::batch_times times{2, 0.5, 0.1};
  const model_part nobody_leaves[] = {{4, 1}, {8, 1}};
  CHECK(lagom::cost::split_batch_time(nobody_leaves, 4, times) == Approx(12 * (2.0 / 4 + 0.5)));
  CHECK(lagom::cost::rebatched_time(nobody_leaves, 4, times) == Approx(12 * (2.0 / 4 + 0.5) + 0.1));
  const model_part all_leave[] = {{4, 1}, {8, 0}};
  CHECK(lagom::cost::split_batch_time(all_leave, 4, times) == Approx(4 * (2.0 / 4 + 0.5)));
  CHECK(lagom::cost::rebatched_time(all_leave, 4, times) == Approx(4 * (2.0 / 4 + 0.5)));
  CHECK(lagom::cost::waiting_pays(1, 8, 4, times));
  CHECK(!lagom::cost::waiting_pays(8, 8, 4, times));
  CHECK(!lagom::cost::waiting_pays(0, 8, 4, times));
  CHECK(!lagom::cost::waiting_pays(4, 8, 4, {.layer = 0.1, .move_row = 1}));
}

TEST_CASE("rebatching refuses what cannot be", "[exit][rebatch]") {
  const std::vector<layer_index> exits{2, 5};
  using lagom::rebatch;
  CHECK(rebatch<>::make({}, exits, 12, 8));
  CHECK(rebatch<>::make({}, std::vector<layer_index>{}, 1, 1));
  const auto refused = [&](lagom::rebatch_config c, std::vector<layer_index> e, int layers,
                           index_t capacity) {
    const auto r = rebatch<>::make(c, e, layers, capacity);
    return !r && r.error().code == lagom::errc::out_of_range;
  };
  CHECK(refused({.batch = 0}, exits, 12, 8));
  CHECK(refused({.batch = 4, .enough = 5}, exits, 12, 8));
  CHECK(refused({.enough = 0}, exits, 12, 8));
  CHECK(refused({.most_wait = -1}, exits, 12, 8));
  CHECK(refused({}, exits, 6, 8));
  CHECK(refused({}, {5, 2}, 12, 8));
  CHECK(refused({}, {2, 2}, 12, 8));
  CHECK(refused({}, {-1}, 12, 8));
  CHECK(refused({}, exits, 12, 0));
}

TEST_CASE("a NaN does not leave, and a run allocates nothing", "[exit][rebatch]") {
  auto r = lagom::rebatch<>::make({.batch = 4, .enough = 2, .most_wait = 3}, std::vector<layer_index>{1, 3},
                                  6, 16);
  REQUIRE(r);
  const std::vector<float> scores{std::numeric_limits<float>::quiet_NaN(), -1, 1,
                                  std::numeric_limits<float>::quiet_NaN()};
  const auto before = lagom_test::allocations();
  int left = 0, early = 0;
  for (int round = 0; round < 50; ++round) {
    for (index_t row = 0; row < 4; ++row) r->add(row);
    while (r->next()) {
      r->settle(lagom::vec_view<const float>(scores).slice(0, static_cast<index_t>(r->rows().size())));
      left += static_cast<int>(r->left().size());
      early += r->run().to_the_end ? 0 : static_cast<int>(r->left().size());
    }
  }
  CHECK(lagom_test::allocations() == before);
  CHECK(left == 200);
  CHECK(early == 100);
}
