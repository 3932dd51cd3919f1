// SPDX-License-Identifier: MIT
#include <lagom/exit/exit_policy.hpp>
#include <lagom/exit/label_states.hpp>
#include <lagom/io/learned_policy.hpp>
#include <lagom/signal/candidate_probe.hpp>
#include <lagom/signal/gap.hpp>
#include <lagom/signal/relative_depth.hpp>
#include <lagom/stop/calibrate/exact_binomial.hpp>
#include <lagom/stop/fit_lte.hpp>
#include <lagom/stop/fit_meta.hpp>
#include <lagom/stop/fit_specee.hpp>

#include <bit>
#include <limits>

#include "exit/toy.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"
#include "support/golden.hpp"

using lagom::errc;
using lagom::features;
using lagom::index_t;
using lagom_test::must;
using lagom_test::scratch;
using lagom_test::toy;
namespace io = lagom::io;

namespace {

constexpr io::model_identity model{
    .fingerprint = 0xfedcba9876543210u, .layers = toy::layers, .hidden = toy::dim};

// A program built with fast-math flushes subnormal numbers to zero, and its zeros have no sign.
#ifdef __FAST_MATH__
constexpr float least = std::numeric_limits<float>::min(), negative_zero = 0;
#else
constexpr float least = std::numeric_limits<float>::denorm_min(), negative_zero = -0.0f;
#endif

// Floats whose decimals are long, short, tiny, huge, subnormal, negative zero.
std::vector<float> odd_floats(std::size_t n) {
  const float some[] = {0.1f, -1.0f / 3,     least,    -1.17549435e-38f, 3.40282347e+38f,
                        0.0f, negative_zero, 16777216, 7.03853e-26f};
  std::vector<float> x;
  std::uint32_t bits = 1;
  while (x.size() < n) {
    if (x.size() < std::size(some)) {
      x.push_back(some[x.size()]);
      continue;
    }
    bits = bits * 1664525u + 1013904223u;
    const float f = std::bit_cast<float>(bits);
    if (lagom::is_finite(&f) && (f >= least || f <= -least)) x.push_back(f);
  }
  return x;
}

bool same_bits(lagom::vec_view<const float> a, lagom::vec_view<const float> b) {
  if (a.size() != b.size()) return false;
  for (index_t i = 0; i < a.size(); ++i) {
    if (std::bit_cast<std::uint32_t>(a[i]) != std::bit_cast<std::uint32_t>(b[i])) return false;
  }
  return true;
}

// The states of some toy sequences after every layer, and whether the answer there is the last one.
struct states {
  lagom::trace<> t{toy::layers};
  lagom::hidden_states<float> hidden{toy::layers, toy::dim};

  explicit states(const toy& engine, int rows) {
    for (int r = 0; r < rows; ++r) {
      t.begin_row(r % toy::vocab, 0, 10);
      hidden.begin_row();
      auto x = engine.start(r);
      for (int l = 0; l < toy::layers; ++l) {
        engine.layer(r, l, x);
        lagom::layer_obs obs{.layer = l, .n_layers = toy::layers, .hidden = x};
        obs.stats = lagom::unembed(lagom::portable{}, x, engine.head);
        t.record(lagom::portable{}, obs, features<lagom::gap>{});
        hidden.record(obs);
      }
    }
  }

  // Where the policy stops on every row, and the bits of its last score.
  template <class Policy>
  [[nodiscard]] std::vector<std::pair<int, float>> stops(const toy& engine, const Policy& policy) const {
    std::vector<std::pair<int, float>> out;
    for (index_t r = 0; r < t.rows(); ++r) {
      auto run = policy.begin(toy::layers);
      for (int l = 0; l < toy::layers; ++l) {
        if (run.observe({.layer = l, .hidden = hidden.at(r, l)}, engine.head)) break;
      }
      out.emplace_back(run.stopped_at().value, run.state().score);
    }
    return out;
  }
};

lagom::failure failure_of(const auto& r) { return r ? lagom::failure{.code = errc{255}} : r.error(); }

}  // namespace

TEST_CASE("learned signals come back with their weights, bit for bit, from an owner", "[io][policy]") {
  const scratch dir;
  const std::string path = dir.file("p.json");
  const lagom::linear_probe<lagom::lte> module{.weights = odd_floats(toy::dim), .bias = -1.0f / 3};
  const lagom::linear_probe<lagom::meta_confidence> meta{.weights = odd_floats(toy::dim + 5), .bias = least};
  // A view with a stride: every second of another's weights.
  const std::vector<float> twice = odd_floats(2 * toy::dim);
  const lagom::lte strided{.weights = {twice.data(), toy::dim, 2}, .bias = 7};
  const lagom::meta_confidence cut{.weights = {meta.weights.data() + 5, toy::dim}, .bias = meta.bias};
  const features pack{module.signal(), lagom::gap{}, cut};
  const lagom::linear_svm<3> rule{{0.1f, -1e-30f, 3e38f}, least};
  REQUIRE(io::save_learned_policy(path, pack, rule, model));
  using wanted = features<lagom::lte, lagom::gap, lagom::meta_confidence>;
  auto saved = must(io::load_learned_policy<lagom::linear_svm<3>>(path, wanted{}, model));
  const auto back = saved.signals();
  CHECK(same_bits(back.signal<0>().weights, module.weights));
  CHECK(back.signal<0>().bias == module.bias);
  CHECK(same_bits(back.signal<2>().weights, cut.weights));
  CHECK(std::bit_cast<std::uint32_t>(back.signal<2>().bias) == std::bit_cast<std::uint32_t>(least));
  CHECK(same_bits(saved.rule.weights, rule.weights));
  // Copies own their own weights; what was copied may go.
  auto copy = std::optional(saved);
  CHECK(copy->signals().signal<0>().weights.data() != back.signal<0>().weights.data());
  CHECK(same_bits(copy->signals().signal<0>().weights, module.weights));
  // The text is the shortest that gives the floats back.
  const std::string text = lagom_test::read_file(path);
  CHECK(text.find("[0.1,") != std::string::npos);
  CHECK(text.find("0.10000000149") == std::string::npos);
  // The same text again from what was loaded.
  REQUIRE(io::save_learned_policy(dir.file("q.json"), copy->signals(), copy->rule, model));
  CHECK(lagom_test::read_file(dir.file("q.json")) == text);

  REQUIRE(io::save_learned_policy(path, features{strided}, lagom::threshold<lagom::below>{0.1f}, model));
  const auto dense =
      must(io::load_learned_policy<lagom::threshold<lagom::below>>(path, features<lagom::lte>{}, model));
  CHECK(same_bits(dense.signals().signal<0>().weights, strided.weights));
}

TEST_CASE("fitted modules decide after loading as before saving", "[io][policy]") {
  const scratch dir;
  const std::string path = dir.file("p.json");
  const toy engine;
  const states seen(engine, 120);
  const auto labelled = must(lagom::label(seen.t, seen.hidden, lagom::label_kind::agrees_with_final));
  const auto module = must(lagom::fit(lagom::lte_config{.max_iterations = 60}, labelled.view()));
  const auto meta = must(lagom::fit(lagom::meta_config{.max_iterations = 60}, labelled.view()));

  const features lte_pack{module.model.signal()};
  const lagom::in_a_row<lagom::threshold<lagom::below>> patient{2, {.value = 0.3f}};
  REQUIRE(io::save_learned_policy(path, lte_pack, patient, model, lagom::at_layers{1, 3, 5, 7}));
  const auto a = must(io::load_learned_policy<lagom::in_a_row<lagom::threshold<lagom::below>>>(
      path, features<lagom::lte>{}, model));
  const lagom::exit_policy before{lte_pack, patient, lagom::at_layers{1, 3, 5, 7}};
  const lagom::exit_policy after{a.signals(), a.rule, must(io::load_layers(path))};
  const auto stops = seen.stops(engine, before);
  CHECK(stops == seen.stops(engine, after));
  CHECK(std::any_of(stops.begin(), stops.end(), [](const auto& s) { return s.first < toy::layers - 1; }));
  CHECK(std::any_of(stops.begin(), stops.end(), [](const auto& s) { return s.first == toy::layers - 1; }));

  // Beside it the depth, which is not learned, and CALM's threshold falling along the way.
  const features meta_pack{lagom::relative_depth{}, meta.model.signal()};
  const lagom::falling_threshold<lagom::above> falling{{.threshold = 0.6, .temperature = 4, .length = 9}, 1};
  REQUIRE(io::save_learned_policy(path, meta_pack, falling, model));
  const auto b = must(io::load_learned_policy<lagom::falling_threshold<lagom::above>>(
      path, features<lagom::relative_depth, lagom::meta_confidence>{}, model));
  CHECK(seen.stops(engine, lagom::exit_policy{meta_pack, falling}) ==
        seen.stops(engine, lagom::exit_policy{b.signals(), b.rule}));
  CHECK(b.rule.decay.threshold == 0.6);
}

TEST_CASE("SpecEE's predictors and schedule come back, and confirm as before", "[io][policy]") {
  const scratch dir;
  const std::string path = dir.file("p.json");
  const toy engine;
  const states seen(engine, 60);
  const std::vector<lagom::token_id> drafts{3, 11, 29};
  using probe = lagom::candidate_probe<3, decltype(engine.head)>;
  lagom::specee<3> rule{.hidden = 5, .log_odds = -0.1f};
  const auto size = static_cast<std::size_t>(lagom::specee<3>::size(5));
  for (const float x : lagom_test::normal<float>(toy::layers * size, 4)) rule.parameters.push_back(x);
  const features pack{probe{engine.head, drafts}};
  const lagom::recent_exits schedule{lagom::at_layers{2, 4, 5}, 1};
  REQUIRE(io::save_learned_policy(path, pack, rule, model, schedule));
  const auto saved = must(io::load_learned_policy<lagom::specee<3>>(path, pack, model));
  CHECK(same_bits(saved.rule.parameters, rule.parameters));
  CHECK(saved.rule.nets() == toy::layers);
  auto recent = must(io::load_recent_exits(path));
  CHECK(recent.apart() == 1);
  auto remembering = schedule;
  recent.remember(7);
  remembering.remember(7);
  for (int l = 0; l < toy::layers; ++l) CHECK(recent(l, toy::layers) == remembering(l, toy::layers));
  CHECK(must(io::load_layers(path))(5, toy::layers));
  CHECK(seen.stops(engine, lagom::exit_policy{pack, rule, schedule}) ==
        seen.stops(engine, lagom::exit_policy{saved.signals(), saved.rule, schedule}));
  // As a rule alone, and calibrated: it still asks to see the answer.
  REQUIRE(io::save_policy(path, pack, rule));
  CHECK(same_bits(must(io::load_policy<lagom::specee<3>>(path, pack)).parameters, rule.parameters));
  const auto shown =
      must(lagom::certify(lagom::mat_view<const double>(std::vector<double>(200).data(), 1, 200),
                          lagom::tolerance(.05), lagom::error_rate(.01), lagom::exact_binomial{}));
  using safe = lagom::calibrated<lagom::specee<3>>;
  static_assert(lagom::confirming_rule<safe> && lagom::confirming_rule<lagom::in_a_row<lagom::specee<3>>> &&
                !lagom::confirming_rule<lagom::calibrated<lagom::threshold<>>>);
  REQUIRE(io::save_learned_policy(path, pack, safe{rule, shown, model.fingerprint}, model));
  CHECK(must(io::load_learned_policy<safe>(path, pack, model)).rule.shown.rows == 200);
  CHECK(failure_of(io::save_learned_policy(path, pack, safe{rule, shown, 5}, model)).code == errc::changed);
  // Another number of candidates; more perceptrons than the model has layers; sizes that do not fit together.
  const features narrow{lagom::candidate_probe<2, decltype(engine.head)>{engine.head, drafts}};
  CHECK(failure_of(io::load_learned_policy<lagom::specee<2>>(path, narrow, model)).key.view() == "widths");
  auto shallow = model;
  shallow.layers = toy::layers - 1;
  const auto too_many = failure_of(io::save_learned_policy(path, pack, rule, shallow));
  CHECK(too_many.code == errc::wrong_shape);
  CHECK(too_many.key.view() == "nets");
  rule.parameters.pop_back();
  CHECK(failure_of(io::save_policy(path, pack, rule)).code == errc::wrong_shape);
  rule.parameters.clear();
  CHECK(failure_of(io::save_policy(path, pack, rule)).code == errc::bad_value);
}

TEST_CASE("learned signals of another model, of other sizes or of other names are refused", "[io][policy]") {
  const scratch dir;
  const std::string path = dir.file("p.json");
  const lagom::linear_probe<lagom::lte> module{.weights = {1, 2, 3}, .bias = 0.5f};
  const io::model_identity small{.fingerprint = 7, .layers = 4, .hidden = 3};
  const features pack{module.signal(), lagom::gap{}};
  using rule_type = lagom::threshold<lagom::below>;
  const rule_type rule{0.25f};
  REQUIRE(io::save_learned_policy(path, pack, rule, small, lagom::at_layers{1, 3}));
  const auto load = [&](const io::model_identity& running) {
    return failure_of(io::load_learned_policy<rule_type>(path, features<lagom::lte, lagom::gap>{}, running));
  };
  CHECK(load(small).code == errc{255});
  CHECK(load({.fingerprint = 8, .layers = 4, .hidden = 3}).code == errc::changed);
  CHECK(load({.fingerprint = 8, .layers = 4, .hidden = 3}).file.view() == path);
  CHECK(load({.fingerprint = 7, .layers = 5, .hidden = 3}).key.view() == "layers");
  CHECK(load({.fingerprint = 7, .layers = 5, .hidden = 3}).found == 4);
  CHECK(load({.fingerprint = 7, .layers = 4, .hidden = 4}).key.view() == "hidden");
  CHECK(load({.fingerprint = 7, .layers = 4, .hidden = 4}).code == errc::wrong_shape);
  const auto as = [&](const auto& other) {
    return failure_of(io::load_learned_policy<rule_type>(path, other, small));
  };
  CHECK(as(features<lagom::meta_confidence, lagom::gap>{}).key.view() == "meta_confidence");
  CHECK(as(features<lagom::meta_confidence, lagom::gap>{}).code == errc::wrong_features);
  CHECK(as(features<lagom::lte>{}).code == errc::wrong_features);
  CHECK(
      failure_of(io::load_learned_policy<lagom::threshold<>>(path, features<lagom::lte, lagom::gap>{}, small))
          .code == errc::wrong_schema);

  const std::string good = lagom_test::read_file(path);
  const auto edited = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    if (at == std::string::npos) throw std::runtime_error("no " + from + " in " + good);
    text.replace(at, from.size(), to);
    dir.write("p.json", text);
    return load(small);
  };
  CHECK(edited("[1.0,2.0,3.0]", "[1,2,3]").code == errc{255});
  CHECK(edited("[1.0,2.0,3.0]", "[1,2]").code == errc::wrong_shape);
  CHECK(edited("[1.0,2.0,3.0]", "[1,2]").key.view() == "lte.weights");
  CHECK(edited("[1.0,2.0,3.0]", "[1,2,3,4]").found == 4);
  CHECK(edited("[1.0,2.0,3.0]", "[]").code == errc::wrong_shape);
  CHECK(edited("[1.0,2.0,3.0]", "[1,2,\"3\"]").code == errc::wrong_type);
  CHECK(edited("[1.0,2.0,3.0]", "[1,2,1e60]").code == errc::not_finite);
  CHECK(edited("[1.0,2.0,3.0]", "[1,2,null]").code == errc::wrong_type);
  CHECK(edited("\"bias\":0.5", "\"base\":0.5").key.view() == "lte.bias");
  CHECK(edited("\"bias\":0.5", "\"bias\":1e39").code == errc::not_finite);
  CHECK(edited(",null]", ",{}]").code == errc::wrong_type);
  CHECK(edited(",null]", ",null,null]").key.view() == "signals");
  CHECK(edited("\"signals\"", "\"signal\"").code == errc::missing_key);
  CHECK(edited("\"model\"", "\"modal\"").code == errc::missing_key);
  CHECK(edited("0000000000000007", "7").code == errc::bad_value);
  CHECK(edited("\"hidden\":3", "\"hidden\":3.0").code == errc::wrong_type);
  CHECK(edited("\"hidden\":3", "\"hidden\":-3").code == errc::wrong_type);
  CHECK(edited("[1,3]", "[1,4]").code == errc::out_of_range);
  CHECK(edited("\"layers\":[1,3],", "").code == errc{255});
  CHECK(failure_of(io::load_recent_exits(path)).code == errc::missing_key);

  // Nothing is saved that would not load.
  const auto save = [&](const lagom::linear_probe<lagom::lte>& of, const io::model_identity& m) {
    return failure_of(io::save_learned_policy(path, features{of.signal(), lagom::gap{}}, rule, m));
  };
  CHECK(save({.weights = {1, 2}}, small).key.view() == "lte.weights");
  CHECK(save({.weights = {1, 2, std::numeric_limits<float>::quiet_NaN()}}, small).code == errc::not_finite);
  CHECK(save({.weights = {1, 2, std::numeric_limits<float>::infinity()}}, small).code == errc::not_finite);
  CHECK(save({.weights = {1, 2, 3}, .bias = std::numeric_limits<float>::quiet_NaN()}, small).code ==
        errc::not_finite);
  CHECK(save(module, {.fingerprint = 7, .layers = 0, .hidden = 3}).key.view() == "layers");
  CHECK(save({}, {.fingerprint = 7, .layers = 4, .hidden = 0}).key.view() == "hidden");
  CHECK(failure_of(io::save_learned_policy(path, pack, rule, small, lagom::at_layers{4})).code ==
        errc::out_of_range);
}

TEST_CASE("rules of rules come back, and so do alarms", "[io][policy]") {
  const scratch dir;
  const std::string path = dir.file("p.json");
  const features<lagom::gap, lagom::relative_depth> pack;
  const auto load_text = [&]<class Rule>(const Rule&, const std::string& text) {
    dir.write("p.json", text);
    return failure_of(io::load_policy<Rule>(path, pack));
  };
  const auto round = [&]<class Rule>(const Rule& rule) {
    REQUIRE(io::save_policy(path, pack, rule));
    const std::string text = lagom_test::read_file(path);
    const Rule back = must(io::load_policy<Rule>(path, pack));
    // The same scores over a walk, and the same text.
    typename Rule::state s{}, t{};
    for (const float g : lagom_test::normal<float>(60, 9, 0.5)) {
      const std::vector<float> x{g < 0 ? -g : g, 0.5f};
      const float a = rule.step(s, x), b = back.step(t, x);
      CHECK(std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b));
    }
    REQUIRE(io::save_policy(path, pack, back));
    CHECK(lagom_test::read_file(path) == text);
    return text;
  };
  using svm = lagom::standardized<lagom::linear_svm<1>>;
  const svm scaled{{{0.4f}, {2.5f}}, {{0.7f}, -0.1f}};
  const lagom::all_of both{lagom::in_a_row{2, lagom::threshold{0.3f}}, lagom::on_features{1, scaled},
                           lagom::any_of{lagom::threshold<lagom::below>{0.9f, 1}, lagom::patience{1, 1}}};
  const std::string text = round(both);
  round(lagom::falling_threshold{lagom::position_decay{.threshold = 0.7, .temperature = 4, .length = 40}, 0});
  round(lagom::falling_threshold<lagom::below>{{.threshold = 0.7, .temperature = 0, .length = 1}, 1});
  round(lagom::when_alarmed{lagom::drift_alarm{.tolerance = lagom::tolerance(.1), .run = 100, .memory = 10},
                            0});
  round(lagom::when_alarmed{lagom::risk_monitor{
      .tolerance = lagom::tolerance(.2), .error_rate = lagom::error_rate(.05), .memory = 20}});
  round(scaled);
  // A scaled rule is not taken for a bare one, which would see other features.
  CHECK(failure_of(io::load_policy<lagom::linear_svm<1>>(path, pack)).key.view() == "inverse_deviation");

  const auto edited = [&](const std::string& from, const std::string& to) {
    std::string other = text;
    const std::size_t at = other.find(from);
    if (at == std::string::npos) throw std::runtime_error("no " + from + " in " + text);
    other.replace(at, from.size(), to);
    return load_text(both, other);
  };
  CHECK(edited("\"steps\": 2", "\"steps\": 2").code == errc{255});
  CHECK(edited("\"steps\": 2", "\"steps\": 0").code == errc::bad_value);
  CHECK(edited("\"in_a_row\"", "\"in_a_line\"").code == errc::wrong_schema);
  CHECK(edited("\"threshold_at_least\"", "\"threshold_above\"").code == errc::wrong_schema);
  CHECK(edited("\"any_of\"", "\"all_of\"").code == errc::wrong_schema);
  CHECK(edited("\"counted\"", "\"count\"").code == errc::missing_key);
  CHECK(edited("\"shown\"", "\"show\"").code == errc::missing_key);
  CHECK(edited("\"first\": 1", "\"first\": 2").code == errc::wrong_width);
  CHECK(edited("\"first\": 1", "\"first\": 3").code == errc::bad_value);
  CHECK(edited("\"parts\"", "\"part\"").code == errc::missing_key);
  dir.write("p.json", text);
  CHECK(failure_of(io::load_policy<lagom::all_of<lagom::threshold<>>>(path, pack)).found == 3);
  // What cannot be is not saved.
  CHECK(failure_of(io::save_policy(path, pack, lagom::in_a_row{0, lagom::threshold{0.3f}})).code ==
        errc::bad_value);
  CHECK(failure_of(io::save_policy(path, pack, lagom::when_alarmed{lagom::drift_alarm{}})).code ==
        errc::out_of_range);
  CHECK(failure_of(io::save_policy(path, pack, lagom::on_features{2, lagom::threshold{0.3f}})).code ==
        errc::out_of_range);
  CHECK(lagom_test::read_file(path) == text);
}
