// SPDX-License-Identifier: MIT
// Ways of decoding on a toy sequence: memory, bad numbers, and what is asked of an engine.
#include <lagom/exit/decode/confident_drafts.hpp>
#include <lagom/exit/decode/defer_batch.hpp>
#include <lagom/exit/decode/early_token.hpp>
#include <lagom/exit/decode/fill_kv.hpp>
#include <lagom/exit/decode/greedy_drafts.hpp>
#include <lagom/exit/decode/metered.hpp>
#include <lagom/exit/decode/propagate_kv.hpp>
#include <lagom/exit/decode/sampled_drafts.hpp>
#include <lagom/exit/decode/shallow_deep.hpp>
#include <lagom/exit/draft_plan.hpp>
#include <lagom/signal/gap.hpp>
#include <lagom/stop/threshold.hpp>

#include "support/approx.hpp"
#include "support/catch.hpp"
#include "support/count_allocations.hpp"
#include "toy_sequence.hpp"

using namespace lagom_test;
using lagom::index_t;
using lagom::layer_index;
using lagom::layers_used;
using lagom::token_id;
using lagom::vec_view;

namespace {

using toy_sequence = basic_toy_sequence<float>;

static_assert(lagom::check_layered_sequence<toy_sequence>::value);
static_assert(lagom::layered_sequence<lagom::metered<toy_sequence, lagom::decode_ledger>>);
static_assert(lagom::kv_policy<lagom::defer_batch, toy_sequence>);
static_assert(lagom::drafter<lagom::greedy_drafts<float>, toy_sequence>);
static_assert(lagom::drafter<lagom::sampled_drafts<float>, toy_sequence>);
static_assert(lagom::drafter<lagom::confident_drafts<float>, toy_sequence>);

const lagom::exit_policy policy{lagom::features<lagom::gap>{}, lagom::threshold{0.3f}};

}  // namespace

TEST_CASE("decoding allocates nothing", "[exit][decode]") {
  toy_sequence s;
  lagom::greedy_drafts<float> greedy(8);
  lagom::confident_drafts<float> confident(8);
  lagom::sampled_drafts<float> sampled(8, toy_sequence::vocab, lagom::draft_sampler{lagom::philox{3}}, 1);
  lagom::shallow_deep<float> free{{.exit = 2, .most = 4}};
  std::vector<token_id> out(9);
  const std::size_t before = allocations();
  {
    for (int i = 0; i < 20; ++i) (void)lagom::early_token(s, i, policy, lagom::defer_batch{.most = 3});
    s.crop(0);
    for (int i = 0; i < 20; ++i) (void)lagom::early_token(s, i, policy, lagom::propagate_kv{});
    s.crop(0);
    for (int i = 0; i < 20; ++i) (void)free.decode(s, i, 0.3);
    s.crop(0);
    for (int i = 0; i < 5; ++i) {
      (void)lagom::self_speculate(s, i, {.draft_layers = layers_used(3), .drafts = 8}, greedy, out);
      (void)lagom::self_speculate(s, i, {.draft_layers = layers_used(3), .drafts = 8}, sampled, out);
      (void)lagom::self_speculate(s, i, {.draft_layers = layers_used(3), .drafts = 8}, confident, out);
    }
  }
  CHECK(allocations() == before);
}

TEST_CASE("a second exit that learns changes the drafts, not the text", "[exit][decode]") {
  int shortened = 0;
  for (token_id begin = 0; begin < 20; ++begin) {
    toy_sequence full, drafted;
    std::vector<token_id> expected, got;
    for (token_id t = begin; expected.size() < 50; t = expected.back()) {
      REQUIRE(full.feed(t));
      for (int l = 0; l < toy_sequence::n_layers; ++l) full.block(layer_index(l), full.length() - 1, 1);
      expected.push_back(full.probe(full.hidden(full.length() - 1)).top);
    }
    lagom::confident_drafts<float> drafter(6, {.start = 0.3});
    std::vector<token_id> out(7);
    auto round = lagom::kangaroo_round;
    for (token_id t = begin; got.size() < 50; t = got.back()) {
      const auto r = lagom::self_speculate(drafted, t, round, drafter, out);
      REQUIRE(r);
      shortened += r->drafted < round.drafts;
      got.insert(got.end(), out.begin(), out.begin() + r->tokens);
    }
    got.resize(50);
    CHECK(got == expected);
  }
  CHECK(shortened > 20);
}

TEST_CASE("a layer without a distribution stops nothing, and is never an answer", "[exit][decode]") {
  for (int layer = 0; layer < toy_sequence::n_layers; ++layer) {
    CAPTURE(layer);
    toy_sequence s;
    s.poisoned = 2;
    s.poisoned_at = layer;
    const lagom::exit_policy eager{lagom::features<lagom::gap>{}, lagom::threshold{0.0f}};
    REQUIRE(lagom::early_token(s, 1, eager, lagom::fill_kv{}));
    REQUIRE(lagom::early_token(s, 2, eager, lagom::fill_kv{}));
    const auto bad = lagom::early_token(s, 3, eager, lagom::fill_kv{});
    REQUIRE(bad);
    CHECK(bad->used == layers_used(layer == 0 ? toy_sequence::n_layers : 1));
    if (layer == 0) CHECK(bad->token == lagom::no_token);
  }
  // Drafting layers that say nothing: a round without drafts. Full ones: no token.
  toy_sequence s;
  s.poisoned = 0;
  s.poisoned_at = 1;
  lagom::greedy_drafts<float> greedy(4);
  std::vector<token_id> out(5);
  const auto r = lagom::self_speculate(s, 1, {.draft_layers = layers_used(2), .drafts = 4}, greedy, out);
  REQUIRE(r);
  CHECK(r->drafted == 0);
  CHECK(r->tokens == 1);
  CHECK(out[0] == lagom::no_token);
  CHECK(lagom::self_speculate(s, out[0], {.draft_layers = layers_used(2)}, greedy, out).error().code ==
        lagom::errc::unknown_token);
  // FREE: no label of it, deep instead.
  toy_sequence t;
  t.poisoned = 1;
  t.poisoned_at = 1;
  lagom::shallow_deep<float> free{{.exit = 2, .most = 4}};
  int labels = 0;
  const auto count = [&](double, bool) { ++labels; };
  CHECK(free.decode(t, 1, -1, count)->used == layers_used(3));
  const auto deep = free.decode(t, 2, -1, count);
  CHECK(deep->used == layers_used(6));
  CHECK(deep->token == lagom::no_token);
  CHECK(deep->caught_up == 1);
  CHECK(labels == 1);
}

TEST_CASE("an answer is delivered before its keys and values are settled", "[exit][decode]") {
  toy_sequence s;
  int deepest = -1;
  const lagom::exit_policy eager{lagom::features<lagom::gap>{}, lagom::threshold{0.0f}};
  const auto out = lagom::early_token(s, 4, eager, lagom::fill_kv{}, [&](token_id) {
    for (int l = 0; l < s.layers(); ++l) {
      if (s.held(layer_index(l)) == 1) deepest = l;
    }
  });
  REQUIRE(out);
  CHECK(deepest == 0);
  CHECK(s.held(layer_index(5)) == 1);
}

TEST_CASE("drafting finds the depth that is fastest, and finds another when the text changes",
          "[exit][decode]") {
  // Simulated acceptance of each depth, first half and second half.
  const double first[3] = {0.3, 0.8, 0.85}, second[3] = {0.95, 0.5, 0.9};
  const lagom::adaptive_drafts<3> rule{.layers = {4, 8, 24}, .n_layers = 32, .most = 8, .explore = 8};
  lagom::adaptive_drafts<3>::state state;
  const lagom::philox random{5};
  std::uint64_t at = 0;
  const auto run = [&](const double(&acceptance)[3], int rounds) {
    int used[3] = {};
    for (int i = 0; i < rounds; ++i) {
      const auto plan = rule.next(state);
      int kept = 0;
      while (kept < plan.drafts && random.uniform(0, at++) < acceptance[plan.candidate]) ++kept;
      rule.learn(state, plan, plan.drafts, kept);
      if (i >= rounds / 2) ++used[plan.candidate];
    }
    return static_cast<int>(std::max_element(used, used + 3) - used);
  };
  CHECK(run(first, 600) == 1);
  CHECK(rule.acceptance(state, 1) == Approx(0.8).margin(0.1));
  CHECK(run(second, 600) == 0);
  // Nothing is ever kept: no drafts but while exploring.
  const double none[3] = {0, 0, 0};
  (void)run(none, 400);
  int drafted = 0;
  for (int i = 0; i < 80; ++i) {
    const auto plan = rule.next(state);
    drafted += plan.drafts > 0;
    rule.learn(state, plan, plan.drafts, 0);
  }
  CHECK(drafted == 10);
  // Kinds of text keep apart; what is out of range shares the last.
  lagom::routed<lagom::adaptive_drafts<3>::state, 3> memory;
  rule.learn(memory.of(0), {layers_used(4), 4, 0}, 4, 0);
  CHECK(rule.acceptance(memory.of(0), 0) < rule.acceptance(memory.of(1), 0));
  CHECK(&memory.of(7) == &memory.of(2));
  CHECK(&memory.of(-1) == &memory.of(2));
}
