// SPDX-License-Identifier: MIT
#include <lagom/exit/evaluate.hpp>
#include <lagom/exit/flops_ratios.hpp>
#include <lagom/exit/labels.hpp>
#include <lagom/signal/agreement.hpp>
#include <lagom/signal/entropy.hpp>
#include <lagom/signal/gap.hpp>
#include <lagom/signal/hidden_cosine.hpp>
#include <lagom/signal/relative_depth.hpp>
#include <lagom/signal/top_prob.hpp>
#include <lagom/stop/any_of.hpp>
#include <lagom/stop/at_layers.hpp>
#include <lagom/stop/linear_svm.hpp>
#include <lagom/stop/not_before.hpp>
#include <lagom/stop/patience.hpp>
#include <lagom/stop/threshold.hpp>

#include "support/catch.hpp"
#include "toy.hpp"

using namespace lagom_test;
using lagom::features;
using lagom::need;
using lagom::portable;

namespace {

// Live, through the run object, as an engine does it.
template <class Policy>
lagom::exit_outcome live(const toy& engine, int instance, const Policy& policy) {
  auto run = policy.begin(toy::layers);
  auto x = engine.start(instance);
  for (int l = 0; l < toy::layers; ++l) {
    const auto before = x;
    engine.layer(instance, l, x);
    if (run.observe({.layer = l, .hidden = x, .prev_hidden = before}, engine.head)) break;
  }
  return {run.stopped_at(), run.token(), run.probes()};
}

using everything = features<lagom::gap, lagom::top_prob, lagom::entropy, lagom::agreement,
                            lagom::relative_depth, lagom::hidden_cosine>;

lagom::trace<> record(const toy& engine, int first, int n) {
  lagom::trace<> t(toy::layers, everything{});
  for (int i = first; i < first + n; ++i) {
    t.begin_row(i % toy::vocab, i % 3, 10 + i);
    auto x = engine.start(i);
    for (int l = 0; l < toy::layers; ++l) {
      const auto before = x;
      engine.layer(i, l, x);
      lagom::layer_obs o{.layer = l, .n_layers = toy::layers, .hidden = x, .prev_hidden = before};
      o.stats = lagom::unembed(portable{}, x, engine.head);
      t.record(portable{}, o, everything{});
    }
  }
  return t;
}

template <class Policy>
void replay_equals_live(const toy& engine, const lagom::trace<>& t, const Policy& policy) {
  const auto run = lagom::replay(t, policy);
  REQUIRE(run);
  static_assert(std::remove_cvref_t<decltype(*run)>::exact);
  for (int i = 0; i < t.rows(); ++i) {
    const auto expected = live(engine, i, policy);
    const auto& got = run->outcomes[static_cast<std::size_t>(i)];
    REQUIRE(got.stop == expected.stop);
    REQUIRE(got.token == expected.token);
    REQUIRE(got.probes == expected.probes);
  }
}

}  // namespace

TEST_CASE("a policy never probes where its schedule does not, and the last layer always answers",
          "[exit][policy]") {
  const toy engine;
  for (int i = 0; i < 20; ++i) {
    const auto never = live(engine, i, lagom::exit_policy{features<lagom::gap>{}, lagom::threshold{2.0f}});
    CHECK(never.stop == lagom::layer_index(toy::layers - 1));
    CHECK(never.probes == toy::layers);
    const auto always = live(engine, i, lagom::exit_policy{features<lagom::gap>{}, lagom::threshold{-1.0f}});
    CHECK(always.stop == lagom::layer_index(0));
    CHECK(always.probes == 1);
    const auto late = live(
        engine, i, lagom::exit_policy{features<lagom::gap>{}, lagom::threshold{-1.0f}, lagom::not_before{5}});
    CHECK(late.stop == lagom::layer_index(5));
    CHECK(late.probes == 1);
    const auto placed =
        live(engine, i,
             lagom::exit_policy{features<lagom::gap>{}, lagom::threshold{2.0f}, lagom::at_layers{2, 4}});
    CHECK(placed.probes == 3);  // two exits and the answer
    CHECK(placed.token == never.token);
  }
}

TEST_CASE("a policy of cosines passes the head once, after the decision", "[exit][policy]") {
  const toy engine;
  constexpr lagom::exit_policy policy{features<lagom::hidden_cosine>{}, lagom::threshold{0.9f}};
  static_assert(!policy.reads(need::stats) && policy.reads(need::prev_hidden));
  for (int i = 0; i < 20; ++i) {
    const auto out = live(engine, i, policy);
    CHECK(out.probes == 1);
    CHECK(out.token >= 0);
  }
}

TEST_CASE("the answer may come from a head, logits, statistics or the engine itself", "[exit][policy]") {
  const toy engine;
  const lagom::exit_policy policy{features<lagom::gap, lagom::top_prob>{}, lagom::linear_svm<2>{{3, 1}, -2}};
  auto x = engine.start(3);
  engine.layer(3, 0, x);
  std::vector<float> logits;
  const auto stats = lagom::unembed(portable{}, x, engine.head);
  const lagom::rms_norm norm{engine.g, 1e-5};
  const float scale = norm.prepare(portable{}, lagom::as_vec(x));
  for (int v = 0; v < toy::vocab; ++v) {
    float z = 0;
    for (int j = 0; j < toy::dim; ++j)
      z += engine.head.rows(v, j) * norm.apply(scale, x[static_cast<std::size_t>(j)], j);
    logits.push_back(z);
  }
  const auto token = [&](const auto& from) {
    auto run = policy.begin(1);
    CHECK(run.observe({.layer = 0, .hidden = x}, from));
    return run.token();
  };
  CHECK(token(engine.head) == stats.top);
  CHECK(token(logits) == stats.top);
  CHECK(token(stats) == stats.top);
  CHECK(token([&](lagom::vec_view<const float> h) { return lagom::unembed(portable{}, h, engine.head); }) ==
        stats.top);
}

TEST_CASE("NaN in a layer never stops a model, and double states work", "[exit][policy]") {
  const toy engine;
  const lagom::exit_policy policy{features<lagom::gap, lagom::hidden_cosine>{},
                                  lagom::any_of{lagom::threshold{-1.0f}, lagom::threshold{-2.0f, 1}}};
  auto run = policy.begin(3);
  std::vector<float> x(toy::dim, 1.0f), bad = x;
  const std::uint32_t nan = 0x7fc00000u;
  __builtin_memcpy(&bad[3], &nan, sizeof nan);
  CHECK_FALSE(run.observe({.layer = 0, .hidden = bad, .prev_hidden = x}, engine.head));
  CHECK_FALSE(
      run.observe({.layer = 1, .hidden = x, .prev_hidden = bad}, engine.head));  // the cosine is missing
  CHECK(run.observe({.layer = 2, .hidden = bad, .prev_hidden = x},
                    engine.head));  // the last layer answers, whatever it says
  CHECK(run.stopped_at() == lagom::layer_index(2));
  CHECK_FALSE(run.state().stats.valid());

  auto doubles = policy.begin<double>(2);
  const std::vector<double> y(toy::dim, 0.5);
  CHECK(doubles.observe({.layer = 0, .hidden = y, .prev_hidden = y}, engine.head));
  CHECK(doubles.used() == lagom::layers_used(1));
}

TEST_CASE("states of a batch are values in an array", "[exit][policy]") {
  const toy engine;
  const lagom::exit_policy policy{features<lagom::gap, lagom::agreement>{},
                                  lagom::any_of{lagom::threshold{.9f}, lagom::patience{2, 1}}};
  using state = decltype(policy.state(1));
  static_assert(std::is_trivially_copyable_v<state>);
  constexpr int batch = 8;
  std::vector<state> states(batch, policy.state(toy::layers));
  std::vector<std::vector<float>> x;
  for (int i = 0; i < batch; ++i) x.push_back(engine.start(i));
  for (int l = 0; l < toy::layers; ++l) {
    for (int i = 0; i < batch; ++i) {
      auto& s = states[static_cast<std::size_t>(i)];
      if (s.stopped) continue;
      engine.layer(i, l, x[static_cast<std::size_t>(i)]);
      (void)policy.observe(s, lagom::layer_obs{.layer = l, .hidden = x[static_cast<std::size_t>(i)]},
                           engine.head);
    }
  }
  for (int i = 0; i < batch; ++i) {
    const auto alone = live(engine, i, policy);
    CHECK(states[static_cast<std::size_t>(i)].stop == alone.stop);
    CHECK(states[static_cast<std::size_t>(i)].stats.top == alone.token);
  }
}

TEST_CASE("a replay over a per-instance trace does what the model would do", "[exit][replay]") {
  const toy engine;
  const auto t = record(engine, 0, 60);
  replay_equals_live(engine, t, lagom::exit_policy{features<lagom::gap>{}, lagom::adainfer_rule()});
  replay_equals_live(engine, t,
                     lagom::exit_policy{features<lagom::gap, lagom::top_prob>{},
                                        lagom::linear_svm<2>{{3, 1}, -2}, lagom::not_before{2}});
  // Agreement is with the last *probed* layer: recomputed, not looked up.
  replay_equals_live(
      engine, t, lagom::exit_policy{features<lagom::agreement>{}, lagom::patience{1}, lagom::every_nth{3}});
  replay_equals_live(
      engine, t,
      lagom::exit_policy{features<lagom::hidden_cosine, lagom::relative_depth>{}, lagom::threshold{.8f}});
  const lagom::trace<> bare(toy::layers);
  const auto missing = lagom::replay(
      bare, lagom::exit_policy{features<lagom::gap, lagom::hidden_cosine>{}, lagom::threshold{.8f}});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == lagom::errc::wrong_features);
  CHECK(missing.error().key.view() == "hidden_cosine");
  static_assert(!lagom::replayed<lagom::trace_kind::free_running>::exact &&
                lagom::replayed<lagom::trace_kind::teacher_forced>::exact);
}

TEST_CASE("traces recorded apart append to the trace recorded at once", "[exit][trace]") {
  const toy engine;
  auto a = record(engine, 0, 7);
  a.append(record(engine, 7, 5));
  const auto whole = record(engine, 0, 12);
  REQUIRE(a.rows() == 12);
  for (int r = 0; r < 12; ++r) {
    CHECK(a.length(r) == 10 + r);
    CHECK(a.group(r) == r % 3);
    for (int l = 0; l < toy::layers; ++l) {
      CHECK(a.stats(r, l).max == whole.stats(r, l).max);
      CHECK(a.value(0, r, l) == whole.value(0, r, l));
    }
  }
}

TEST_CASE("labels follow either reading, and evaluation counts", "[exit][evaluate]") {
  const toy engine;
  const auto t = record(engine, 0, 90);
  const auto all = [](lagom::index_t) { return true; };
  const features<lagom::gap, lagom::agreement> pack;
  auto correct = lagom::label(t, pack, lagom::label_kind::correct, all);
  auto agrees = lagom::label(t, pack, lagom::label_kind::agrees_with_final, all);
  REQUIRE(correct);
  REQUIRE(agrees);
  CHECK(correct->rows() == 90 * toy::layers);
  const auto c = correct->view(), a = agrees->view();
  CHECK(c.sequence_count() == 90);
  const auto late = lagom::label(t, pack, lagom::label_kind::correct, all, lagom::every_nth{4, 3});
  CHECK(late->rows() == 90 * 2);  // layers 3 and 7
  for (int r = 0; r < 90; ++r) {
    CHECK(a.labels[r * toy::layers + toy::layers - 1] == 1);  // the final layer agrees with itself
    CHECK(c.features(1, r * toy::layers) == 0);               // nothing before the first layer to agree with
  }
  const auto run = lagom::replay(t, lagom::exit_policy{features<lagom::gap>{}, lagom::threshold{.6f}});
  REQUIRE(run);
  const auto whole = lagom::evaluate(t, *run, all);
  lagom::evaluation merged;
  for (int g = 0; g < 3; ++g)
    merged.merge(lagom::evaluate(t, *run, [&](lagom::index_t r) { return t.group(r) == g; }));
  CHECK(merged.rows == whole.rows);
  CHECK(merged.exit_correct == whole.exit_correct);
  CHECK(merged.mean_stop().value == Approx(whole.mean_stop().value));
  CHECK(whole.mean_used().value == Approx(whole.mean_stop().value + 1));
  CHECK(whole.full_accuracy() > 0.5);
  CHECK(whole.agreement() <= 1);
  CHECK(whole.earliest_correct.count >= whole.full_correct);
  const auto full = lagom::replay(t, lagom::exit_policy{features<lagom::gap>{}, lagom::threshold{2.0f}});
  const auto never = lagom::evaluate(t, *full, all);
  CHECK(never.counts.verdict() == lagom::degeneracy::never);
  CHECK(never.exit_accuracy() == never.full_accuracy());
  CHECK(lagom::evaluate(t, *full, [](lagom::index_t) { return false; }).full_accuracy() == 0);
}

namespace {
// Statistics whose best token is `top`, by a margin.
lagom::softmax_stats<float> says(lagom::token_id top, float margin) {
  lagom::softmax_stats<float> s;
  for (lagom::token_id v = 0; v < 4; ++v) s.push(v == top ? margin : 0.0f, v);
  return s;
}

// Three rows of four layers, by hand: sure and right at layer 1; sure and wrong at layer 0, right later; never sure.
lagom::trace<> three_rows() {
  lagom::trace<> t(4);
  const float low = 0.1f, high = 9;
  const auto row = [&](int length, std::initializer_list<std::pair<lagom::token_id, float>> layers) {
    t.begin_row(2, 0, length);
    int l = 0;
    for (const auto& [top, margin] : layers) t.set(l++, says(top, margin));
  };
  row(10, {{1, low}, {2, high}, {2, high}, {2, high}});
  row(20, {{1, high}, {1, low}, {2, low}, {2, high}});
  row(30, {{0, low}, {2, low}, {0, low}, {3, low}});
  return t;
}
}  // namespace

TEST_CASE("evaluation and charges of three rows, counted by hand", "[exit][evaluate]") {
  const auto t = three_rows();
  const auto run = lagom::replay(t, lagom::exit_policy{features<lagom::gap>{}, lagom::threshold{.8f}});
  REQUIRE(run);
  CHECK(run->first_probed == 0);
  const auto e = lagom::evaluate(t, *run);
  CHECK(e.rows == 3);
  CHECK(e.full_correct == 2);
  CHECK(e.exit_correct == 1);
  CHECK(e.agreed == 2);  // the first row, and the third at full depth
  CHECK(e.stop.mean == Approx(4 / 3.0));
  CHECK(e.stop.population_variance() == Approx((1 + 0 + 9) / 3.0 - 16 / 9.0));
  CHECK(e.probes.mean == Approx((2 + 1 + 4) / 3.0));
  CHECK(e.earliest_correct.count == 3);
  CHECK(e.earliest_correct.mean == Approx((1 + 2 + 1) / 3.0));
  CHECK(e.length.mean == 20);

  const lagom::cost::decoder_shape shape{
      .layers = 4, .hidden = 8, .ffn = 16, .heads = 2, .kv_heads = 1, .head_dim = 4, .vocab = 4};
  const lagom::cost::work decision{100, 0};
  const auto ratios = lagom::charge(t, *run, shape, decision);
  using namespace lagom::cost;
  const double head = full_head(shape).macs;
  double spent[2] = {}, full[2] = {};
  const double layers[] = {2, 1, 4}, probes[] = {2, 1, 4}, decisions[] = {2, 1, 3}, lengths[] = {10, 20, 30};
  for (std::size_t r = 0; r < 3; ++r) {
    const pass passes[] = {prefill(lengths[r]), decode(lengths[r])};
    for (std::size_t k = 0; k < 2; ++k) {
      const double owed = k == 1 ? (4 - layers[r]) * kv_projection(shape, passes[k]).macs : 0;
      spent[k] += layers[r] * block(shape, passes[k]).macs + probes[r] * head + decisions[r] * 100 + owed;
      full[k] += 4 * block(shape, passes[k]).macs + head;
    }
  }
  CHECK(ratios.prefill.value == Approx(spent[0] / full[0]));
  CHECK(ratios.decode.value == Approx(spent[1] / full[1]));
  CHECK(ratios.paper.value ==
        Approx(adainfer_ratio(published_model(shape, 20), lagom::mean_layers_used(7 / 3.0)).value));
  CHECK(lagom::charge(t, *run, shape, decision, [](lagom::index_t) { return false; }).decode.value == 1);
}

TEST_CASE("a schedule that starts late is known to the report of degenerate rules", "[exit][evaluate]") {
  const auto t = three_rows();
  const auto run = lagom::replay(
      t, lagom::exit_policy{features<lagom::gap>{}, lagom::threshold{-1.0f}, lagom::not_before{2}});
  CHECK(run->first_probed == 2);
  CHECK(lagom::evaluate(t, *run).counts.verdict() == lagom::degeneracy::always_at_once);
}

TEST_CASE("flagged statistics are no right answer and no training row", "[exit][evaluate]") {
  auto t = three_rows();
  auto flagged = says(2, 9);
  flagged.push(std::numeric_limits<float>::infinity(), 4);
  for (int l = 0; l < 4; ++l) t.set(l, flagged);  // of the third row
  const auto run = lagom::replay(t, lagom::exit_policy{features<lagom::gap>{}, lagom::threshold{.8f}});
  const auto e = lagom::evaluate(t, *run);
  CHECK(e.full_correct == 2);
  CHECK(e.earliest_correct.count == 2);
  CHECK(lagom::label(t, features<lagom::gap>{}, lagom::label_kind::correct)->rows() == 8);
}

namespace {
// Two signals of one name.
struct scaled_norm {
  static constexpr std::string_view name = "norm";
  static constexpr std::size_t width = 1;
  static constexpr need needs = need::hidden;
  float factor = 1;
  void operator()(const auto& o, const auto&, float* out) const noexcept {
    out[0] = factor * static_cast<float>(o.hidden[0]);
  }
};
}  // namespace

TEST_CASE("signals of one name keep their columns apart", "[exit][trace]") {
  const features pack{scaled_norm{1}, lagom::gap{}, scaled_norm{3}};
  lagom::trace<> t(2, pack);
  t.begin_row(0, 0, 1);
  for (int l = 0; l < 2; ++l) {
    const std::vector<float> x{2.0f + static_cast<float>(l)};
    lagom::layer_obs o{.layer = l, .n_layers = 2, .hidden = x};
    o.stats = says(0, 1);
    t.record(portable{}, o, pack);
  }
  auto made =
      lagom::trace_features<std::remove_const_t<decltype(pack)>, lagom::trace_kind::per_instance>::make(pack,
                                                                                                        t);
  REQUIRE(made);
  float out[3];
  made->at_row(0);
  (*made)(lagom::layer_obs{.layer = 1, .n_layers = 2}, portable{}, out);
  CHECK(out[0] == 3);
  CHECK(out[2] == 9);
  const features three{scaled_norm{1}, scaled_norm{3}, scaled_norm{5}};  // recorded twice only
  CHECK_FALSE(
      lagom::trace_features<std::remove_const_t<decltype(three)>, lagom::trace_kind::per_instance>::make(
          three, t));
}

TEST_CASE("after it has stopped, a run does not change its mind", "[exit][policy]") {
  const lagom::exit_policy policy{features<lagom::gap>{}, lagom::threshold{.8f}};
  auto run = policy.begin(4);
  CHECK(run.observe({.layer = 0}, says(1, 9)));
  CHECK(run.observe({.layer = 1}, says(2, 0.1f)));
  CHECK(run.token() == 1);
  CHECK(run.probes() == 1);
}
