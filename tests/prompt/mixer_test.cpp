// SPDX-License-Identifier: MIT
// Mixing: published orders, exact ratios, stops, and states that resume.
#include <lagom/prompt/mixer.hpp>

#include <cmath>
#include <set>
#include <string>

#include "prompt/support.hpp"
#include "support/catch.hpp"

using namespace lagom::prompt;
using lagom::errc;
using lagom_test::draws;

namespace {

mixer made(std::vector<mix_source> sources, const mix_options& options) {
  auto m = mixer::make(std::move(sources), options);
  REQUIRE(m);
  return std::move(*m);
}

// All rows; `size(pick)` is how much a row is.
template <class Size>
std::vector<mix_pick> all_of(mixer& m, Size size, std::size_t most = 100000) {
  std::vector<mix_pick> out;
  while (out.size() < most) {
    const auto pick = m.next();
    if (!pick) break;
    m.took(size(*pick));
    out.push_back(*pick);
  }
  return out;
}

std::string letters(const std::vector<mix_pick>& picks) {
  std::string out;
  for (const mix_pick& p : picks) out += static_cast<char>('A' + static_cast<char>(p.source));
  return out;
}

const auto one = [](const mix_pick&) { return std::uint64_t{1}; };

std::string round_robin(mix_stop stop) {
  mixer m = made({{.rows = 3}, {.rows = 4}, {.rows = 5}}, {.stop = stop});
  std::string out;
  for (const mix_pick& p : all_of(m, one)) out += std::to_string(10 * p.source + p.row) + " ";
  return out;
}

std::uint64_t row_size(const mix_pick& p) {
  return 1 + lagom::philox{3}.below(50 + 100 * p.source, p.source, p.row);
}

}  // namespace

TEST_CASE("round robin and its stops", "[prompt][mixer]") {
  CHECK(round_robin(mix_stop::first_exhausted) == "0 10 20 1 11 21 2 12 22 ");
  CHECK(round_robin(mix_stop::all_exhausted) == "0 10 20 1 11 21 2 12 22 0 13 23 1 10 24 ");
  CHECK(round_robin(mix_stop::all_exhausted_without_replacement) == "0 10 20 1 11 21 2 12 22 13 23 24 ");
}

TEST_CASE("shares come out exactly", "[prompt][mixer]") {
  mixer two = made({{.weight = 3}, {.weight = 1}}, {});
  CHECK(letters(all_of(two, one, 8)) == "AABAAABA");
  mixer three = made({{.weight = 50}, {.weight = 30}, {.weight = 20}}, {});
  CHECK(letters(all_of(three, one, 10)) == "ABCAABACBA");
  mixer tokens = made({{}, {}}, {});
  CHECK(letters(all_of(
            tokens, [](const mix_pick& p) { return std::uint64_t{p.source == 0 ? 10u : 30u}; }, 8)) ==
        "ABAAABAA");
  CHECK(tokens.state().sources[0].amount == 60);
  CHECK(tokens.state().sources[1].amount == 60);
}

TEST_CASE("no source is far off its share, ever", "[prompt][mixer]") {
  for (std::uint64_t round = 0; round < 300; ++round) {
    draws d{.stream = round};
    std::vector<mix_source> sources(1 + d.below(6));
    double weights = 0;
    for (auto& s : sources) {
      s.weight = 1 + d.below(round % 2 == 0 ? 10 : 1000);
      weights += static_cast<double>(s.weight);
    }
    const bool by_rows = d.one_in(2);
    const std::size_t longest = by_rows ? 1 : 1 + d.below(200);
    mixer m = made(sources, {});
    double worst = 0;
    for (int i = 0; i < 400; ++i) {
      REQUIRE(m.next());
      m.took(by_rows ? 1 : d.below(longest) + 1);
      for (std::size_t s = 0; s < sources.size(); ++s) {
        const double share =
            static_cast<double>(sources[s].weight) / weights * static_cast<double>(m.state().amount);
        worst = (std::max)(worst, std::abs(static_cast<double>(m.state().sources[s].amount) - share));
      }
    }
    if (by_rows) {
      CHECK(worst < static_cast<double>(sources.size()) - 0.5 * (sources.size() > 1 ? 1.0 : 0.0));
      if (sources.size() == 2) CHECK(worst <= 1.0);
    } else {
      CHECK(worst <= static_cast<double>(longest * sources.size()));
    }
  }
}

TEST_CASE("a mixer stopped anywhere resumes to the same sequence", "[prompt][mixer]") {
  for (std::uint64_t round = 0; round < 400; ++round) {
    draws d{.stream = round};
    std::vector<mix_source> sources(1 + d.below(4));
    for (auto& s : sources)
      s = {
          .rows = 1 + d.below(20), .weight = 1 + d.below(5), .target = d.one_in(3) ? 500 + d.below(3000) : 0};
    const mix_options options{.choice = d.one_in(2) ? mix_choice::random : mix_choice::deficit,
                              .stop = static_cast<mix_stop>(d.below(4)),
                              .budget = 5000,
                              .shuffle = d.one_in(2),
                              .seed = round,
                              .epoch = 2};
    mixer whole = made(sources, options);
    const std::vector<mix_pick> expected = all_of(whole, row_size, 3000);
    CHECK(expected.size() < 3000);
    CHECK_FALSE(whole.next());
    const std::size_t cut = d.below(expected.size() + 1);
    mixer first = made(sources, options);
    std::vector<mix_pick> got = all_of(first, row_size, cut);
    const mix_state saved = first.state();
    mixer second = made(sources, options);
    REQUIRE(second.resume(saved));
    for (const mix_pick& p : all_of(second, row_size, 3000)) got.push_back(p);
    CHECK(got == expected);
    CHECK(second.state() == whole.state());

    // Every row of a pass once.
    std::set<std::tuple<std::size_t, std::uint64_t, std::uint64_t>> seen;
    for (const mix_pick& p : expected) {
      CHECK(p.row < sources[p.source].rows);
      CHECK(seen.emplace(p.source, p.pass, p.row).second);
    }
    if (options.stop == mix_stop::all_exhausted_without_replacement ||
        options.stop == mix_stop::first_exhausted) {
      for (const mix_pick& p : expected) CHECK(p.pass == 0);
    }
    if (options.stop == mix_stop::all_exhausted_without_replacement) {
      for (std::size_t s = 0; s < sources.size(); ++s) {
        const auto& now = whole.state().sources[s];
        CHECK((now.taken == now.rows || (sources[s].target > 0 && now.amount >= sources[s].target)));
      }
    }
  }
}

TEST_CASE("a drawn source depends on its slot alone", "[prompt][mixer]") {
  const mix_options options{
      .choice = mix_choice::random, .stop = mix_stop::budget_reached, .budget = 1 << 20, .seed = 9};
  const std::vector<mix_source> sources = {
      {.rows = 10, .weight = 5}, {.rows = 10, .weight = 3}, {.rows = 10, .weight = 2}};
  mixer m = made(sources, options);
  const auto picks = all_of(m, one, 20000);
  double count[3] = {};
  for (std::size_t slot = picks.size(); slot-- > 0;) {  // any order
    REQUIRE(m.source_of(slot) == picks[slot].source);
    count[picks[slot].source] += 1;
  }
  CHECK(std::abs(count[0] - 10000) < 4 * std::sqrt(5000.0));
  CHECK(std::abs(count[1] - 6000) < 4 * std::sqrt(4200.0));
  mix_options other = options;
  other.epoch = 1;
  mixer next_epoch = made(sources, other);
  CHECK(letters(all_of(next_epoch, one, 100)) != letters({picks.begin(), picks.begin() + 100}));
}

TEST_CASE("drawn by tokens, amounts come out by weight", "[prompt][mixer]") {
  std::uint64_t amount[2] = {};
  for (std::uint64_t s = 0; s < 2; ++s) {
    for (std::uint64_t r = 0; r < 4000; ++r) amount[s] += row_size({s, r, 0});
  }
  mixer m = made(
      {{.rows = 4000, .weight = 1, .amount = amount[0]}, {.rows = 4000, .weight = 3, .amount = amount[1]}},
      {.choice = mix_choice::random, .stop = mix_stop::budget_reached, .budget = 2'000'000, .shuffle = true});
  all_of(m, row_size);
  const double share =
      static_cast<double>(m.state().sources[0].amount) / static_cast<double>(m.state().amount);
  CHECK(std::abs(share - 0.25) < 0.01);
}

TEST_CASE("budgets and targets end a mixture", "[prompt][mixer]") {
  mixer budget = made({{.rows = 2}, {.rows = 3}}, {.stop = mix_stop::budget_reached, .budget = 95});
  const auto picks = all_of(budget, [](const mix_pick&) { return std::uint64_t{10}; });
  CHECK(picks.size() == 10);
  CHECK(budget.state().amount == 100);
  CHECK(picks.back().pass == 1);

  mixer targets = made({{.rows = 4, .weight = 60, .target = 60}, {.rows = 4, .weight = 20, .target = 20}},
                       {.stop = mix_stop::budget_reached});
  const auto t = all_of(targets, [](const mix_pick&) { return std::uint64_t{10}; });
  CHECK(letters(t) == "AABAAABA");
  CHECK(targets.state().sources[0].amount == 60);
  CHECK(targets.state().sources[1].amount == 20);

  // Rows without a trained token never fill a budget: their source is left out after a pass.
  mixer empty = made({{.rows = 3}, {.rows = 2}}, {.stop = mix_stop::budget_reached, .budget = 50});
  const auto e = all_of(empty, [](const mix_pick& p) { return std::uint64_t{p.source == 0 ? 0u : 10u}; });
  CHECK(empty.state().amount == 50);
  CHECK(e.size() == 8);
  mixer nothing = made({{.rows = 3}}, {.stop = mix_stop::budget_reached, .budget = 50});
  CHECK(all_of(nothing, [](const mix_pick&) { return std::uint64_t{0}; }).size() == 3);
}

TEST_CASE("streams say where they end", "[prompt][mixer]") {
  for (const mix_stop stop :
       {mix_stop::first_exhausted, mix_stop::all_exhausted_without_replacement, mix_stop::all_exhausted}) {
    const std::uint64_t rows[] = {3, 5};
    mixer m = made({{}, {}}, {.stop = stop});
    std::string got;
    while (const auto p = m.next()) {
      if (p->row >= rows[p->source]) {
        m.ended();
        continue;
      }
      m.took(1);
      got += static_cast<char>('A' + static_cast<char>(p->source));
    }
    CHECK(got == (stop == mix_stop::first_exhausted                     ? "ABABAB"
                  : stop == mix_stop::all_exhausted_without_replacement ? "ABABABBB"
                                                                        : "ABABABABABA"));
  }
}

TEST_CASE("mixtures that make no sense are refused", "[prompt][mixer]") {
  CHECK(mixer::make({}, {}).error().code == errc::empty);
  CHECK(mixer::make({{.weight = 0}}, {}).error().code == errc::empty);
  CHECK(mixer::make({{.rows = 4}, {.rows = 0}}, {}).error().row == 1);
  CHECK(mixer::make({{.rows = 4}}, {.stop = mix_stop::budget_reached}).error().code == errc::bad_value);
  CHECK(mixer::make({{}}, {.shuffle = true}).error().code == errc::bad_value);
  const std::uint64_t huge = ~std::uint64_t{0} / 2 + 1;
  CHECK(mixer::make({{.weight = huge}, {.weight = huge}}, {}).error().code == errc::overflow);
  mixer uneven = made({{.weight = huge}, {.weight = 1}}, {});  // a weight is never lost
  CHECK(letters(all_of(uneven, one, 4)) == "AAAA");
  CHECK(mixer::make({{.rows = 4}, {.rows = 0, .weight = 0}}, {}));

  mixer m = made({{.rows = 4}}, {});
  mix_state other = m.state();
  other.sources[0].rows = 5;
  CHECK(m.resume(other).error().code == errc::wrong_schema);
  other.sources.push_back({});
  CHECK(m.resume(other).error().code == errc::wrong_schema);
  CHECK(amount_of(mix_unit::rows, 7, 5) == 1);
  CHECK(amount_of(mix_unit::tokens, 7, 5) == 7);
  CHECK(amount_of(mix_unit::trained_tokens, 7, 5) == 5);
}
