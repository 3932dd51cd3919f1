// SPDX-License-Identifier: MIT
// SpecEE's predictor against PyTorch: tests/oracle/learned_rules.py.
#include <lagom/stop/all_of.hpp>
#include <lagom/stop/fit_specee.hpp>
#include <lagom/stop/on_features.hpp>
#include <lagom/stop/recent_exits.hpp>

#include "support/approx.hpp"
#include "support/catch.hpp"
#include "support/golden.hpp"

using namespace lagom_test;
using lagom::portable;
using rule = lagom::specee<3>;

static_assert(lagom::stop_rule<rule> && lagom::confirming_rule<rule> && rule::width == 8);
static_assert(lagom::confirming_rule<lagom::on_features<rule>>);
static_assert(lagom::specee<4>::size(512) == 7169);
static_assert(std::is_trivially_copyable_v<rule::state>);

namespace {

struct oracle {
  lagom::io::safetensors file = must(lagom::io::safetensors::open(golden("learned/specee.safetensors")));
  lagom::detail::perceptron_rows rows;
  std::vector<lagom::index_t> order;

  oracle() {
    rows.inputs = elements<float>(file, "inputs");
    rows.label = elements<float>(file, "labels");
    for (const float y : rows.label) {
      rows.weight.push_back(y > 0 ? 1.0f : 3.0f);
      order.push_back(static_cast<lagom::index_t>(order.size()));
    }
  }
  [[nodiscard]] lagom::index_t size() const { return static_cast<lagom::index_t>(order.size()); }
};

// Features as `candidate_probe<3, ...>` writes them.
std::vector<float> observed(const std::vector<float>& logits, lagom::token_id best, int layer) {
  double sum = 0;
  for (const float z : logits) sum += std::exp(static_cast<double>(z));
  std::vector<float> x = logits;
  for (const float z : logits) x.push_back(static_cast<float>(std::exp(static_cast<double>(z)) / sum));
  x.push_back(static_cast<float>(best));
  x.push_back(static_cast<float>(layer));
  return x;
}

// Sequences whose first candidate takes over at some layer: stopping is right from there on.
lagom::dataset made_up(int sequences, int layers) {
  lagom::dataset data(rule::width);
  for (int s = 0; s < sequences; ++s) {
    const auto noise =
        normal<float>(static_cast<std::size_t>(3 * layers), 50 + static_cast<std::uint64_t>(s), 0.5);
    const int takes_over = s % layers;
    data.begin_sequence();
    for (int l = 0; l < layers; ++l) {
      const auto k = static_cast<std::size_t>(3 * l);
      const bool right = l >= takes_over;
      data.add_row(observed({noise[k] + (right ? 3.0f : 0.0f), noise[k + 1], noise[k + 2]}, 7, l), right);
    }
  }
  return data;
}

double share_right(const rule& model, const lagom::dataset_view& data) {
  int right = 0;
  for (lagom::index_t s = 0; s < data.sequence_count(); ++s) {
    rule::state state;
    for (lagom::index_t i = data.sequence_begin(s); i < data.sequence_end(s); ++i) {
      std::vector<float> x;
      for (lagom::index_t f = 0; f < data.width(); ++f) x.push_back(data.features(f, i));
      right += (model.step(state, x) >= 0) == (data.labels[i] > 0);
    }
  }
  return static_cast<double>(right) / static_cast<double>(data.rows());
}

struct backwards {
  template <class Task>
  void operator()(lagom::index_t n, Task&& task) const {
    while (n-- > 0) task(n);
  }
};

}  // namespace

TEST_CASE("the perceptron's outputs and losses are PyTorch's", "[stop]") {
  const oracle o;
  lagom::detail::perceptron<portable> net(9, 10);
  net.theta = elements<float>(o.file, "before");
  const auto logits = elements<float>(o.file, "logits_before");
  for (std::size_t i = 0; i < logits.size(); ++i)
    REQUIRE(
        near(static_cast<double>(net.logit(&o.rows.inputs[9 * i])), static_cast<double>(logits[i]), 1e-5));
  const auto losses = elements<double>(o.file, "losses");
  CHECK(net.loss(o.rows, o.order.data(), o.size(), nullptr) == Approx(losses[0]).epsilon(1e-5));
  // As the rule computes it: the same inputs by way of what a signal writes.
  lagom::specee<3> model{.parameters = net.theta, .hidden = 10};
  for (std::size_t i = 0; i < logits.size(); ++i) {
    float in[9];
    std::copy_n(&o.rows.inputs[9 * i], 9, in);
    REQUIRE(near(static_cast<double>(model.logit(in, 0)), static_cast<double>(logits[i]), 1e-5));
  }
}

TEST_CASE("gradients of the perceptron are those of finite differences", "[stop]") {
  const oracle o;
  lagom::detail::perceptron<portable> net(9, 10);
  net.theta = elements<float>(o.file, "before");
  std::vector<float> gradient(net.theta.size());
  net.loss(o.rows, o.order.data(), o.size(), gradient.data());
  for (std::size_t i = 0; i < net.theta.size(); ++i) {
    const float at = net.theta[i], step = 1e-2f;
    net.theta[i] = at + step;
    const double above = net.loss(o.rows, o.order.data(), o.size(), nullptr);
    net.theta[i] = at - step;
    const double below = net.loss(o.rows, o.order.data(), o.size(), nullptr);
    net.theta[i] = at;
    REQUIRE(near(static_cast<double>(gradient[i]), (above - below) / (2 * static_cast<double>(step)), 2e-3));
  }
}

TEST_CASE("forty steps of Adam end where PyTorch's do", "[stop]") {
  const oracle o;
  lagom::detail::perceptron<portable> net(9, 10);
  net.theta = elements<float>(o.file, "before");
  const int steps = net.train(o.rows, {.learning_rate = 1e-2}, 40, 50, lagom::philox{5}, 0);
  CHECK(steps == 40);
  CHECK(net.loss(o.rows, o.order.data(), o.size(), nullptr) ==
        Approx(elements<double>(o.file, "losses").back()).epsilon(1e-4));
  const auto after = elements<float>(o.file, "after");
  for (std::size_t i = 0; i < after.size(); ++i)
    REQUIRE(near(static_cast<double>(net.theta[i]), static_cast<double>(after[i]), 1e-4));
}

TEST_CASE("the predictor learns, remembers the layer before, and goes by its seed", "[stop]") {
  auto data = made_up(120, 5), held_out = made_up(160, 5);
  const lagom::specee_config config{.hidden = 32, .epochs = 60, .optimizer = {.learning_rate = 3e-3}};
  const auto fit = must(lagom::fit<3>(config, data.view()));
  CHECK(fit.report.converged);
  CHECK(fit.report.rows == 600);
  CHECK(fit.model.nets() == 5);
  CHECK(fit.report.objective < 0.15);
  CHECK(share_right(fit.model, held_out.view()) > 0.93);
  const auto again = must(lagom::fit<3>(config, data.view(), backwards{}));
  CHECK(again.model.parameters == fit.model.parameters);
  auto other = config;
  other.seed = 2;
  CHECK(must(lagom::fit<3>(other, data.view())).model.parameters != fit.model.parameters);
  auto one = config;
  one.per_layer = false;
  const auto shared = must(lagom::fit<3>(one, data.view()));
  CHECK(shared.model.nets() == 1);
  CHECK(share_right(shared.model, held_out.view()) > 0.93);
  auto few = config;
  few.max_rows = 40;
  CHECK(must(lagom::fit<3>(few, data.view())).report.iterations ==
        4 * 60);  // layer 0 to 3: 40 rows, a batch; 4: one label
}

TEST_CASE("raising the probability stops less, and the score is its log-odds", "[stop]") {
  auto data = made_up(60, 4);
  const auto model =
      must(lagom::fit<3>(lagom::specee_config{.hidden = 16, .epochs = 20, .per_layer = false}, data.view()))
          .model;
  const auto x = observed({1, 2, 3}, 5, 1);
  rule::state a, b;
  CHECK(model.above(0.9f).step(b, x) == Approx(model.step(a, x) - std::log(9.0f)).margin(1e-5));
  CHECK(a.best == 5);
}

TEST_CASE("an answer is confirmed when it is the best candidate", "[stop]") {
  rule model{.parameters = std::vector<float>(static_cast<std::size_t>(rule::size(4))), .hidden = 4};
  rule::state s;
  lagom::softmax_stats<float> answer;
  answer.push(2, 11);
  answer.push(1, 12);
  CHECK_FALSE(model.confirms(s, answer));
  CHECK(model.step(s, observed({1, 2, 3}, 11, 0)) < 0);  // a logit of 0: not above one half
  CHECK(model.confirms(s, answer));
  (void)model.step(s, observed({1, 2, 3}, 12, 0));
  CHECK_FALSE(model.confirms(s, answer));
  answer.bad = true;
  answer.top = 12;
  CHECK_FALSE(model.confirms(s, answer));
}

TEST_CASE("a predictor does not stop at layers it was not trained for", "[stop]") {
  auto data = made_up(60, 3);
  const auto model = must(lagom::fit<3>(lagom::specee_config{.hidden = 8, .epochs = 5}, data.view())).model;
  rule::state s;
  CHECK(model.step(s, observed({9, 0, 0}, 7, 3)) == -1);
  CHECK(model.step(s, observed({9, 0, 0}, 7, -2)) == -1);
  rule::state t;
  CHECK(rule{}.step(t, observed({9, 0, 0}, 7, 0)) == -1);
}

TEST_CASE("SpecEE's fit refuses what says nothing", "[stop]") {
  auto data = made_up(20, 3);
  const auto code = [&](const lagom::specee_config& c, const lagom::dataset_view& d) {
    const auto r = lagom::fit<3>(c, d);
    REQUIRE_FALSE(r);
    return r.error().code;
  };
  CHECK(code({.hidden = 0}, data.view()) == lagom::errc::bad_value);
  CHECK(code({.batch = 0}, data.view()) == lagom::errc::bad_value);
  CHECK(code({.epochs = -1}, data.view()) == lagom::errc::bad_value);
  CHECK(code({.optimizer = {.learning_rate = 0}}, data.view()) == lagom::errc::bad_value);
  CHECK(code({.negative_weight = -1}, data.view()) == lagom::errc::bad_value);
  CHECK(code({}, {}) == lagom::errc::empty);
  lagom::dataset narrow(4);
  narrow.add_row(std::array{1.f, 2.f, 3.f, 4.f}, true);
  CHECK(code({}, narrow.view()) == lagom::errc::wrong_width);
  lagom::dataset one(rule::width);
  one.add_row(observed({1, 2, 3}, 5, 0), true);
  CHECK(code({}, one.view()) == lagom::errc::one_class);
  one.add_row(observed({1, 2, 3}, 5, -1), false);
  CHECK(code({}, one.view()) == lagom::errc::bad_value);
}

TEST_CASE("probes follow the last five exits", "[stop]") {
  static_assert(lagom::schedule<lagom::recent_exits> && std::is_trivially_copyable_v<lagom::recent_exits>);
  lagom::recent_exits schedule{lagom::at_layers{4, 30}};
  const int exits[] = {10, 11, 10, 0, 31, 20, 21, 2, 13, 13, 13, 13, 13, 13};
  const auto expected = [&](int l, int token, int apart) {
    bool probed = l == 4 || l == 30;
    for (int t = token - 5 < 0 ? 0 : token - 5; t < token; ++t)
      probed = probed || l == exits[t] || l == exits[t] - apart || l == exits[t] + apart;
    return probed;
  };
  lagom::recent_exits wide{lagom::at_layers{4, 30}, 3};
  int token = 0;
  for (const int exit : exits) {
    for (int l = 0; l < 32; ++l) {
      REQUIRE(schedule(l, 32) == expected(l, token, 2));
      REQUIRE(wide(l, 32) == expected(l, token, 3));
    }
    schedule.remember(exit);
    wide.remember(exit);
    ++token;
  }
  CHECK_FALSE(lagom::recent_exits{}(3, 32));
}
