// SPDX-License-Identifier: MIT
// Exits of choose_exits placed by times that are given.
#include "choose_exits/placing.hpp"
#include "exit/toy.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

using choose_exits::part;
using lagom::probe_kind;
using lagom_test::must;
using lagom_test::toy;

namespace {

// The toy model with some prompts of one length, a third of them a part.
struct toy_study {
  toy model;
  decoder::table rows{model.w, toy::dim};
  choose_exits::study s{.shape = {.layers = toy::layers,
                                  .hidden = toy::dim,
                                  .ffn = 64,
                                  .heads = 2,
                                  .kv_heads = 2,
                                  .head_dim = 12,
                                  .vocab = toy::vocab},
                        .widths = {4, 4},
                        .trace = lagom::trace<>(toy::layers, lagom::features<lagom::hidden_cosine>{}),
                        .states = lagom::hidden_states<float>(toy::layers, toy::dim),
                        .parts = {},
                        .final_norm = model.g,
                        .directory = {},
      .times = {}};

  toy_study() {
    s.head_rows = &rows;
    s.norm_epsilon = 1e-5;
    s.tolerance = lagom::tolerance(0.2);
    for (int r = 0; r < 450; ++r) {
      s.parts.push_back(static_cast<part>(r % 3));
      s.trace.begin_row(r % 7, 0, 10);
      s.states.begin_row();
      auto x = model.start(r % 7 + 40 * r);
      auto before = x;
      for (int l = 0; l < toy::layers; ++l) {
        model.layer(r % 7 + 40 * r, l, x);
        lagom::layer_obs obs{.layer = l, .n_layers = toy::layers, .hidden = x, .prev_hidden = before};
        obs.stats = lagom::unembed(lagom::portable{}, x, model.head);
        s.trace.record(lagom::portable{}, obs, lagom::features<lagom::gap, lagom::hidden_cosine>{});
        s.states.record(obs);
        before = x;
      }
    }
  }
};

choose_exits::placing place(const choose_exits::study& s) {
  return must(choose_exits::place(s, {.unit = lagom::cost_unit::bytes, .levels = 8, .probes = {}}));
}

}  // namespace

TEST_CASE("times that are the ledger's bytes place the exits that bytes place", "[examples]") {
  toy_study made;
  const auto by_bytes = place(made.s);
  REQUIRE(by_bytes.deployed);
  REQUIRE_FALSE(by_bytes.tested[*by_bytes.deployed].exits.empty());
  CHECK(by_bytes.row.time == 0);
  CHECK(by_bytes.candidates.size() == 7);

  const auto& shape = made.s.shape;
  const double head = lagom::cost::full_head(shape, made.s.widths).bytes;
  choose_exits::exit_times t;
  t.costs = lagom::ledger_costs(shape, lagom::cost::decode(10),
                                {.candidates = static_cast<double>(by_bytes.candidates.size()),
                                 .decision = {},
                                 .widths = made.s.widths});
  for (const double share : by_bytes.certified_share) t.certified.push_back(share * head);
  made.s.times = t;
  const auto by_time = place(made.s);
  REQUIRE(by_time.front.size() == by_bytes.front.size());
  for (std::size_t k = 0; k < by_time.front.size(); ++k) {
    const auto &a = by_time.front[k], &b = by_bytes.front[k];
    CHECK(a.cost == Approx(b.cost));
    CHECK(a.risk == b.risk);
    REQUIRE(a.exits.size() == b.exits.size());
    for (std::size_t i = 0; i < a.exits.size(); ++i) {
      CHECK(a.exits[i].layer == b.exits[i].layer);
      CHECK(a.exits[i].kind == b.exits[i].kind);
    }
  }
  REQUIRE(by_time.deployed);
  CHECK(*by_time.deployed == *by_bytes.deployed);
  CHECK(by_time.row.time == Approx(by_time.row.bytes_honest));
  CHECK(by_time.row.bytes_honest == Approx(by_bytes.row.bytes_honest));
}

TEST_CASE("placement takes the probes that measured fast", "[examples]") {
  toy_study made;
  const auto kinds = [&](double head, double certified, double rows, double cheap) {
    choose_exits::exit_times t;
    t.costs = {
        .block = 100, .skipped = 1, .head = head, .certified = certified, .rows = rows, .cheap = cheap};
    t.certified.assign(toy::layers, certified);
    made.s.times = t;
    std::vector<probe_kind> out;
    const auto placed = place(made.s);
    REQUIRE(placed.deployed);
    for (const auto& e : placed.tested[*placed.deployed].exits) out.push_back(e.kind);
    REQUIRE_FALSE(out.empty());
    // The expected time of the held-out rows, counted again.
    double time = 0, n = 0;
    for (std::size_t row = 0; row < placed.replay.size(); ++row) {
      if (made.s.parts[row] != part::test) continue;
      const int stop = placed.replay[row].stop.value;
      time += 100.0 * (stop + 1) + (toy::layers - 1 - stop);
      for (const auto& e : placed.tested[*placed.deployed].exits) {
        if (e.layer.value > stop) continue;
        const bool left = e.layer.value == stop;
        if (e.kind == probe_kind::head) time += head;
        if (e.kind == probe_kind::certified) time += certified;
        if (e.kind == probe_kind::rows) time += rows;
        if (e.kind == probe_kind::cheap) time += cheap + (left ? head : 0);
      }
      if (stop + 1 == toy::layers) time += head;
      ++n;
    }
    if (std::find(out.begin(), out.end(), probe_kind::cheap_first) == out.end())
      CHECK(placed.row.time == Approx(time / (n * (100.0 * toy::layers + head))));
    return out;
  };
  const auto all = [](const std::vector<probe_kind>& of, probe_kind kind) {
    return std::all_of(of.begin(), of.end(), [kind](probe_kind k) { return k == kind; });
  };
  CHECK(all(kinds(1, 300, 300, 300), probe_kind::head));
  CHECK(all(kinds(300, 1, 300, 300), probe_kind::certified));
  CHECK(all(kinds(300, 300, 1, 300), probe_kind::rows));
  const auto with_cheap = kinds(120, 150, 130, 0.1);
  CHECK(std::any_of(with_cheap.begin(), with_cheap.end(),
                    [](probe_kind k) { return k == probe_kind::cheap || k == probe_kind::cheap_first; }));
}
