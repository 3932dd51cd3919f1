// SPDX-License-Identifier: MIT
// Exits by the divergence of neighbouring layers, live and over a trace.
#include <lagom/exit/batch_run.hpp>
#include <lagom/exit/hidden_states.hpp>
#include <lagom/exit/record_signal.hpp>
#include <lagom/exit/replay.hpp>
#include <lagom/signal/gap.hpp>
#include <lagom/signal/jensen_shannon.hpp>
#include <lagom/stop/at_layers.hpp>
#include <lagom/stop/in_a_row.hpp>

#include "support/catch.hpp"
#include "toy.hpp"

using namespace lagom_test;
using lagom::features;
using lagom::jensen_shannon;
using lagom::portable;

namespace {

// All states of an instance, in double logits: what the library computes without logits.
std::vector<double> logits(const toy& engine, const std::vector<float>& x) {
  double mean = 0;
  for (const float v : x) mean += static_cast<double>(v) * static_cast<double>(v);
  mean = mean / toy::dim + static_cast<double>(1e-5f);
  std::vector<double> z(toy::vocab);
  for (std::size_t v = 0; v < z.size(); ++v) {
    for (std::size_t j = 0; j < toy::dim; ++j)
      z[v] += static_cast<double>(engine.w[v * toy::dim + j]) * static_cast<double>(x[j]) / std::sqrt(mean);
  }
  return z;
}

// Jensen-Shannon divergence from its definition; in double this is exact enough for distributions that differ.
double reference(const std::vector<double>& a, const std::vector<double>& b) {
  const auto softmax = [](const std::vector<double>& z) {
    double top = z[0], sum = 0;
    for (const double v : z) top = std::max(top, v);
    std::vector<double> p;
    for (const double v : z) p.push_back(std::exp(v - top));
    for (const double v : p) sum += v;
    for (double& v : p) v /= sum;
    return p;
  };
  const auto p = softmax(a), q = softmax(b);
  double d = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double m = (p[i] + q[i]) / 2;
    d += (p[i] * std::log(p[i] / m) + q[i] * std::log(q[i] / m)) / 2;
  }
  return d;
}

template <class Policy>
lagom::exit_outcome live(const toy& engine, const Policy& policy, int instance) {
  auto run = policy.begin(toy::layers);
  auto x = engine.start(instance);
  std::vector<float> last;
  for (int l = 0; l < toy::layers; ++l) {
    engine.layer(instance, l, x);
    if (run.observe({.layer = l, .hidden = x, .last_hidden = last}, engine.head)) break;
    if (policy.schedule(lagom::layer_index(l), toy::layers)) last = x;
  }
  return {run.stopped_at(), run.token(), run.probes()};
}

template <class Schedule>
void as_replayed(const Schedule& schedule) {
  const toy engine;
  constexpr int instances = 40;
  const features pack{lagom::gap{}, jensen_shannon{engine.head}};
  lagom::trace<> trace(toy::layers, pack);
  lagom::hidden_states<float> states(toy::layers, toy::dim);
  for (int i = 0; i < instances; ++i) {
    trace.begin_row(i % toy::vocab, 0, 1);
    states.begin_row();
    auto x = engine.start(i);
    for (int l = 0; l < toy::layers; ++l) {
      engine.layer(i, l, x);
      lagom::layer_obs obs{.layer = l, .n_layers = toy::layers, .hidden = x};
      obs.stats = lagom::unembed(portable{}, x, engine.head);
      trace.record(portable{}, obs, pack);
      states.record(obs);
    }
  }
  REQUIRE(lagom::record_signal(trace, states, jensen_shannon{engine.head}, schedule));
  int early = 0;
  for (const int steps : {1, 2, 3}) {
    for (const float threshold : {0.01f, 0.03f, 0.1f, 0.3f}) {
      const lagom::exit_policy policy{pack, lagom::fpabee(steps, threshold, 1), schedule};
      const auto run = lagom::replay(trace, policy);
      REQUIRE(run);
      for (int i = 0; i < instances; ++i) {
        const auto alone = live(engine, policy, i);
        const auto& again = run->outcomes[static_cast<std::size_t>(i)];
        CHECK(alone.stop == again.stop);
        CHECK(alone.token == again.token);
        CHECK(alone.probes == again.probes);
        early += alone.stop.value + 1 < toy::layers;
        // The rule by hand.
        int calm = 0, stop = toy::layers - 1, looks = 0;
        std::vector<double> last;
        auto x = engine.start(i);
        for (int l = 0; l < toy::layers; ++l) {
          engine.layer(i, l, x);
          if (l + 1 == toy::layers || !schedule(lagom::layer_index(l), toy::layers)) continue;
          const auto z = logits(engine, x);
          looks += last.empty() ? 1 : 2;
          const double d = last.empty() ? 1 : reference(last, z);
          if (std::abs(d - static_cast<double>(threshold)) < 1e-6) goto too_close;
          calm = d < static_cast<double>(threshold) ? calm + 1 : 0;
          last = z;
          if (calm == steps) {
            stop = l;
            break;
          }
        }
        CHECK(alone.stop.value == stop);
        CHECK(alone.probes == looks + (stop + 1 == toy::layers ? 1 : 0));
      too_close:;
      }
    }
  }
  CHECK(early > 40);
}

}  // namespace

TEST_CASE("F-PABEE stops where its definition says, live and replayed", "[exit][fpabee]") {
  as_replayed(lagom::every_layer{});
  as_replayed(lagom::at_layers{0, 2, 3, 6, 7});
}

TEST_CASE("in a batch rows stop by divergence as they do alone", "[exit][fpabee]") {
  const toy engine;
  constexpr int n = 16;
  const auto policy = lagom::exit_policy{features{jensen_shannon{engine.head}}, lagom::fpabee(2, 0.1f)};
  lagom::batch_run run{policy};
  run.begin(n, toy::layers);
  std::vector<std::vector<float>> states, last(n, std::vector<float>(toy::dim));
  for (int i = 0; i < n; ++i) states.push_back(engine.start(i));
  for (int l = 0; l < toy::layers && !run.live().empty(); ++l) {
    std::vector<float> now, before;
    for (const lagom::index_t i : run.live()) {
      auto& x = states[static_cast<std::size_t>(i)];
      engine.layer(static_cast<int>(i), l, x);
      now.insert(now.end(), x.begin(), x.end());
      before.insert(before.end(), last[static_cast<std::size_t>(i)].begin(),
                    last[static_cast<std::size_t>(i)].end());
      last[static_cast<std::size_t>(i)] = x;
    }
    const auto live = static_cast<lagom::index_t>(run.live().size());
    (void)run.observe({.layer = l,
                       .hidden = lagom::mat_view(now.data(), live, toy::dim),
                       .last_hidden = lagom::mat_view(before.data(), live, toy::dim)},
                      engine.head);
  }
  int early = 0;
  for (int i = 0; i < n; ++i) {
    const auto alone = live(engine, policy, i);
    CHECK(run.state(i).stop == alone.stop);
    CHECK(run.token(i) == alone.token);
    CHECK(run.state(i).probes == alone.probes);
    early += alone.stop.value + 1 < toy::layers;
  }
  CHECK(early > 4);
}

TEST_CASE("divergence signals of a layer", "[signal][divergence]") {
  const toy engine;
  auto x = engine.start(3), y = x;
  engine.layer(3, 4, y);
  const auto run = [&](const auto& signal, const lagom::layer_obs& o) {
    float out = -1;
    signal(o, portable{}, &out);
    return static_cast<double>(out);
  };
  lagom::layer_obs o{.layer = 4, .hidden = y, .last_hidden = x};
  o.stats = lagom::unembed(portable{}, y, engine.head);
  const jensen_shannon js{engine.head};
  const lagom::fpabee_released released{engine.head};
  CHECK(run(js, o) == Approx(std::log(2.0)));  // the first probed layer
  CHECK(run(released, o) > 1e38);
  o.last_stats = lagom::unembed(portable{}, x, engine.head);
  const double d = reference(logits(engine, x), logits(engine, y));
  CHECK(run(js, o) == Approx(d).epsilon(1e-5));
  const double mean_entropy =
      (static_cast<double>(o.stats.entropy()) + static_cast<double>(o.last_stats.entropy())) / 2;
  CHECK(run(released, o) == Approx(d + mean_entropy).epsilon(1e-5));
  o.last_hidden = {};  // an engine that does not show it
  CHECK(run(js, o) == Approx(std::log(2.0)));
  static_assert(lagom::features<jensen_shannon<decltype(engine.head)>, lagom::gap>::head_passes == 1);
  static_assert(!lagom::from_stats<jensen_shannon<decltype(engine.head)>>);
}
