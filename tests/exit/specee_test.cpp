// SPDX-License-Identifier: MIT
// SpecEE from end to end on the toy model: candidates, predictor, verification.
#include <algorithm>
#include <array>
#include <lagom/exit/evaluate.hpp>
#include <lagom/exit/label_states.hpp>
#include <lagom/signal/candidate_probe.hpp>
#include <lagom/signal/gap.hpp>
#include <lagom/signal/hidden_cosine.hpp>
#include <lagom/stop/fit_specee.hpp>

#include "support/catch.hpp"
#include "toy.hpp"

using lagom::portable;
using lagom_test::toy;
using toy_head = lagom::head<float, lagom::rms_norm<float>>;
using probe = lagom::candidate_probe<3, toy_head>;

namespace {

struct recording {
  lagom::trace<> t{toy::layers};
  lagom::hidden_states<float> states{toy::layers, toy::dim};
  std::vector<std::array<lagom::token_id, 3>> drafts;
};

// Drafts: the three best tokens after the third layer, as a cheap draft head would give.
recording record(const toy& model, int rows) {
  recording out;
  for (int r = 0; r < rows; ++r) {
    out.t.begin_row(r % toy::vocab, 0, 10);
    out.states.begin_row();
    auto x = model.start(r);
    for (int l = 0; l < toy::layers; ++l) {
      model.layer(r, l, x);
      lagom::layer_obs obs{.layer = l, .n_layers = toy::layers, .hidden = x};
      obs.stats = lagom::unembed(portable{}, x, model.head);
      out.t.record(portable{}, obs, lagom::features<lagom::gap>{});
      out.states.record(obs);
      if (l == 2) {
        std::vector<std::pair<float, lagom::token_id>> logits;
        for (lagom::token_id v = 0; v < toy::vocab; ++v)
          logits.emplace_back(-lagom::dot(portable{}, x, model.head.rows.row(v)), v);
        std::sort(logits.begin(), logits.end());
        out.drafts.push_back({logits[0].second, logits[1].second, logits[2].second});
      }
    }
  }
  return out;
}

// Says stop everywhere, and asks to be confirmed that the token is even.
struct eager {
  struct state {};
  float step(state&, lagom::vec_view<const float>) const noexcept { return 1; }
  template <class T>
  bool confirms(const state&, const lagom::softmax_stats<T>& answer) const noexcept {
    return answer.top % 2 == 0;
  }
};

}  // namespace

TEST_CASE("a rule that confirms goes on where the answer is not borne out, and every pass is counted",
          "[exit]") {
  const toy model;
  const auto r = record(model, 30);
  const lagom::exit_policy policy{lagom::features<lagom::hidden_cosine>{}, eager{}};
  const lagom::exit_policy reads_stats{lagom::features<lagom::gap>{}, eager{}};
  for (int row = 0; row < 30; ++row) {
    auto run = policy.begin(toy::layers);
    auto other = reads_stats.begin(toy::layers);
    int expected = 0;
    while (expected + 1 < toy::layers && r.t.stats(row, expected).top % 2 != 0) ++expected;
    for (int l = 0; l < toy::layers; ++l) {
      const lagom::layer_obs obs{.layer = l, .hidden = r.states.at(row, l)};
      const bool a = run.observe(obs, model.head), b = other.observe(obs, model.head);
      REQUIRE(a == (l >= expected));
      REQUIRE(a == b);
      if (a) break;
    }
    CHECK(run.stopped_at() == lagom::layer_index(expected));
    CHECK(run.token() == r.t.stats(row, expected).top);
    CHECK(run.probes() == expected + 1);
    CHECK(other.probes() == expected + 1);
  }
}

TEST_CASE("SpecEE: fitted on some rows, the same live and in the replay, its answers among the candidates",
          "[exit]") {
  const toy model;
  auto r = record(model, 300);
  const auto signal = [&](lagom::index_t row) {
    return probe{model.head, r.drafts[static_cast<std::size_t>(row)]};
  };
  REQUIRE(lagom::record_signal(r.t, r.states, signal));
  const auto train = [](lagom::index_t row) { return row < 150; };
  const auto test = [](lagom::index_t row) { return row >= 150; };
  auto data = lagom::label(r.t, lagom::features<probe>{}, lagom::label_kind::agrees_with_final, train,
                           lagom::every_layer{});
  REQUIRE(data);
  const auto fit = lagom::fit<3>(
      lagom::specee_config{
          .hidden = 32, .epochs = 40, .optimizer = {.learning_rate = 3e-3}, .negative_weight = 5},
      data->view());
  REQUIRE(fit);
  CHECK(fit->report.converged);
  const lagom::exit_policy policy{lagom::features<probe>{}, fit->model};
  const auto replayed = lagom::replay(r.t, policy, test);
  REQUIRE(replayed);
  int early = 0;
  for (int row = 150; row < 300; ++row) {
    const lagom::exit_policy mine{lagom::features{signal(row)}, fit->model};
    auto run = mine.begin(toy::layers);
    for (int l = 0; l < toy::layers; ++l) {
      if (run.observe({.layer = l, .hidden = r.states.at(row, l)}, model.head)) break;
    }
    const auto& out = replayed->outcomes[static_cast<std::size_t>(row)];
    REQUIRE(run.stopped_at() == out.stop);
    REQUIRE(run.token() == out.token);
    REQUIRE(run.probes() == out.probes);
    if (out.stop.value + 1 == toy::layers) continue;
    ++early;
    const auto& drafts = r.drafts[static_cast<std::size_t>(row)];
    CHECK(std::find(drafts.begin(), drafts.end(), out.token) != drafts.end());
  }
  CHECK(early > 10);
  const auto judged = lagom::evaluate(r.t, *replayed, test);
  CHECK(judged.agreement() > 0.85);
  CHECK(judged.mean_stop().value < toy::layers - 1);
}
