// SPDX-License-Identifier: MIT
// The instruction synthesizer: sequences, rounds, and reading its pairs.
#include <lagom/core/random.hpp>
#include <lagom/prompt/read_pairs.hpp>
#include <lagom/prompt/rounds.hpp>
#include <lagom/prompt/spans.hpp>
#include <lagom/prompt/synthesizer.hpp>

#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/crc32.hpp"

using namespace lagom::prompt;

namespace {

const std::vector<question_answer> iron{{"What rusts?", "Iron."}, {"Where?", "In wet air."}};
const std::vector<question_answer> salt{{"What melts ice?", "Salt."}};
const std::vector<synthesized> both{{"Iron rusts in wet air.", iron}, {"Salt melts ice.", salt}};

std::vector<span> trained(trained_pairs part) {
  std::vector<span> out;
  const synthesizer_sequence all{both, part};
  for_each_trained(all, [&](span s) { out.push_back(s); });
  return out;
}

struct reading {
  std::vector<std::pair<std::string, std::string>> pairs;
  std::vector<std::string> lost;
  friend bool operator==(const reading&, const reading&) = default;
};
reading read(std::string_view text, const pair_marks& marks = {}) {
  std::vector<question_answer> found;
  const losses<pair_loss> losses = read_distinct_pairs(text, found, marks);
  CHECK(losses.balanced());
  CHECK(losses.out == found.size());
  reading out;
  for (const question_answer& p : found) out.pairs.emplace_back(p.question, p.answer);
  losses.for_each(
      [&](std::string_view name, std::uint64_t n) { out.lost.insert(out.lost.end(), n, std::string(name)); });
  return out;
}
std::vector<std::pair<std::string, std::string>> released(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> out;
  std::string spare;
  compat::lmops_parse(text, spare, [&](std::string_view q, std::string_view a) { out.emplace_back(q, a); });
  return out;
}

// The prompts of a schedule in short: the texts that stand in each, oldest first.
std::vector<std::vector<std::size_t>> prompts(synthesis_rounds& rounds,
                                              const std::vector<std::size_t>& without = {}) {
  std::vector<std::vector<std::size_t>> out;
  for (std::size_t r = 0; r < rounds.rounds(); ++r) {
    for (const std::size_t text : rounds.texts(r)) {
      auto& p = out.emplace_back();
      for (const std::size_t before : rounds.history(text)) p.push_back(before);
      rounds.asked(text, p.size());
      p.push_back(text);
    }
    for (const std::size_t text : rounds.texts(r)) {
      rounds.answered(text, std::count(without.begin(), without.end(), text) > 0 ? 0 : 1);
    }
  }
  return out;
}
using lists = std::vector<std::vector<std::size_t>>;

}  // namespace

TEST_CASE("the worked sequence of the synthesizer, to the byte", "[prompt][synthesizer]") {
  const std::string text = text_of(synthesizer_sequence{both});
  CHECK(text ==
        "<s> <CON> Iron rusts in wet air. </CON>\n\n<QUE> What rusts? <ANS> Iron. </END>\n\n<QUE> Where? "
        "<ANS> In wet "
        "air. </END></s><s> <CON> Salt melts ice. </CON>\n\n<QUE> What melts ice? <ANS> Salt. </END></s>");
  CHECK(text.size() == 198);
  CHECK(test::crc32(text) == 0x8bde229c);
  CHECK(trained(trained_pairs::pairs) == std::vector<span>{{41, 116}, {154, 194}});
  CHECK(trained(trained_pairs::pairs_end) == std::vector<span>{{41, 120}, {154, 198}});
  CHECK(trained(trained_pairs::answers) == std::vector<span>{{65, 70}, {98, 109}, {182, 187}});
  CHECK(trained(trained_pairs::all) == std::vector<span>{{0, 198}});
  CHECK(trained(trained_pairs::none).empty());

  synthesizer_sequence open{both};
  open.open_last = true;
  CHECK(text_of(open) == text.substr(0, 154));
  CHECK(text_of(synthesizer_sequence{std::vector<synthesized>{{"", iron}}})
            .starts_with("<s><QUE> What rusts?"));
  const std::vector<question_answer> slots{{"What does {answer} mean?", "a slot"}};
  CHECK(text_of(synthesizer_sequence{std::vector<synthesized>{{"", slots}}}) ==
        "<s><QUE> What does {answer} mean? <ANS> a slot </END></s>");
}

TEST_CASE("what a synthesizer writes, and why it is no pair", "[prompt][read_pairs]") {
  using pairs = std::vector<std::pair<std::string, std::string>>;
  const std::string p = "<QUE> q1 <ANS> a1 </END>";
  const std::string s1 = p + "\n\n<QUE> q2 <ANS> a2 </END>";
  const pairs one{{"q1", "a1"}}, two{{"q1", "a1"}, {"q2", "a2"}}, second{{"q2", "a2"}};
  CHECK(read(s1) == reading{two, {}});
  CHECK(released(s1) == two);
  CHECK(read(p + "\n\n<QUE> q2 <ANS> a") == reading{one, {"truncated_tail"}});
  CHECK(read(p + "\n") == reading{one, {}});
  CHECK(read(p + "</s>") == reading{one, {}});
  CHECK(read("<QUE> q1 <ANS> a1 <ANS> b </END>") == reading{{}, {"two_ans"}});
  CHECK(read("q1 <ANS> a1 </END>") == reading{{}, {"no_que"}});
  CHECK(read("<QUE> q1 a1 </END>") == reading{{}, {"no_ans"}});
  CHECK(read("junk " + s1) == reading{second, {"no_que"}});
  CHECK(released("junk " + s1) == second);
  CHECK(read("junk " + s1, {.skip_leading = true}) == reading{two, {}});
  CHECK(read("<QUE> <ANS> a1 </END>") == reading{{}, {"empty_question"}});
  CHECK(released("<QUE> <ANS> a1 </END>") == pairs{{"", "a1"}});
  CHECK(read("<QUE> q1 <ANS> </END>") == reading{{}, {"empty_answer"}});
  CHECK(read("<QUE> q1 <QUE> q1b <ANS> a1 </END>") == reading{{}, {"two_que"}});
  CHECK(released("<QUE> q1 <QUE> q1b <ANS> a1 </END>") == pairs{{"q1  q1b", "a1"}});
  CHECK(read("<QUE> Q1 <ANS> a1 </END><QUE> q1 <ANS> a2 </END>") == reading{{{"Q1", "a1"}}, {"duplicate"}});
  const std::string open = "<QUE> q1 <ANS> a1 \n\n<QUE> q2 <ANS> a2 </END>";
  CHECK(read(open) == reading{{}, {"missing_end"}});
  CHECK(read(open, {.resync = true}) == reading{second, {"missing_end"}});
  CHECK(read(p + "<CON> new </CON>\n\n<QUE> q2 <ANS> a2 </END>") == reading{one, {"reopened_context"}});
  CHECK(read("no tags at all") == reading{{}, {"no_pairs"}});
  CHECK(read("") == reading{{}, {"no_pairs"}});
}

TEST_CASE("pairs that are built are read back", "[prompt][read_pairs]") {
  const lagom::philox random{3};
  const std::vector<std::string> parts{"a", " b", "\n\n", "<", "QUE>", "</END", "é", "<ANS", "?"};
  std::uint64_t draw = 0;
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::string> texts;
    std::vector<question_answer> pairs;
    for (std::uint64_t n = 2 * (1 + random.below(4, 0, draw++)); n > 0; --n) {
      std::string t = std::to_string(n);
      for (auto k = random.below(4, 0, draw++); k > 0; --k) t += parts[random.below(parts.size(), 0, draw++)];
      texts.push_back(t + ".");
    }
    for (std::size_t i = 0; i < texts.size(); i += 2) pairs.push_back({texts[i], texts[i + 1]});
    bool marked = false;
    for (const std::string& t : texts) {
      for (const auto mark : {"<QUE>", "<ANS>", "</END>", "<CON>"})
        marked = marked || t.find(mark) != std::string::npos;
    }
    const std::vector<synthesized> example{{"context", pairs}};
    std::string text = text_of(synthesizer_sequence{example});
    text.erase(0, text.find("<QUE>"));
    std::vector<question_answer> found;
    const auto losses = read_distinct_pairs(text, found);
    if (!marked) CHECK((found == pairs && losses.lost() == 0));
  }
}

TEST_CASE("rounds: which text is asked when, and what stands before it", "[prompt][rounds]") {
  synthesis_rounds four(4, 2);
  CHECK(prompts(four, {1}) == lists{{0}, {1}, {0, 2}, {3}});
  synthesis_rounds three(3, 3);
  CHECK(prompts(three) == lists{{0}, {0, 1}, {0, 1, 2}});
  synthesis_rounds broken(3, 3);
  CHECK(prompts(broken, {1}) == lists{{0}, {0, 1}, {2}});
  synthesis_rounds six(6, 3);
  CHECK(prompts(six).size() == 6);
  CHECK(std::vector<std::size_t>{six.column(0)[0], six.column(0)[1], six.column(0)[2]} ==
        std::vector<std::size_t>{0, 2, 4});
  synthesis_rounds uneven(3, 2);
  CHECK(prompts(uneven) == lists{{0}, {1}, {0, 2}});
  CHECK(uneven.column(0).size() == 2);
  CHECK(uneven.column(1).size() == 1);
  for (const auto& [n, m] : {std::pair<std::size_t, std::size_t>{4, 3}, {7, 3}, {5, 4}, {1, 9}, {0, 3}}) {
    synthesis_rounds any(n, m);
    std::vector<std::size_t> asked;
    for (const auto& p : prompts(any)) asked.push_back(p.back());
    CHECK(asked.size() == n);
    CHECK(std::is_sorted(asked.begin(), asked.end()));
    CHECK(any.rounds() <= m);
  }
}

TEST_CASE("examples that did not fit are no history of later texts", "[prompt][rounds]") {
  synthesis_rounds rounds(4, 4);
  rounds.answered(0, 1);
  rounds.asked(1, 1);
  rounds.answered(1, 1);
  CHECK(rounds.history(2).size() == 2);
  rounds.asked(2, 1);  // the oldest one was dropped
  rounds.answered(2, 1);
  CHECK(rounds.history(3).size() == 2);
  CHECK(rounds.history(3)[0] == 1);
}

TEST_CASE("the released loop's rules have names of their own", "[prompt][rounds]") {
  const auto blanks = [](std::string_view text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), ' '));
  };
  const std::string prompt = "<s> <CON> T0 </CON>\n\n<QUE> q0 <ANS> a0 </END></s><s> <CON> T1 </CON>\n\n";
  CHECK(blanks(prompt) + 1 == 11);
  CHECK(compat::lmops_fit(blanks(prompt), 17, 0));
  CHECK_FALSE(compat::lmops_fit(blanks(prompt), 16, 0));
  CHECK_FALSE(compat::lmops_fit(0, 10, 400));

  const auto columns = [](std::size_t n, std::size_t m) {
    lists out;
    compat::lmops_columns(synthesis_rounds(n, m), [&](std::size_t column, std::size_t text) {
      if (column == out.size()) out.emplace_back();
      out[column].push_back(text);
    });
    return out;
  };
  CHECK(columns(3, 2) == lists{{1, 0, 2}});
  CHECK(columns(4, 2) == lists{{0, 2}, {1, 3}});
  std::size_t seen = 0;
  for (const auto& c : columns(7, 3)) seen += c.size();
  CHECK(seen == 7);
}
