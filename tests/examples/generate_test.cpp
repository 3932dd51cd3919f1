// SPDX-License-Identifier: MIT
// Decoding in step is decoding one after the other.
#include "generate/batch.hpp"
#include "generate/drafters.hpp"
#include "generate/one.hpp"
#include "generate/regroup.hpp"

#include "support/catch.hpp"
#include "support/golden.hpp"

using namespace generate;
using lagom_test::must;

namespace {

const model& shipped() {
  static const model m = must(model::load(LAGOM_EXAMPLE_MODELS "/main"));
  return m;
}

std::vector<tokens> some_prompts() {
  const lagom::philox random{9};
  std::vector<tokens> out;
  for (std::uint64_t i = 0; i < 5; ++i) {
    auto& p = out.emplace_back();
    for (std::uint64_t k = 0; k < 3 + 4 * i; ++k)
      p.push_back(static_cast<lagom::token_id>(1 + random.below(895, i, k)));
  }
  return out;
}

sequence after(const tokens& prompt) {
  sequence s(shipped(), prompt.size() + 40);
  must(s.prefill(std::span(prompt).first(prompt.size() - 1)));
  return s;
}

struct texts_at_once {
  std::vector<tokens> prompts = some_prompts();
  std::vector<sequence> all;
  tokens last;
  explicit texts_at_once(std::size_t n = 5) {
    for (std::size_t i = 0; i < n; ++i) {
      all.push_back(after(prompts[i % prompts.size()]));
      last.push_back(prompts[i % prompts.size()].back());
    }
  }
};

// Every text as it is decoded alone, for the same work.
template <class Decoder, class PolicyAt, class Kv>
void check_beside_alone(Decoder decoder, const texts_at_once& texts, const PolicyAt& policy_at,
                        const Kv& kv) {
  CAPTURE(Kv::name);
  const limits until{.most = 30, .end = 0};
  decoder.pass().spent().ledger = {.shape = shipped().config().shape()};
  const auto out = decoder.run(texts.last, until, policy_at);
  double macs = 0, layers = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    CAPTURE(i);
    const tokens& prompt = texts.prompts[i % texts.prompts.size()];
    sequence s = after(prompt);
    lagom::metered counted{s, lagom::decode_ledger{.shape = shipped().config().shape()}};
    const decoded alone = early(counted, prompt.back(), until, policy_at, kv);
    CHECK(out[i].text == alone.text);
    CHECK(out[i].layers == alone.layers);
    macs += counted.meter().spent.macs;
    layers += counted.meter().token_layers;
  }
  const auto& ledger = decoder.pass().spent().ledger;
  CHECK(ledger.token_layers == layers);
  CHECK(ledger.spent.macs == Approx(macs));
}

template <class PolicyAt, class Kv>
void check(const PolicyAt& policy_at, const Kv& kv) {
  texts_at_once texts;
  check_beside_alone(batch_decoder(shipped(), texts.all, kv), texts, policy_at, kv);
}

}  // namespace

TEST_CASE("a batch decodes every sequence as it is decoded alone", "[generate]") {
  const auto gap_at = [](int) {
    return lagom::exit_policy{lagom::features<lagom::gap>{}, lagom::threshold{0.6f}, lagom::every_layer{},
                              lagom::native{}};
  };
  check(gap_at, lagom::propagate_kv{});
  check(gap_at, lagom::copy_kv{});
  check(gap_at, lagom::drop_kv{});
  check(gap_at, lagom::fill_kv{});
  check(gap_at, lagom::defer_batch{100});
  check(gap_at, lagom::recompute_kv{100});
  // A policy that reads no statistics, and probes once.
  check([](int i) { return leave_after(i % 14); }, lagom::defer_batch{100});
}

TEST_CASE("where one sequence may not leave, all catch up", "[generate]") {
  texts_at_once texts;
  batch_decoder together(shipped(), texts.all, lagom::defer_batch{3});
  const auto out = together.run(texts.last, {.most = 12}, [](int) { return leave_after(4); });
  for (const decoded& d : out) CHECK(d.layers == std::vector<int>{5, 5, 5, 14, 5, 5, 5, 14, 5, 5, 5, 14});
}

TEST_CASE("texts that wait for each other say what they say alone", "[generate]") {
  const auto gap_at = [](int i) {
    return lagom::exit_policy{lagom::features<lagom::gap>{}, lagom::threshold{i % 3 == 0 ? 0.4f : 0.7f},
                              lagom::every_layer{}, lagom::native{}};
  };
  const auto beside = [&](std::size_t texts_in_all, int rows, const auto& policy_at, const auto& kv) {
    CAPTURE(texts_in_all, rows);
    texts_at_once texts(texts_in_all);
    check_beside_alone(regrouping_decoder(shipped(), texts.all, kv, rows), texts, policy_at, kv);
  };
  for (const int rows : {1, 3, 8}) {
    beside(11, rows, gap_at, lagom::propagate_kv{});
    beside(11, rows, [](int i) { return leave_by_chance(5, i); }, lagom::propagate_kv{});
  }
  beside(32, 8, gap_at, lagom::defer_batch{3});  // who may not leave runs on, the others do not
  beside(9, 4, gap_at, lagom::recompute_kv{2});
  beside(9, 4, gap_at, lagom::copy_kv{});
  beside(9, 4, gap_at, lagom::fill_kv{});
  beside(9, 4, [](int i) { return leave_after(i % 14); }, lagom::drop_kv{});
  beside(1, 8, gap_at, lagom::propagate_kv{});
}

TEST_CASE("waiting fills passes, and a rule may keep them together", "[generate]") {
  const auto by_chance = [](int i) { return leave_by_chance(6, i); };
  const auto rows_a_pass = [&](const auto& run_with) {
    texts_at_once texts(16);
    auto decoder = run_with(texts);
    (void)decoder.run(texts.last, {.most = 12}, by_chance);
    const auto& ledger = decoder.pass().spent().ledger;
    return ledger.token_layers / ledger.layer_reads;
  };
  const lagom::propagate_kv kv;
  const double waiting =
      rows_a_pass([&](texts_at_once& t) { return regrouping_decoder(shipped(), t.all, kv, 8); });
  const double in_step = rows_a_pass([&](texts_at_once& t) {
    t.all.erase(t.all.begin() + 8, t.all.end());
    t.last.resize(8);
    return batch_decoder(shipped(), t.all, kv);
  });
  CHECK(in_step < 6.5);  // eight, then about four
  CHECK(waiting > in_step + 0.5);
  // Nobody leaves a pass that is kept together until all want to.
  texts_at_once texts(8);
  regrouping_decoder together(shipped(), texts.all, kv, 4, lagom::all_rows{});
  for (const decoded& d : together.run(texts.last, {.most = 3}, [](int) { return leave_after(2); }))
    CHECK(d.layers == std::vector<int>(3, 3));
}

namespace {

template <class Leave>
std::vector<decoded> in_step(std::size_t batch, const Leave& leave) {
  texts_at_once texts(batch);
  batch_decoder together(shipped(), texts.all, lagom::propagate_kv{}, leave);
  return together.run(texts.last, {.most = 6}, [](int) {
    return lagom::exit_policy{lagom::features<lagom::gap>{}, lagom::threshold{0.5f}, lagom::every_layer{},
                              lagom::native{}};
  });
}

}  // namespace

TEST_CASE("batches of 1 to 32 under every rule", "[generate]") {
  const auto alone = in_step(5, lagom::each_row{});
  for (const std::size_t batch : {1u, 2u, 8u, 17u, 32u}) {
    CAPTURE(batch);
    const auto each = in_step(batch, lagom::each_row{}), all = in_step(batch, lagom::all_rows{}),
               most = in_step(batch, lagom::majority{}),
               pays = in_step(batch, lagom::where_it_pays{.layer_row = 0});
    for (std::size_t i = 0; i < batch; ++i) {
      CHECK(each[i].text == alone[i % 5].text);
      CHECK(each[i].layers == alone[i % 5].layers);
      CHECK(all[i].layers == all[0].layers);  // they leave as one ...
      CHECK(most[i].layers == most[0].layers);
      CHECK(all[i].layers[0] >= most[i].layers[0]);
      CHECK(all[i].layers[0] >= each[i].layers[0]);  // ... and nobody before it wants to
      if (batch == 1) CHECK(all[i].text == each[i].text);
      // A row that costs a layer nothing is let go by the last one only, or with all others.
      CHECK(pays[i].layers[0] == all[i].layers[0]);
    }
  }
}

TEST_CASE("draws are those of the text, whoever is decoded beside it and wherever it leaves", "[generate]") {
  const token_choice choose(shipped(), 0.8, 5);
  const auto gap_at = [](int) {
    return lagom::exit_policy{lagom::features<lagom::gap>{}, lagom::threshold{0.6f}, lagom::every_layer{},
                              lagom::native{}};
  };
  const auto full = [](int) { return leave_after(13); };
  const limits until{.most = 20};
  const lagom::fill_kv kv;
  texts_at_once texts(9), others(9), deep(9);
  const auto in_step =
      batch_decoder(shipped(), texts.all, kv, lagom::each_row{}, choose).run(texts.last, until, gap_at);
  const auto waiting = regrouping_decoder(shipped(), others.all, kv, 4, lagom::each_row{}, choose)
                           .run(others.last, until, gap_at);
  const auto at_the_end =
      batch_decoder(shipped(), deep.all, kv, lagom::each_row{}, choose).run(deep.last, until, full);
  std::size_t same = 0, other = 0;
  for (std::size_t i = 0; i < 9; ++i) {
    sequence s = after(texts.prompts[i % 5]);
    const decoded alone = early(s, texts.last[i], until, gap_at, kv, choose, i);
    CHECK(in_step[i].text == alone.text);
    CHECK(in_step[i].layers == alone.layers);
    CHECK(waiting[i].text == alone.text);
    same += at_the_end[i].text[0] == alone.text[0];
    if (i >= 5) other += alone.text != in_step[i - 5].text;  // the same prompt
  }
  CHECK(same >= 5);  // most early draws are full depth's
  CHECK(other >= 1);
}

TEST_CASE("the fewest tokens and the end of a text are kept to", "[generate]") {
  draft_memory memory;
  for (const tokens& p : some_prompts()) {
    sequence s = after(p);
    const auto gap_at = [](int) {
      return lagom::exit_policy{lagom::features<lagom::gap>{}, lagom::threshold{2.0f}};
    };
    const decoded full = early(s, p.back(), {.most = 30}, gap_at, lagom::fill_kv{});
    REQUIRE(full.text.size() == 30);
    for (const std::size_t most : {std::size_t{1}, std::size_t{2}, std::size_t{17}}) {
      const tokens wanted(full.text.begin(), full.text.begin() + static_cast<std::ptrdiff_t>(most));
      s.crop(static_cast<lagom::index_t>(p.size()) - 1);
      CHECK(self_speculation(s, p.back(), {.most = most}, {.draft_layers = 7}, memory).text == wanted);
      s.crop(static_cast<lagom::index_t>(p.size()) - 1);
      CHECK(free_early_exit(s, p.back(), {.most = most}, {.exit = 6}, 1).text == wanted);
    }
    const lagom::token_id end = full.text[9];
    const auto until = std::find(full.text.begin(), full.text.end(), end) + 1;
    s.crop(static_cast<lagom::index_t>(p.size()) - 1);
    CHECK(self_speculation(s, p.back(), {.most = 30, .end = end}, {}, memory).text ==
          tokens(full.text.begin(), until));
  }
}

TEST_CASE("trained drafters change drafts, not texts, and come by the spelling of a text", "[generate]") {
  const int n = shipped().config().layers;
  CHECK(draft_candidates(32, nullptr) == std::array<int, 4>{4, 8, 16, 24});
  const lagom::exit_module_shape shape{lagom::exit_module::linear, 96, 0};
  lagom::exit_modules modules(n, shape, std::vector<float>(96, 1.0f), 1e-5);
  CHECK(draft_candidates(n, &modules) == std::array<int, 4>{2, 4, 7, 11});  // nothing was trained
  for (const int l : {2, 6}) {
    std::vector<float> p(static_cast<std::size_t>(shape.parameters()));
    for (std::size_t j = 0; j < p.size(); ++j) p[j] = static_cast<float>(static_cast<int>(j % 7) - 3) * 0.05f;
    modules.set(lagom::layer_index(l), p);
  }
  CHECK(draft_candidates(n, &modules) == std::array<int, 4>{3, 7, 3, 7});
  draft_memory memory, own;
  for (const tokens& p : some_prompts()) {
    sequence s = after(p);
    const decoded plain = self_speculation(s, p.back(), {.most = 30}, {.head_layers = 1}, own);
    s.crop(static_cast<lagom::index_t>(p.size()) - 1);
    const decoded trained = self_speculation(
        s, p.back(), {.most = 30}, {.head_layers = 1, .module_layers = 0.1}, memory, {}, 0, &modules);
    CHECK(trained.text == plain.text);
    for (std::size_t i = 0; i < trained.text.size(); ++i)
      CHECK((trained.layers[i] == n || trained.layers[i] == 3 || trained.layers[i] == 7));
  }

  drafter_sets sets;
  for (const char* label : {"all", "english", "second"})
    sets.push_back({.label = label, .modules = modules, .profile = {}});
  CHECK(drafter_for(sets, "", "the mill") == 0);  // no profile at all: the first
  sets[1].profile.push("the farmer lived near the mill");
  sets[2].profile.push("tare vürkiešti vėvöōm");
  CHECK(drafter_for(sets, "", "the mill") == 1);
  CHECK(drafter_for(sets, "", "vürki") == 2);
  CHECK(drafter_for(sets, "all", "the mill") == 0);
  CHECK(drafter_for(sets, "none", "vürki") == 2);
}
