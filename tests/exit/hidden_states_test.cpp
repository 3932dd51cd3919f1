// SPDX-License-Identifier: MIT
#include <lagom/exit/evaluate.hpp>
#include <lagom/exit/exit_losses.hpp>
#include <lagom/exit/label_states.hpp>
#include <lagom/signal/gap.hpp>
#include <lagom/signal/hidden_cosine.hpp>
#include <lagom/stop/fit_lte.hpp>
#include <lagom/stop/fit_meta.hpp>
#include <lagom/stop/threshold.hpp>

#include "support/catch.hpp"
#include "toy.hpp"

using lagom::portable;
using lagom_test::toy;

namespace {

// A user's own learned signal of two numbers that reads states, statistics and the layer before.
struct own {
  static constexpr std::string_view name = "own";
  static constexpr std::size_t width = 2;
  static constexpr lagom::need needs =
      lagom::need::hidden | lagom::need::prev_hidden | lagom::need::stats | lagom::need::last_stats;
  float factor = 1;
  template <class B>
  void operator()(const auto& o, const B& b, float* out) const noexcept {
    out[0] = factor * static_cast<float>(lagom::squared_norm(b, o.hidden)) * o.stats.gap();
    out[1] = (o.prev_hidden.empty() ? -1.0f : static_cast<float>(lagom::squared_norm(b, o.prev_hidden))) +
             o.last_stats.top_prob();
  }
};

template <class T>
struct recording {
  lagom::trace<> t;
  lagom::hidden_states<T> states{toy::layers, toy::dim};
};

// The toy model recorded with `signals` live.
template <class T, class Signals>
recording<T> record(int rows, const Signals& signals) {
  const toy model;
  recording<T> out{.t = lagom::trace<>(toy::layers, signals)};
  for (int r = 0; r < rows; ++r) {
    out.t.begin_row(r % toy::vocab, 0, 10);
    out.states.begin_row();
    auto x = model.start(r);
    std::vector<T> now, before;
    lagom::basic_layer_obs<T> obs{.n_layers = toy::layers};
    for (int l = 0; l < toy::layers; ++l) {
      model.layer(r, l, x);
      before = now;
      now.clear();
      for (const float v : x) now.push_back(T(v));
      obs.layer = l;
      obs.hidden = now;
      obs.prev_hidden = before;
      obs.last_stats = obs.stats;
      obs.stats = lagom::unembed(portable{}, now, model.head);
      out.t.record(portable{}, obs, signals);
      out.states.record(obs);
    }
  }
  return out;
}

}  // namespace

TEMPLATE_TEST_CASE("hidden states are what was recorded, row by row and layer by layer", "[exit]", float,
                   lagom::bf16, lagom::f16) {
  const toy model;
  const auto made = record<TestType>(5, lagom::features<lagom::gap>{});
  const auto& s = made.states;
  CHECK(s.rows() == 5);
  CHECK(s.layers() == toy::layers);
  for (int r = 0; r < 5; ++r) {
    auto x = model.start(r);
    for (int l = 0; l < toy::layers; ++l) {
      model.layer(r, l, x);
      for (lagom::index_t j = 0; j < toy::dim; ++j) {
        const float stored = static_cast<float>(TestType(x[static_cast<std::size_t>(j)]));
        REQUIRE(static_cast<float>(s.at(r, l)[j]) == stored);
        REQUIRE(static_cast<float>(s.at(lagom::layer_index(l))(r, j)) == stored);
        REQUIRE(static_cast<float>(s.all()(r * toy::layers + l, j)) == stored);
      }
    }
  }
  lagom::hidden_states<TestType> twice(toy::layers, toy::dim);
  twice.reserve(10);
  twice.append(s);
  twice.append(s);
  CHECK(twice.rows() == 10);
  CHECK(static_cast<float>(twice.at(7, 3)[2]) == static_cast<float>(s.at(2, 3)[2]));
}

TEST_CASE("states are rounded to the type that stores them, and what was not recorded is NaN", "[exit]") {
  const std::vector<float> x{1.0f, 1.00390625f, -3.14159f};
  lagom::hidden_states<lagom::bf16> s(2, 3);
  s.begin_row();
  s.record(lagom::layer_obs{.layer = 1, .hidden = x});
  for (lagom::index_t j = 0; j < 3; ++j) {
    CHECK(s.at(0, 1)[j].bits == lagom::bf16(x[static_cast<std::size_t>(j)]).bits);
    const float hole = s.at(0, 0)[j];
    CHECK_FALSE(lagom::is_finite(&hole));
  }
  lagom::hidden_states<double> d(1, 3);
  d.begin_row();
  CHECK_FALSE(lagom::is_finite(&d.at(0, 0)[0]));
  d.record(lagom::layer_obs{.layer = 0, .hidden = x});
  CHECK(d.at(0, 0)[2] == static_cast<double>(x[2]));
}

TEMPLATE_TEST_CASE("a signal recorded afterwards is the one recorded live", "[exit]", float, lagom::bf16) {
  const lagom::features pack{lagom::gap{}, lagom::hidden_cosine{}, own{2}};
  const auto live = record<TestType>(12, pack);
  auto later = record<TestType>(12, lagom::features<lagom::gap>{});
  REQUIRE(lagom::record_signal(later.t, later.states, own{2}));
  REQUIRE(lagom::record_signal(later.t, later.states, lagom::hidden_cosine{}));
  REQUIRE(lagom::record_signal(later.t, later.states, lagom::gap{}));  // from statistics: no column
  CHECK(later.t.columns().size() == 3);
  for (const char* const name : {"hidden_cosine", "own"}) {
    for (std::size_t k = 0; k < (name[0] == 'o' ? 2u : 1u); ++k) {
      const auto a = live.t.find_column(name, k), b = later.t.find_column(name, k);
      REQUIRE(b >= 0);
      for (int r = 0; r < 12; ++r) {
        for (int l = 0; l < toy::layers; ++l) REQUIRE(live.t.value(a, r, l) == later.t.value(b, r, l));
      }
    }
  }
  const lagom::exit_policy policy{pack, lagom::threshold{0.3f, 0}};
  const auto a = lagom::replay(live.t, policy), b = lagom::replay(later.t, policy);
  REQUIRE((a && b));
  for (std::size_t r = 0; r < 12; ++r) CHECK(a->outcomes[r].stop == b->outcomes[r].stop);
  CHECK(lagom::label(later.t, pack, lagom::label_kind::correct)->rows() ==
        lagom::label(live.t, pack, lagom::label_kind::correct)->rows());
  CHECK(lagom::exit_losses(later.t, 2, lagom::exit_loss::textual, [&](lagom::index_t c) {
          return lagom::exit_policy{pack, lagom::threshold{0.1f * static_cast<float>(c), 1}};
        }).has_value());
  // Once more with another setting: the columns are replaced.
  REQUIRE(lagom::record_signal(later.t, later.states, own{4}));
  CHECK(later.t.columns().size() == 3);
  const auto c = later.t.find_column("own"), d = live.t.find_column("own");
  CHECK(later.t.value(c, 3, 4) == 2 * live.t.value(d, 3, 4));
}

TEST_CASE("a signal whose settings differ by row", "[exit]") {
  auto made = record<float>(4, lagom::features<lagom::gap>{});
  REQUIRE(lagom::record_signal(made.t, made.states,
                               [](lagom::index_t row) { return own{static_cast<float>(row)}; }));
  auto same = record<float>(4, lagom::features<lagom::gap>{});
  REQUIRE(lagom::record_signal(same.t, same.states, own{1}));
  const auto c = made.t.find_column("own"), d = same.t.find_column("own");
  for (int r = 0; r < 4; ++r) CHECK(made.t.value(c, r, 5) == static_cast<float>(r) * same.t.value(d, r, 5));
}

TEST_CASE("the last probed layer of a recorded signal is the schedule's", "[exit]") {
  auto made = record<float>(2, lagom::features<lagom::gap>{});
  REQUIRE(lagom::record_signal(made.t, made.states, own{}, lagom::every_nth{3}));
  const auto c = made.t.find_column("own", 1);
  for (int l = 1; l < toy::layers; ++l) {
    const int last = (l - 1) / 3 * 3;
    const auto before = made.states.at(1, l - 1);
    CHECK(made.t.value(c, 1, l) ==
          static_cast<float>(lagom::squared_norm(portable{}, before)) + made.t.stats(1, last).top_prob());
  }
}

TEST_CASE("states of another model are refused", "[exit]") {
  auto made = record<float>(3, lagom::features<lagom::gap>{});
  lagom::hidden_states<float> fewer(toy::layers, toy::dim), shallow(2, toy::dim);
  for (int r = 0; r < 3; ++r) shallow.begin_row();
  const auto a = lagom::record_signal(made.t, fewer, own{});
  REQUIRE_FALSE(a);
  CHECK(a.error().code == lagom::errc::wrong_shape);
  CHECK(a.error().expected == 3);
  CHECK_FALSE(lagom::record_signal(made.t, shallow, own{}));
  CHECK_FALSE(lagom::label(made.t, fewer, lagom::label_kind::correct));
}

TEST_CASE("labels of states: every layer but the last, where the rows, the schedule and the numbers allow",
          "[exit]") {
  const auto made = record<float>(6, lagom::features<lagom::gap>{});
  auto states = made.states;
  const auto all = lagom::label(made.t, states, lagom::label_kind::agrees_with_final);
  REQUIRE(all);
  CHECK(all->positives() + all->negatives() == 6 * (toy::layers - 1));
  CHECK(all->positives() > 0);
  CHECK(all->negatives() > 0);
  const auto view = all->view();
  CHECK(view.cells() == 6 * toy::layers);
  CHECK(view.sequences() == 6);
  for (int r = 0; r < 6; ++r) {
    for (int l = 0; l < toy::layers; ++l) {
      const int cell = r * toy::layers + l;
      const bool right = lagom::right_to_stop(made.t, r, l, lagom::label_kind::agrees_with_final);
      CHECK(view.labels[cell] == (l + 1 == toy::layers ? 0 : right ? 1 : -1));
      CHECK(&view.states(cell, 0) == &states.at(r, l)[0]);  // no copy
    }
  }
  const auto few = lagom::label(
      made.t, states, lagom::label_kind::agrees_with_final, [](lagom::index_t row) { return row % 2 == 0; },
      lagom::every_nth{4});
  CHECK(few->positives() + few->negatives() == 3 * 2);  // layers 0 and 4; 8 is the last
  lagom::hidden_states<float> holes(toy::layers, toy::dim);
  for (int r = 0; r < 6; ++r) holes.begin_row();
  const auto none = lagom::label(made.t, holes, lagom::label_kind::correct);
  CHECK(none->positives() + none->negatives() == 0);
}

TEST_CASE("signals fitted on some rows stop other rows early and mostly right", "[exit]") {
  auto made = record<lagom::bf16>(400, lagom::features<lagom::gap>{});
  const auto train = [](lagom::index_t row) { return row % 2 == 0; };
  const auto test = [](lagom::index_t row) { return row % 2 == 1; };
  const auto labelled = lagom::label(made.t, made.states, lagom::label_kind::agrees_with_final, train);
  const auto judge = [&](const auto& signal, const auto& rule) {
    REQUIRE(lagom::record_signal(made.t, made.states, signal));
    const auto run = lagom::replay(made.t, lagom::exit_policy{lagom::features{signal}, rule}, test);
    REQUIRE(run);
    return lagom::evaluate(made.t, *run, test);
  };
  const auto module = lagom::fit(lagom::lte_config{}, labelled->view());
  REQUIRE(module);
  const auto cautious = judge(module->model.signal(), lagom::threshold<lagom::below>{0.1f});
  const auto bold = judge(module->model.signal(), lagom::threshold<lagom::below>{0.4f});
  CHECK(cautious.agreement() > 0.85);
  CHECK(cautious.agreement() >= bold.agreement());
  CHECK(bold.mean_stop().value < cautious.mean_stop().value);
  CHECK(cautious.mean_stop().value < toy::layers - 1);
  CHECK(cautious.probes.mean == 1);  // the head is passed once, at the exit
  for (const auto loss : {lagom::meta_loss::independent, lagom::meta_loss::geometric}) {
    const auto head = lagom::fit(lagom::meta_config{.loss = loss}, labelled->view());
    REQUIRE(head);
    const auto sure = judge(head->model.signal(), lagom::threshold{0.6f});
    const auto unsure = judge(head->model.signal(), lagom::threshold{0.3f});
    CHECK(sure.agreement() > unsure.agreement());
    CHECK(unsure.mean_stop().value < sure.mean_stop().value);
    CHECK(unsure.mean_stop().value < toy::layers - 1);
  }
}
