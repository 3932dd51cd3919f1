// SPDX-License-Identifier: MIT
// Sentences, and the tasks that rules find in a text.
#include <lagom/prompt/mined_tasks.hpp>
#include <lagom/prompt/spans.hpp>

#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace lagom::prompt;

namespace {

std::vector<std::string> sentences(std::string_view text) {
  std::vector<std::string> out;
  for_each_sentence(text, [&](std::string_view s) { out.emplace_back(s); });
  return out;
}
using strings = std::vector<std::string>;

constexpr std::string_view text =
    "Iron rusts in wet air. Therefore, garden tools need a coat of oil. However, stainless steel keeps its "
    "shine for years. "
    "Corrosion is defined as the slow loss of metal to its surroundings. Bridges are painted often because "
    "salty fog eats "
    "the beams. As a result, painters work there all year. In other words, a bridge is never finished. "
    "Meanwhile, the "
    "ferries below carry commuters, lorries, merchandise and passengers across. Hence, the crossing stays "
    "busy at night.";

const mined_task* first(const std::vector<mined_task>& all, mined_kind kind) {
  for (const mined_task& t : all) {
    if (t.kind == kind) return &t;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("sentences end where the rules say", "[prompt][sentences]") {
  CHECK(sentences("").empty());
  CHECK(sentences(" \n ").empty());
  CHECK(sentences("One. Two! Three? Four") == strings{"One.", "Two!", "Three?", "Four"});
  CHECK(sentences("Dr. Who met J. R. Smith at 5 p. m. in the U.S. today. He left.") ==
        strings{"Dr. Who met J. R. Smith at 5 p. m. in the U.S. today.", "He left."});
  CHECK(sentences("It cost 3.50 euros. Cheap... really. \"Yes.\" (No.) End") ==
        strings{"It cost 3.50 euros.", "Cheap... really.", "\"Yes.\"", "(No.)", "End"});
  CHECK(sentences("A title\n\nBody of\ntext.\n \nMore") == strings{"A title", "Body of\ntext.", "More"});
  CHECK(sentences("雨だ。道は濡れている！？「はい。」終") ==
        strings{"雨だ。", "道は濡れている！？", "「はい。」", "終"});
  CHECK(sentences("बारिश है। सड़क गीली है।") == strings{"बारिश है।", "सड़क गीली है।"});
  CHECK(sentences("هل تمطر؟ نعم.") == strings{"هل تمطر؟", "نعم."});
  CHECK(sentences("See No. 5 and Fig. 2. No. It is p. 7.") ==
        strings{"See No. 5 and Fig. 2.", "No.", "It is p. 7."});
  CHECK(sentences("So do I. You too.") == strings{"So do I.", "You too."});
  CHECK(sentences("\xFF.\xE3\x80") == strings{"\xFF.\xE3\x80"});
}

TEST_CASE("no byte but white space is lost between sentences", "[prompt][sentences]") {
  std::mt19937 draw(4);
  const std::string_view pieces[] = {"a", "Bc", ".", " ", "!", "\n", "。", "\"", "Dr", "…", "\xE3", "I"};
  for (int round = 0; round < 3000; ++round) {
    std::string all;
    for (auto n = draw() % 20; n > 0; --n) all += pieces[draw() % std::size(pieces)];
    std::size_t at = 0;
    for_each_sentence(all, [&](std::string_view s) {
      const auto begin = static_cast<std::size_t>(s.data() - all.data());
      CHECK(begin >= at);
      CHECK(strip(std::string_view(all).substr(at, begin - at)).empty());
      CHECK(strip(s) == s);
      CHECK_FALSE(s.empty());
      at = begin + s.size();
    });
    CHECK(strip(std::string_view(all).substr(at)).empty());
  }
}

TEST_CASE("tasks of six types are found", "[prompt][mining]") {
  const auto tasks = mine_tasks("Rust and bridges", text);
  const auto said = [&](mined_kind kind) {
    const mined_task* t = first(tasks, kind);
    return t == nullptr ? std::string("none") : text_of(t->prompt());
  };
  CHECK(said(mined_kind::title) == std::string(text) + "\n\nGive this text a title.\nRust and bridges");
  CHECK(said(mined_kind::keywords) ==
        "Write a sentence with these words: commuters, merchandise, passengers.\nMeanwhile, the ferries "
        "below carry "
        "commuters, lorries, merchandise and passengers across.");
  CHECK(said(mined_kind::definition) ==
        "What does \"Corrosion\" mean?\nthe slow loss of metal to its surroundings.");
  CHECK(said(mined_kind::entailment) ==
        "\"Iron rusts in wet air.\" Does it follow that \"garden tools need a coat of oil.\"? Yes, no, or "
        "maybe?\nYes");
  CHECK(said(mined_kind::contradiction)
            .find("stainless steel keeps its shine for years.\"? Yes, no, or maybe?\nNo") !=
        std::string::npos);
  CHECK(said(mined_kind::neutral).find("\nMaybe") != std::string::npos);
  CHECK(said(mined_kind::cause) ==
        "\"Bridges are painted often\" Why is that so?\nsalty fog eats the beams.");
  CHECK(said(mined_kind::effect) ==
        "\"Bridges are painted often because salty fog eats the beams.\" What comes of that?\npainters work "
        "there all year.");
  CHECK(said(mined_kind::paraphrase) ==
        "Say it in other words: \"As a result, painters work there all year.\"\na bridge is never finished.");
  const mined_task* const c = first(tasks, mined_kind::completion);
  REQUIRE(c != nullptr);
  CHECK(std::string(c->values[0].text) + " " + std::string(c->answer) == text);
  const auto half = static_cast<double>(c->answer.size()) / static_cast<double>(text.size());
  CHECK(half == Approx(0.5).margin(0.1));
}

TEST_CASE("at most so many of a kind, in order, within a budget", "[prompt][mining]") {
  std::string many;
  for (int i = 0; i < 9; ++i) many += "The road is wet at night. Therefore, cars go slowly through town. ";
  CHECK(mine_tasks("", many).size() == 2 + 1);
  CHECK(mine_tasks("", many, {.per_kind = 5}).size() == 5 + 1);
  CHECK(mine_tasks("", many, {.per_kind = 0}).empty());
  CHECK(mine_tasks("T", "").empty());
  CHECK(mine_tasks("", "Short. Therefore, no.").empty());

  const lagom::byte_counter bytes;
  auto tasks = mine_tasks("Rust and bridges", text);
  const std::size_t all = tasks.size();
  std::size_t size = text.size();
  for (const mined_task& t : tasks) size += 2 + text_of(t.prompt()).size();
  auto account = fit_tasks(text, tasks, bytes, size);
  CHECK(tasks.size() == all);
  CHECK(account.out == all);
  account = fit_tasks(text, tasks, bytes, size - 1);
  CHECK(tasks.size() == all - 1);
  CHECK(account.in == all);
  CHECK(account[mining_loss::over_budget] == 1);
  CHECK(account.balanced());
  account = fit_tasks(text, tasks, bytes, text.size() - 1);
  CHECK(tasks.empty());
  account = fit_tasks(text, tasks, bytes, 0);
  CHECK(account.in == 0);
}

TEST_CASE("a mined task is asked with, or trained on", "[prompt][mining]") {
  const auto tasks = mine_tasks("", text);
  for (const mined_task& t : tasks) {
    const std::string asked = text_of(t.prompt(english_questions, true)), whole = text_of(t.prompt());
    CHECK(whole == asked + "\n" + std::string(t.answer));
    CHECK(size_of(t.prompt()).trained == 1 + t.answer.size());
    CHECK(size_of(t.prompt(english_questions, false, false)).trained == 0);
    for (const template_value& v : t.values) {
      CHECK((v.text.empty() || (v.text.data() >= text.data() && v.text.data() < text.data() + text.size())));
    }
  }
}
