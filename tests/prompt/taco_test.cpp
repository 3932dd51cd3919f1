// SPDX-License-Identifier: MIT
// TaCo and MathOctopus: their worked samples and what is read back of them.
#include <lagom/prompt/free_fields.hpp>
#include <lagom/prompt/parallel_training.hpp>
#include <lagom/prompt/taco.hpp>

#include <string>
#include <vector>

#include "support.hpp"
#include "support/catch.hpp"

using namespace lagom::prompt;
using lagom_test::draws;

namespace {

constexpr grammar<3> nepali = taco_grammar("ne", "Response in Nepali:");
static_assert(nepali == taco_grammar(*taco_target("ne")));
static_assert(scannable(nepali) && scannable(taco_grammar(*taco_target("zh"), taco_form::headings)));

const std::vector<quad> greeting{{"1", "Say hi.", "Hi.", "नमस्ते भन।", "नमस्ते।"}};

template <class Method>
std::string only_row(const Method& method, const std::vector<quad>& quads) {
  std::string out;
  for (auto&& row : method.rows(quads)) out += text_of(row);
  return out;
}

}  // namespace

TEST_CASE("TaCo's row, its labels and its mask", "[prompt][taco]") {
  const auto method = taco(*taco_target("ne"));
  CHECK(only_row(method, greeting) ==
        "<|user|>\nनमस्ते भन।\n<|assistant|>\nInstruction in English: Say hi.\nResponse in English: Hi.\n"
        "Response in Nepali: नमस्ते।</s>");
  CHECK(only_row(taco(*taco_target("ne", taco_form::headings), taco_form::headings), greeting) ==
        "<|user|>\nनमस्ते भन।\n<|assistant|>\n### Instruction in English:\nSay hi.\n\n### Response in "
        "English:\nHi."
        "\n\n### Response in Nepali:\nनमस्ते।</s>");
  for (auto&& row : method.rows(greeting)) {
    const std::size_t asked = text_of(row.question()).size();
    CHECK(*row.trained().begin() == span{asked, text_of(row).size()});
    CHECK(row.complete());
  }
  CHECK_FALSE(taco_target("xx"));
  CHECK(taco_target("mai")->response.text == "Response in Maithili:");
}

TEST_CASE("what models write of TaCo's sections", "[prompt][taco]") {
  const std::string indent(24, ' ');
  const std::string output = "Instruction in English: Say hi..\n" + indent + "Response in English: Hi.. \n" +
                             indent + "Response in Nepali: नमस्ते।";
  const auto parsed = parse_sections(nepali, output);
  CHECK(parsed.code() == parse_code::ok);
  CHECK(parsed.content(2) == "नमस्ते।");
  CHECK(parsed.content(0) == "Say hi..");
  const std::string stopped = "Instruction in English: Say hi.\nResponse in English: Hi. Hi. Hi. Hi.";
  CHECK(parse_sections(nepali, stopped).code() == parse_code::missing_target);
  CHECK_FALSE(parse_sections(nepali, stopped).content(2));

  const auto with_context = taco_context_grammar(*taco_target("ne"));
  const fields<4> three{"Add.", std::nullopt, "3", "३"}, four{"Add.", "1, 2", "3", "३"};
  for (const fields<4>& texts : {three, four}) {
    const std::string text = text_of(sectioned<4>{&with_context, texts});
    CHECK((text.find("### Context in English:\n1, 2") != std::string::npos) == texts[1].has_value());
    const auto read = parse_sections(with_context, text);
    CHECK(read.code() == parse_code::ok);
    CHECK(read.fields() == texts);
  }
}

TEST_CASE("TaCo's answers are read back as they were built", "[prompt][taco]") {
  const taco_form forms[] = {taco_form::lines, taco_form::headings};
  std::size_t free = 0, caught = 0;
  for (std::uint64_t round = 0; round < 3000; ++round) {
    draws d{round};
    const taco_form form = forms[d.below(2)];
    const grammar<3> g = taco_grammar(*taco_target("ne", form), form);
    std::array<std::string, 3> texts;
    for (std::string& t : texts) {
      for (std::size_t n = 1 + d.below(3); n > 0; --n) {
        t += d.text("ab.: ", 5);
        if (d.one_in(3)) t += '\n';
        if (d.one_in(4)) t += g.sections[d.below(3)].header.text;
        if (d.one_in(4)) t += d.one_in(2) ? " " : "\n";
      }
    }
    const fields<3> in{texts[0], texts[1], texts[2]};
    for (const matching level : {matching::exact, matching::nfc}) {
      if (collides(g, in, level)) {
        ++caught;
        continue;
      }
      ++free;
      const std::string text = text_of(sectioned<3>{&g, in});
      const auto out = parse_sections(g, text, level);
      for (std::size_t i = 0; i < 3; ++i) {
        REQUIRE(out.content(i));
        CHECK(*out.content(i) == (level == matching::exact ? *in[i] : trimmed(*in[i])));
      }
    }
  }
  CHECK((free > 500 && caught > 500));
}

TEST_CASE("MathOctopus asks in one language or across, and the last number answers", "[prompt][math]") {
  const std::vector<quad> apples{{"1", "Ann has 2 apples and buys 3. How many has she?",
                                  "2 + 3 = 5. The answer is 5.",
                                  "Ann ana tufaha 2 na ananunua 3. Ana mangapi?", "2 + 3 = 5. Jibu ni 5."}};
  const std::string preamble = text_of(math_preamble(value<"language">("Swahili")));
  const parallel_training same{.target = "sw", .target_system = preamble, .style = math_style};
  const cross_training across{.target = "sw", .target_system = preamble, .style = math_style};
  CHECK(only_row(same, apples) == preamble + "\n\n### Problem:\n" + std::string(apples[0].x_t) +
                                      "\n\n### Solution:\n2 + 3 = 5. Jibu ni 5.</s>");
  CHECK(preamble.find("Swahili") != std::string::npos);
  for (auto&& row : across.rows(apples)) {
    const std::string asked = text_of(row.question()), text = text_of(row);
    CHECK(asked == preamble + "\n\n### Problem:\n" + std::string(apples[0].x_p) + "\n\n### Solution:");
    const std::string answer = text.substr(asked.size());
    CHECK(number_answer(answer)->value == "5");
    CHECK(same_answer(answer, apples[0].y_p));
  }
  CHECK_FALSE(same_answer("2 + 3 = 6", apples[0].y_p));
  CHECK_FALSE(same_answer("", apples[0].y_p));
  CHECK_FALSE(same_answer("5", "five"));
  // numbers of any position and script: what was written last is what is read
  for (std::uint64_t round = 0; round < 500; ++round) {
    draws d{round};
    const std::string last = std::to_string(d.below(100000));
    const std::string y = std::to_string(d.below(99)) + " mbuni " + d.text("xyz ", 9) + " ni " + last + ".";
    const std::vector<quad> one{{"1", "x", last, "x", y}};
    const std::string text = only_row(same, one);
    CHECK(number_answer(text)->value == last);
  }
}
