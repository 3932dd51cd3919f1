// SPDX-License-Identifier: MIT
// A drawn corpus: its shares, its independence, its words; and how it is mixed.
#include <lagom/prompt/corpus_plan.hpp>
#include <lagom/prompt/mixer.hpp>
#include <lagom/prompt/templify_draws.hpp>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace lagom::prompt;
using lagom::philox;

namespace {

const std::vector<question_answer> pairs{
    {"Which colour?\nOptions:\n- red\n- blue\n- green", "blue"},
    {"2+2?\nLet's think step by step.", "Two and two.\nTherefore, the answer is 4"},
    {"Half?\nLet's think step by step.", "4"},
    {"Who?", "Ann."}};

const layout_style words[] = {{}, {.read_lead = "Read: ", .between_members = "\n---\n"}};
const demo_style demos[] = {{}, {"Ask: ", " ", "Say: ", "\n"}};
const option_style options[] = {{}, {"Choose:", "\n- ", "", option_names::none}};
const chain_style chains[] = {{}, {" Think.", " So: "}};
const std::string_view none[] = {"None.", "Not there."};

templify_draws drawing(std::uint64_t seed) {
  return {.random = philox{seed}, .pools = {words, demos, options, chains, none}};
}

std::vector<instruction_task> tasks() {
  std::vector<instruction_task> out;
  const auto account = read_tasks(pairs, out);
  CHECK(account.balanced());
  CHECK(account[task_check::half_cot] == 1);
  CHECK(out.size() == 3);
  return out;
}

}  // namespace

TEST_CASE("a drawn text is the layouts, styles and orders that its numbers give", "[prompt][templify]") {
  const auto all = tasks();
  const std::vector<text_tasks> members{{"Iron rusts.", all}, {"Salt melts ice.", std::span(all).subspan(1)}};
  const templify_draws draws = drawing(11);
  std::set<std::string> texts;
  for (std::uint64_t text = 0; text < 200; ++text) {
    std::vector<option_order> first, second;
    for (std::size_t k = 0; k < 3; ++k) first.push_back(draws.order(text, 0, k, all[k].option_count));
    for (std::size_t k = 0; k < 2; ++k) second.push_back(draws.order(text, 1, k, all[k + 1].option_count));
    const std::vector<templified> made{{members[0].context, members[0].tasks, first, draws.style(text, 0),
                                        draws.words(text, 0), draws.inverted(text)},
                                       {members[1].context, members[1].tasks, second, draws.style(text, 1),
                                        draws.words(text, 1), draws.inverted(text)}};
    std::string expected, out;
    append_templified(expected, made, draws.layout(text, true));
    draws.append(out, text, members);
    CHECK(out == expected);
    // every answer, in some spelling, is in the text
    CHECK(out.find("Two and two") != std::string::npos);
    CHECK(out.find("Ann.") != std::string::npos);
    texts.insert(out);
  }
  CHECK(texts.size() > 150);

  std::string one;
  templify_draws plain{.random = philox{3}, .shares = {{100, 0, 0, 0, 0}, 0}};
  plain.append(one, 5, std::vector<text_tasks>{{"Text.", std::span(all).subspan(2)}, {"Raw.", {}}});
  CHECK(one == "Text.\n\nQ: Who?\nA: Ann.\n\n\nRaw.");
}

TEST_CASE("draws are independent and have their shares", "[prompt][templify]") {
  const templify_draws draws = drawing(12);
  constexpr std::size_t n = 20000;
  std::map<std::array<int, 4>, std::size_t> joint;
  std::size_t inverted = 0, classic = 0, both = 0, blue_first = 0, blue_first_of_next = 0, together = 0;
  for (std::uint64_t text = 0; text < n; ++text) {
    const task_style s = draws.style(text, 0), t = draws.style(text, 1);
    ++joint[{s.demo.question_lead == "Ask: ", s.options.names == option_names::none,
             s.chain.invite == " Think.", t.demo.question_lead == "Ask: "}];
    const bool turned = draws.inverted(text), is_classic = draws.layout(text, true) == text_layout::classic;
    inverted += turned ? 1u : 0u;
    classic += is_classic ? 1u : 0u;
    both += turned && is_classic ? 1u : 0u;
    const bool a = draws.order(text, 0, 0, 3).at[0] == 1, b = draws.order(text, 0, 1, 3).at[0] == 1;
    blue_first += a ? 1u : 0u;
    blue_first_of_next += b ? 1u : 0u;
    together += a && b ? 1u : 0u;
  }
  const auto share = [](std::size_t count) { return static_cast<double>(count) / n; };
  CHECK(joint.size() == 16);
  for (const auto& [which, count] : joint) CHECK(share(count) == Approx(1.0 / 16).margin(0.008));
  CHECK(share(inverted) == Approx(0.05).margin(0.006));
  CHECK(share(classic) == Approx(0.80).margin(0.012));
  CHECK(share(both) == Approx(0.04).margin(0.006));
  CHECK(share(blue_first) == Approx(1.0 / 3).margin(0.014));
  CHECK(share(blue_first_of_next) == Approx(1.0 / 3).margin(0.014));
  CHECK(share(together) == Approx(1.0 / 9).margin(0.01));
  // another member or task leaves what was drawn as it is
  CHECK(draws.order(4, 0, 2, 1).at == option_order::given().at);
  CHECK(drawing(12).layout(9, true) == draws.layout(9, true));
}

TEST_CASE("the plan of a corpus is what a mixer mixes", "[prompt][mixer]") {
  const corpus_plan plan;
  std::size_t converted = 0;
  for (std::uint64_t text = 0; text < 20000; ++text) converted += plan.converts(philox{4}, text) ? 1u : 0u;
  CHECK(static_cast<double>(converted) / 20000 == Approx(0.2).margin(0.012));

  const corpus_plan small = plan.of_size(1'000'000);
  CHECK(small.tuning_tokens == 2000);
  const auto sources = small.general({.rows = 500}, {.rows = 30});
  auto mix = mixer::make({sources.begin(), sources.end()}, {.stop = mix_stop::budget_reached});
  REQUIRE(mix);
  std::array<std::uint64_t, 2> tokens{};
  while (auto pick = mix->next()) {
    tokens[pick->source] += 100;
    mix->took(100);
  }
  CHECK(tokens == std::array<std::uint64_t, 2>{1'000'000, 2000});

  const auto halves = corpus_plan::domain({.rows = 50}, {.rows = 50});
  auto even = mixer::make({halves.begin(), halves.end()}, {});
  REQUIRE(even);
  tokens = {};
  while (auto pick = even->next()) {
    const std::uint64_t size = pick->source == 0 ? 300 : 100;
    tokens[pick->source] += size;
    even->took(size);
  }
  CHECK(tokens[1] == 5000);
  CHECK((tokens[0] >= 4700 && tokens[0] <= 5300));
}
