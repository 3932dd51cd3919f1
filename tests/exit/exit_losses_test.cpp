// SPDX-License-Identifier: MIT
#include <lagom/core/random.hpp>
#include <lagom/exit/exit_losses.hpp>
#include <lagom/signal/gap.hpp>
#include <lagom/stop/calibrate/certify.hpp>
#include <lagom/stop/calibrate/exact_binomial.hpp>
#include <lagom/stop/threshold.hpp>

#include "support/catch.hpp"

using lagom::index_t;

namespace {

constexpr int layers = 6;

// Rows that are surer and better the deeper they come, by a difficulty of their own.
template <lagom::trace_kind Kind = lagom::trace_kind::per_instance>
lagom::trace<Kind> drawn(int rows, std::uint64_t stream) {
  const lagom::philox random{5};
  lagom::trace<Kind> t(layers);
  for (int r = 0; r < rows; ++r) {
    t.begin_row(static_cast<lagom::token_id>(random.below(3, stream, static_cast<std::uint64_t>(r))), r / 3,
                10);
    for (int l = 0; l < layers; ++l) {
      lagom::softmax_stats<float> s;
      for (lagom::token_id v = 0; v < 3; ++v) {
        const auto draw = static_cast<std::uint64_t>((r * layers + l) * 3 + v);
        const double z = random.uniform(stream + 1, draw) * 3 + (v == t.expected(r) ? 1.2 * l : 0);
        s.push(static_cast<float>(z), v);
      }
      t.set(l, s);
    }
  }
  return t;
}

const std::vector<float> thresholds{1.1f, .95f, .9f, .8f, .6f, .4f, .0f};  // the first one never stops
auto make(index_t c) {
  return lagom::exit_policy{lagom::features<lagom::gap>{},
                            lagom::threshold{thresholds[static_cast<std::size_t>(c)]}};
}

// Where a threshold stops, by its definition.
template <lagom::trace_kind Kind>
int stop_of(const lagom::trace<Kind>& t, index_t row, float threshold) {
  for (int l = 0; l + 1 < layers; ++l) {
    if (t.stats(row, l).gap() >= threshold) return l;
  }
  return layers - 1;
}

}  // namespace

TEST_CASE("losses of early exits, counted row by row", "[exit][losses]") {
  const auto t = drawn(90, 1);
  const auto n = static_cast<index_t>(thresholds.size());
  const auto even = [](index_t row) { return row % 2 == 0; };
  for (const auto kind : {lagom::exit_loss::textual, lagom::exit_loss::risk}) {
    const auto table = lagom::exit_losses(t, n, kind, make, even);
    REQUIRE(table);
    REQUIRE(table->view().rows() == n);
    REQUIRE(table->view().cols() == 45);
    int lost = 0;
    for (index_t c = 0; c < n; ++c) {
      lagom::moments used;
      for (index_t u = 0; u < 45; ++u) {
        const index_t row = 2 * u;
        const int stop = stop_of(t, row, thresholds[static_cast<std::size_t>(c)]);
        const auto early = t.stats(row, stop).top, full = t.stats(row, layers - 1).top,
                   right = t.expected(row);
        const bool expected =
            kind == lagom::exit_loss::textual ? early != full : full == right && early != right;
        REQUIRE(table->view()(c, u) == (expected ? 1 : 0));
        lost += expected;
        used.push(stop + 1);
      }
      CHECK(table->used[static_cast<std::size_t>(c)].value == Approx(used.mean));
    }
    CHECK(lost > 10);
    for (index_t u = 0; u < 45; ++u) CHECK(table->view()(0, u) == 0);  // full depth loses nothing
  }
}

TEST_CASE("rows of one prompt are one calibration unit", "[exit][losses]") {
  const auto t = drawn<lagom::trace_kind::teacher_forced>(30, 3);
  const auto prompt = [&](index_t row) { return t.group(row); };  // three tokens each
  const auto all = [](index_t row) { return row != 4; };          // one token less in the second
  const auto rows = lagom::exit_losses(t, 7, lagom::exit_loss::textual, make, all);
  const auto table = lagom::exit_losses(t, 7, lagom::exit_loss::textual, make, all, prompt);
  REQUIRE(rows);
  REQUIRE(table);
  CHECK(rows->units == 29);
  REQUIRE(table->units == 10);
  for (index_t c = 0; c < 7; ++c) {
    CHECK(table->view()(c, 0) == Approx((rows->view()(c, 0) + rows->view()(c, 1) + rows->view()(c, 2)) / 3));
    CHECK(table->view()(c, 1) == Approx((rows->view()(c, 3) + rows->view()(c, 4)) / 2));
    CHECK(table->view()(c, 9) ==
          Approx((rows->view()(c, 26) + rows->view()(c, 27) + rows->view()(c, 28)) / 3));
  }
  const auto none = lagom::exit_losses(t, 7, lagom::exit_loss::textual, make, [](index_t) { return false; });
  REQUIRE(none);
  CHECK(lagom::certify(none->view(), lagom::tolerance(.1), lagom::error_rate(.1)).error().code ==
        lagom::errc::empty);
}

TEST_CASE("a threshold that was certified on one trace holds on others", "[exit][losses]") {
  // The true loss of every threshold, from a trace far larger than those it is calibrated on.
  const auto truth = lagom::exit_losses(drawn(20000, 100), 7, lagom::exit_loss::textual, make);
  REQUIRE(truth);
  std::vector<double> risk;
  for (index_t c = 0; c < 7; ++c) risk.push_back(lagom::summed(truth->view().row(c)).mean());
  CHECK(risk[0] == 0);
  CHECK(risk[6] > .3);
  int runs = 0, wrong = 0, bold = 0;
  for (std::uint64_t s = 0; s < 150; ++s) {
    const auto table = lagom::exit_losses(drawn(120, 1000 + 2 * s), 7, lagom::exit_loss::textual, make);
    REQUIRE(table);
    const auto kept =
        lagom::certify(table->view(), lagom::tolerance(.1), lagom::error_rate(.1), lagom::exact_binomial{});
    REQUIRE(kept);  // full depth at least
    ++runs;
    wrong += risk[static_cast<std::size_t>(kept->candidate)] > .1;
    bold += kept->candidate > 0;
  }
  CAPTURE(risk, wrong, bold);
  CHECK(1 - lagom::binomial_cdf(wrong - 1, runs, .1) > 1e-6);
  CHECK(bold > runs / 2);
}
