// SPDX-License-Identifier: MIT
// Exit modules against PyTorch: tests/oracle/learned_rules.py.
#include <algorithm>
#include <array>
#include <lagom/exit/evaluate.hpp>
#include <lagom/exit/fit_exit_modules.hpp>
#include <lagom/exit/record_answers.hpp>
#include <lagom/signal/candidate_probe.hpp>
#include <lagom/signal/gap.hpp>
#include <lagom/signal/lte.hpp>
#include <lagom/signal/top_prob.hpp>
#include <lagom/stop/specee.hpp>
#include <lagom/stop/threshold.hpp>

#include "support/catch.hpp"
#include "support/count_allocations.hpp"
#include "support/golden.hpp"
#include "toy.hpp"

using namespace lagom_test;
using lagom::exit_module;
using lagom::portable;

namespace {

constexpr lagom::index_t vocab = 30, hidden = 12, inner = 7;
constexpr std::size_t rows = 6;
constexpr float scale = 0.7f;
constexpr std::pair<exit_module, const char*> kinds[] = {
    {exit_module::norm, "norm"}, {exit_module::linear, "linear"}, {exit_module::mlp, "mlp"}};

struct oracle {
  lagom::io::safetensors file = must(lagom::io::safetensors::open(golden("learned/modules.safetensors")));
  std::vector<float> w = all("head"), norm = all("norm"), states = all("states"), teacher = all("teacher");

  [[nodiscard]] std::vector<float> all(const std::string& name) const { return elements<float>(file, name); }
  [[nodiscard]] lagom::head<float, lagom::rms_norm<float>> head() const {
    return {{w.data(), vocab, hidden}, {norm, 1e-5}, scale};
  }
  [[nodiscard]] static lagom::exit_module_shape shape(exit_module kind) {
    return {kind, hidden, kind == exit_module::mlp ? inner : 0};
  }
  [[nodiscard]] const float* state(std::size_t row) const { return states.data() + row * hidden; }
};

struct backwards {
  template <class Task>
  void operator()(lagom::index_t n, Task&& task) const {
    while (n-- > 0) task(n);
  }
};

// Layers whose states are the last one's, turned and bent: a linear module can turn them back.
lagom::hidden_states<float> turned(int count, const toy& model) {
  constexpr int layers = 4;
  const auto turn = normal<float>(toy::dim * toy::dim, 77, 0.3);
  lagom::hidden_states<float> out(layers, toy::dim);
  for (int r = 0; r < count; ++r) {
    out.begin_row();
    std::vector<float> last = normal<float>(toy::dim, 500 + static_cast<std::uint64_t>(r));
    const int answer = r % toy::vocab;
    for (std::size_t j = 0; j < toy::dim; ++j)
      last[j] += 3 * model.w[static_cast<std::size_t>(answer * toy::dim) + j];
    for (int l = layers; l-- > 0;) {
      out.record(lagom::layer_obs{.layer = l, .hidden = last});
      std::vector<float> before = last;
      for (std::size_t j = 0; j < toy::dim; ++j) {
        for (std::size_t k = 0; k < toy::dim; ++k) before[j] += turn[j * toy::dim + k] * last[k];
      }
      last = before;
    }
  }
  return out;
}

lagom::trace<> traced(const lagom::hidden_states<float>& states, const toy& model) {
  lagom::trace<> t(states.layers());
  for (int r = 0; r < states.rows(); ++r) {
    t.begin_row(r % toy::vocab, 0, 10);
    for (int l = 0; l < states.layers(); ++l)
      t.set(l, lagom::unembed(portable{}, states.at(r, l), model.head));
  }
  return t;
}

}  // namespace

TEST_CASE("logits, losses and gradients of exit modules are PyTorch's", "[exit]") {
  const oracle o;
  for (const auto& [kind, name] : kinds) {
    CAPTURE(name);
    const std::string key = name;
    const auto theta = o.all(key + ".parameters"), logits = o.all(key + ".logits");
    REQUIRE(static_cast<lagom::index_t>(theta.size()) == oracle::shape(kind).parameters());
    for (const char* const target : {"token", "distribution"}) {
      lagom::detail::exit_module_gradient<portable, float> module(oracle::shape(kind), 1e-5, o.head().rows,
                                                                  scale);
      std::vector<float> gradient(theta.size());
      double loss = 0;
      for (std::size_t r = 0; r < rows; ++r) {
        module.forward(theta.data(), o.state(r));
        double log_sum = 0, top = -1e30, teacher_sum = 0;
        std::vector<float> q(vocab);
        lagom::token_id hard = 0;
        for (std::size_t v = 0; v < vocab; ++v) {
          REQUIRE(near(static_cast<double>(module.logits()[v]), static_cast<double>(logits[r * vocab + v]),
                       2e-5));
          log_sum += std::exp(static_cast<double>(logits[r * vocab + v]));
          const auto z = static_cast<double>(o.teacher[r * vocab + v]);
          teacher_sum += std::exp(z);
          if (z > top) top = z, hard = static_cast<lagom::token_id>(v);
        }
        log_sum = std::log(log_sum);
        for (std::size_t v = 0; v < vocab; ++v) {
          const double p = std::exp(static_cast<double>(o.teacher[r * vocab + v])) / teacher_sum;
          q[v] = static_cast<float>(p);
          loss += p * (std::log(p) - static_cast<double>(logits[r * vocab + v]) + log_sum) / rows;
        }
        const bool soft = target[0] == 'd';
        module.add(theta.data(), o.state(r), soft ? q.data() : nullptr, hard, 1.0f / rows, gradient.data());
      }
      if (target[0] == 'd') CHECK(near(loss, elements<double>(o.file, key + ".distribution.loss")[0], 1e-5));
      const auto expected = o.all(key + "." + target + ".gradient");
      for (std::size_t i = 0; i < expected.size(); ++i)
        REQUIRE(near(static_cast<double>(gradient[i]), static_cast<double>(expected[i]), 3e-5));
    }
  }
}

TEMPLATE_TEST_CASE("a tuned head is its module before the head, whatever stores the states", "[exit]", float,
                   lagom::bf16) {
  const oracle o;
  for (const auto& [kind, name] : kinds) {
    CAPTURE(name);
    const std::string key = name;
    const auto shape = oracle::shape(kind);
    lagom::exit_modules modules(3, shape, o.norm, 1e-5);
    modules.set(1, o.all(key + ".parameters"));
    CHECK((modules.trained(1) && !modules.trained(0) && !modules.trained(2)));
    std::vector<float> scratch(static_cast<std::size_t>(shape.scratch()));
    lagom::detail::exit_module_gradient<portable, float> module(shape, 1e-5, o.head().rows, scale);
    for (std::size_t r = 0; r < rows; ++r) {
      std::vector<TestType> x;
      std::vector<float> seen;
      for (std::size_t j = 0; j < hidden; ++j) {
        x.push_back(TestType(o.state(r)[j]));
        seen.push_back(static_cast<float>(x.back()));
      }
      module.forward(o.all(key + ".parameters").data(), seen.data());
      const auto tuned = modules.at(1, o.head(), scratch);
      static_assert(lagom::answer_source<std::remove_const_t<decltype(tuned)>, TestType>);
      const auto stats = tuned(lagom::vec_view<const TestType>(x));
      CHECK(stats.top == module.stats().top);
      CHECK(near(static_cast<double>(stats.log_sum_exp()), static_cast<double>(module.stats().log_sum_exp()),
                 1e-5));
      CHECK(near(static_cast<double>(stats.entropy()), static_cast<double>(module.stats().entropy()), 1e-5));
      // A layer that was not trained answers with the model's own head, to the bit.
      const auto plain = modules.at(2, o.head(), scratch)(lagom::vec_view<const TestType>(x));
      const auto own = lagom::unembed(portable{}, x, o.head());
      CHECK((plain.top == own.top && plain.max == own.max && plain.sum == own.sum));
    }
    std::vector<float> poisoned(hidden, 1.0f);
    const std::uint32_t nan = 0x7fc00000u;
    __builtin_memcpy(&poisoned[3], &nan, sizeof nan);
    CHECK_FALSE(modules.at(1, o.head(), scratch)(lagom::vec_view<const float>(poisoned)).valid());
    const std::vector<float> zero(hidden, 0.0f);
    CHECK(modules.at(1, o.head(), scratch)(lagom::vec_view<const float>(zero)).valid());
  }
  CHECK(oracle::shape(exit_module::norm).macs() == 0);
  CHECK(oracle::shape(exit_module::linear).macs() == 144);
  CHECK(oracle::shape(exit_module::mlp).macs() == 3 * 84);
}

TEST_CASE("trained modules bring the last layer's answer forward, on rows they never saw", "[exit]") {
  const toy model;
  const auto states = turned(600, model);
  auto before = traced(states, model);
  const auto train = [](lagom::index_t row) { return row < 400; };
  const auto test = [](lagom::index_t row) { return row >= 400; };
  const auto agreement = [&](const lagom::trace<>& t, int layer) {
    int same = 0;
    for (int r = 400; r < 600; ++r) same += t.stats(r, layer).top == t.final_token(r);
    return same / 200.0;
  };
  for (const auto& [kind, name] : kinds) {
    for (const auto target : {lagom::module_target::distribution, lagom::module_target::token}) {
      CAPTURE(name, static_cast<int>(target));
      const lagom::exit_modules_config config{
          .kind = kind, .inner = 32, .target = target, .epochs = 12, .optimizer = {.learning_rate = 5e-3}};
      const auto fitted = lagom::fit(config, states, model.head, train);
      REQUIRE(fitted);
      CHECK(fitted->rows == 350);
      CHECK(fitted->after[3] == 0);
      for (std::size_t l = 0; l < 3; ++l) CHECK(fitted->after[l] <= fitted->before[l]);
      CHECK_FALSE(fitted->model.trained(3));
      auto after = before;
      std::vector<float> scratch(static_cast<std::size_t>(fitted->model.shape().scratch()));
      REQUIRE(lagom::record_answers(
          after, states, [&](lagom::layer_index l) { return fitted->model.at(l, model.head, scratch); }));
      if (kind == exit_module::linear) {
        CHECK(fitted->after[2] < 0.7 * fitted->before[2]);
        CHECK(agreement(after, 2) > agreement(before, 2) + 0.1);
        CHECK(agreement(after, 0) > agreement(before, 0) + 0.1);
      } else {
        CHECK(agreement(after, 2) > agreement(before, 2) - 0.03);
      }
      for (int r = 0; r < 600; ++r) REQUIRE(after.final_token(r) == before.final_token(r));
      // The same live as in the replay.
      const lagom::exit_policy policy{lagom::features<lagom::top_prob>{}, lagom::threshold{0.5f}};
      const auto replayed = lagom::replay(after, policy, test);
      for (int r = 400; r < 600; ++r) {
        auto run = policy.begin(4);
        for (int l = 0; l < 4; ++l) {
          if (run.observe({.layer = l, .hidden = states.at(r, l)}, fitted->model.at(l, model.head, scratch)))
            break;
        }
        REQUIRE(run.stopped_at() == replayed->outcomes[static_cast<std::size_t>(r)].stop);
        REQUIRE(run.token() == replayed->outcomes[static_cast<std::size_t>(r)].token);
      }
    }
  }
}

TEST_CASE("training modules: the same bits in any order of the layers; seeds, schedules, few rows",
          "[exit]") {
  const toy model;
  const auto states = turned(150, model);
  const auto every = [](lagom::index_t) { return true; };
  const lagom::exit_modules_config config{.epochs = 4, .batch = 8, .optimizer = {.learning_rate = 5e-3}};
  const auto a = lagom::fit(config, states, model.head);
  const auto b = lagom::fit(config, states, model.head, every, lagom::every_layer{}, backwards{});
  for (int l = 0; l < 3; ++l) REQUIRE(a->model.trained(l));
  const auto same = [](const lagom::fitted_modules& x, const lagom::fitted_modules& y, int l) {
    const auto p = x.model.parameters(l), q = y.model.parameters(l);
    return std::equal(p.data(), p.data() + p.size(), q.data());
  };
  for (int l = 0; l < 4; ++l) CHECK(same(*a, *b, l));
  auto other = config;
  other.seed = 9;
  CHECK_FALSE(same(*a, *lagom::fit(other, states, model.head), 0));
  auto weighted = config;
  weighted.weigh_by_confidence = true;
  CHECK_FALSE(same(*a, *lagom::fit(weighted, states, model.head), 0));
  const auto some = lagom::fit(config, states, model.head, every, lagom::every_nth{2});
  CHECK((some->model.trained(0) && !some->model.trained(1)));
  auto few = config;
  few.max_rows = 5;
  CHECK(lagom::fit(few, states, model.head)->rows == 5);
  auto untrained = config;
  untrained.epochs = 0;
  const auto none = lagom::fit(untrained, states, model.head);
  CHECK_FALSE(none->model.trained(0));
  CHECK(none->before == none->after);
}

TEST_CASE("training modules refuses what cannot be", "[exit]") {
  const toy model;
  const auto states = turned(20, model);
  const auto code = [&](const lagom::exit_modules_config& c) {
    return lagom::fit(c, states, model.head).error().code;
  };
  CHECK(code({.kind = exit_module::mlp}) == lagom::errc::bad_value);
  CHECK(code({.epochs = -1}) == lagom::errc::bad_value);
  CHECK(code({.batch = 0}) == lagom::errc::bad_value);
  CHECK(code({.optimizer = {.learning_rate = -1}}) == lagom::errc::bad_value);
  CHECK(lagom::fit(lagom::exit_modules_config{}, states, model.head, [](lagom::index_t) { return false; })
            .error()
            .code == lagom::errc::empty);
  lagom::hidden_states<float> holes(4, toy::dim), narrow(4, 3);
  holes.begin_row();
  narrow.begin_row();
  CHECK(lagom::fit(lagom::exit_modules_config{}, holes, model.head).error().code == lagom::errc::empty);
  CHECK(lagom::fit(lagom::exit_modules_config{}, narrow, model.head).error().code ==
        lagom::errc::wrong_shape);
  auto t = traced(states, model);
  CHECK_FALSE(lagom::record_answers(t, holes, [&](lagom::layer_index) { return model.head; }));
}

TEST_CASE("learned signals and tuned heads allocate nothing while a policy runs", "[exit]") {
  const toy model;
  const auto states = turned(40, model);
  const std::vector<float> weights(toy::dim, 0.1f);
  const std::array<lagom::token_id, 3> drafts{1, 2, 3};
  using probe = lagom::candidate_probe<3, lagom::head<float, lagom::rms_norm<float>>>;
  const lagom::exit_policy learned{lagom::features{lagom::lte{weights, -1}},
                                   lagom::threshold<lagom::below>{0.3f}};
  const lagom::specee<3> predictor{.parameters = std::vector<float>(lagom::specee<3>::size(512), 0.01f)};
  const lagom::exit_policy confirmed{lagom::features{probe{model.head, drafts}}, predictor};
  const lagom::exit_policy sure{lagom::features<lagom::top_prob>{}, lagom::threshold{0.5f}};
  const auto fitted = lagom::fit(
      lagom::exit_modules_config{.kind = exit_module::mlp, .inner = 8, .epochs = 1}, states, model.head);
  REQUIRE(fitted);
  std::vector<float> scratch(static_cast<std::size_t>(fitted->model.shape().scratch()));
  const std::size_t before = allocations();
  int stops = 0;
  for (int r = 0; r < states.rows(); ++r) {
    auto a = learned.begin(4);
    auto b = confirmed.begin(4);
    auto c = sure.begin(4);
    for (int l = 0; l < 4; ++l) {
      const lagom::layer_obs obs{.layer = l, .hidden = states.at(r, l)};
      stops += a.observe(obs, model.head) + b.observe(obs, model.head) +
               c.observe(obs, fitted->model.at(l, model.head, scratch));
    }
  }
  CHECK(allocations() == before);
  CHECK(stops >= 3 * states.rows());
}
