// SPDX-License-Identifier: MIT
// Tasks taken apart, styled and laid out as pre-training text.
#include <lagom/prompt/templify.hpp>

#include <algorithm>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/crc32.hpp"

using namespace lagom::prompt;
using lagom::philox;

namespace {

instruction_task task(std::string_view question, std::string_view answer) {
  const checked_task read = read_task({question, answer});
  REQUIRE(read.check == task_check::ok);
  return read.task;
}
task_check check(std::string_view question, std::string_view answer) {
  return read_task({question, answer}).check;
}

std::string text(const std::vector<templified>& members, text_layout layout) {
  std::string out;
  append_templified(out, members, layout);
  return out;
}

}  // namespace

TEST_CASE("pairs are tasks of four modes, or none with a reason", "[prompt][task]") {
  const auto chain =
      task("2+2?\nLet's think step by step.", "Two and two make four.\nTherefore, the answer is 4");
  CHECK(chain.mode == task_mode::chain_of_thought);
  CHECK(chain.question == "2+2?");
  CHECK(chain.rationale == "Two and two make four");
  CHECK(chain.answer == "4");
  CHECK(check("2+2?\nLet's think step by step.", "4") == task_check::half_cot);
  CHECK(check("2+2?", "So.\nTherefore, the answer is 4") == task_check::half_cot);

  const auto colours = task("Which?\nOptions:\n- red\n- blue", "blue");
  CHECK(colours.mode == task_mode::options);
  CHECK(colours.question == "Which?");
  CHECK(colours.option_count == 2);
  CHECK(colours.right == 1);
  CHECK(check("Which?\nOptions:\n- red\n- blue", "purple") == task_check::no_option_match);
  CHECK_FALSE(task("Which?\nOptions:\n- red\n- blue", "None").right);
  CHECK_FALSE(task("Which?\nOptions:\n- red\n- blue", "None of the above.").right);
  CHECK(check("A?\nOptions:\n- x\nB?\nOptions:\n- y", "x") == task_check::two_option_lists);
  const auto both =
      task("Which?\nOptions:\n- 3\n- 4\nLet's think step by step.", "Add.\nTherefore, the answer is 4.");
  CHECK(both.mode == task_mode::options_chain);
  CHECK(both.right == 1);
  std::string many = "Which?\nOptions:\n- o0";
  for (int i = 1; i < 26; ++i) many += "\n- o" + std::to_string(i);
  CHECK(task(many, "o25").right == 25);
  CHECK(check(many + "\n- o26", "o26") == task_check::too_many_options);
}

TEST_CASE("options are named, shuffled and answered by name", "[prompt][task]") {
  const auto colours = task("Which?\nOptions:\n- blue\n- red", "blue");
  task_style style;
  std::string out;
  append_question(out, colours, style, option_order::given());
  CHECK(out == "Which?\nOptions:\n(A) blue\n(B) red");
  out.clear();
  append_answer(out, colours, style, option_order::given());
  CHECK(out == "(A)");
  option_order other = option_order::given();
  std::swap(other.at[0], other.at[1]);
  out.clear();
  append_answer(out, colours, style, other);
  CHECK(out == "(B)");
  style.options = {"Options:", "\n - ", "", option_names::none};
  out.clear();
  append_answer(out, colours, style, other);
  CHECK(out == "blue");

  std::array<std::size_t, 3> first{};
  for (std::uint64_t stream = 0; stream < 3000; ++stream) {
    const option_order drawn = option_order::drawn(3, philox{5}, stream, 100);
    std::array<std::uint8_t, 3> sorted{drawn.at[0], drawn.at[1], drawn.at[2]};
    std::sort(sorted.begin(), sorted.end());
    CHECK(sorted == std::array<std::uint8_t, 3>{0, 1, 2});
    ++first[drawn.at[0]];
  }
  for (const std::size_t n : first) CHECK((n > 900 && n < 1100));
}

TEST_CASE("the worked texts, to the byte", "[prompt][templify]") {
  const std::vector<instruction_task> iron{task("What rusts?", "Iron."), task("Where?", "In wet air.")};
  const std::vector<instruction_task> salt{task("What melts ice?", "Salt.")};
  const std::vector<templified> one{{"Iron rusts in wet air.", iron}};
  const std::vector<templified> both{{"Iron rusts in wet air.", iron}, {"Salt melts ice.", salt}};
  const std::string classic = text(one, text_layout::classic);
  CHECK(classic == "Iron rusts in wet air.\n\nQ: What rusts?\nA: Iron.\n\nQ: Where?\nA: In wet air.");
  CHECK(test::crc32(classic) == 0x99f6dfc3);
  CHECK(text(both, text_layout::classic).size() == 120);
  CHECK(test::crc32(text(both, text_layout::classic)) == 0x31a8775b);
  const std::string numbered = text(one, text_layout::numbered);
  CHECK(numbered == "Iron rusts in wet air.\n1. What rusts?\n2. Where?\n\n1. Iron.\n2. In wet air.");
  CHECK(numbered.size() == 72);
  CHECK(test::crc32(numbered) == 0x7daee744);

  CHECK(
      text(one, text_layout::dialog) ==
      "Iron rusts in wet air.\n\nUser: What rusts?\nAssistant: Iron.\nUser: Where?\nAssistant: In wet air.");
  CHECK(text(one, text_layout::few_shot) ==
        "Iron rusts in wet air.\n\nExample: What rusts? Iron.\n\nQ: Where?\nA: In wet air.");
  CHECK(text(one, text_layout::next_turn) ==
        "User: Iron rusts in wet air.\n\nQ: What rusts?\nA: Iron.\n\nWhere?\nAssistant: In wet air.");
  std::vector<templified> inverted = one;
  inverted[0].inverted = true;
  CHECK(text(inverted, text_layout::classic) ==
        "Q: What rusts?\nA: Iron.\n\nQ: Where?\nA: In wet air.\n\nIron rusts in wet air.");
  CHECK(text({{"Raw text.", {}}}, text_layout::next_turn) == "Raw text.");

  // read_lead, text, read_end, tasks_lead, separator, tasks; inverted: the tasks with their lead come first.
  std::vector<templified> led{{"Salt melts ice.", salt}};
  led[0].words.read_lead = "Read: ";
  led[0].words.read_end = " (end)\n";
  led[0].words.tasks_lead = "Answer.";
  CHECK(text(led, text_layout::classic) ==
        "Read: Salt melts ice. (end)\nAnswer.\n\nQ: What melts ice?\nA: Salt.");
  led[0].inverted = true;
  CHECK(text(led, text_layout::classic) ==
        "Answer.\n\nQ: What melts ice?\nA: Salt.\n\nRead: Salt melts ice.");
  led[0].inverted = false;
  led[0].words.tasks_lead = {};
  CHECK(text(led, text_layout::classic) == "Read: Salt melts ice.\n\nQ: What melts ice?\nA: Salt.");
}

TEST_CASE("layouts come in their shares, whatever the order of drawing", "[prompt][templify]") {
  const layout_shares shares;
  std::array<std::size_t, 5> all{}, some{};
  for (std::uint64_t stream = 0; stream < 20000; ++stream) {
    ++all[static_cast<std::size_t>(shares.draw(true, philox{1}, stream, 0))];
    ++some[static_cast<std::size_t>(shares.draw(false, philox{1}, stream, 0))];
  }
  CHECK(std::abs(static_cast<double>(all[0]) / 20000 - 0.80) < 0.01);
  for (std::size_t i = 1; i < 5; ++i) CHECK(std::abs(static_cast<double>(all[i]) / 20000 - 0.05) < 0.006);
  CHECK(std::abs(static_cast<double>(some[0]) / 20000 - 0.95) < 0.006);
  CHECK(some[2] + some[3] + some[4] == 0);
  CHECK(shares.draw(true, philox{1}, 77, 3) == shares.draw(true, philox{1}, 77, 3));
}
