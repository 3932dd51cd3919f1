// SPDX-License-Identifier: MIT
// Prompts that hold the pivot sections, and what is read of what a model writes on.
#include <lagom/prompt/parse_sections.hpp>
#include <lagom/prompt/pivot_cost.hpp>
#include <lagom/prompt/plug.hpp>
#include <lagom/prompt/prefilled.hpp>
#include <lagom/prompt/taco.hpp>

#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace lagom::prompt;

namespace {

const std::vector<quad> whole{{"1", "Say hi.", "Hi.", "打个招呼。", "你好。"}};
const std::vector<quad> unanswered{{"1", "Say hi.", "Hi.", "打个招呼。", ""}};

template <class Method>
std::string prompt_to(const Method& method, const std::vector<quad>& quads, std::string_view section) {
  std::string out;
  for (auto&& row : method.rows(quads)) {
    if (row.kind != pair_kind::through_pivot) continue;
    const prefilled<pivot_row> ask{row, section};
    CHECK(size_of(ask).trained == 0);
    append_text(out, ask);
  }
  return out;
}

}  // namespace

TEST_CASE("a prompt goes up to a header", "[prompt][prefilled]") {
  const plug method{.target = "zh"};
  const std::string asked = "<|user|>\n打个招呼。\n<|assistant|>\n";
  const std::string to_target =
      asked + "English instruction:\nSay hi.\n\nEnglish response:\nHi.\n\n中文回复：\n";
  CHECK(prompt_to(method, whole, "y_t") == to_target);
  CHECK(prompt_to(method, unanswered, "y_t") == to_target);
  CHECK(prompt_to(method, whole, "y_p") == asked + "English instruction:\nSay hi.\n\nEnglish response:\n");
  CHECK(prompt_to(method, whole, "x_p") == asked + "English instruction:\n");
  CHECK(prompt_to(method, whole, "no such") == to_target + "你好。</s>");
  CHECK(prompt_to(taco(*taco_target("zh")), whole, "y_t").ends_with("\nResponse in Chinese: "));
  CHECK(prompt_to(taco(*taco_target("zh", taco_form::headings), taco_form::headings), unanswered, "y_t")
            .ends_with("\nHi.\n\n### Response in Chinese:\n"));
}

TEST_CASE("what a model writes on is the section", "[prompt][prefilled]") {
  const plug method{.target = "zh"};
  const grammar<3> g = plug_grammar("en", "zh");
  const auto rows = method.rows(whole);
  const pivot_row row = *++rows.begin();
  const std::string text = text_of(row);
  const std::string_view sections[] = {"x_p", "y_p", "y_t"};
  for (std::size_t s = 0; s < 3; ++s) {
    const std::string ask = text_of(prefilled<pivot_row>{row, sections[s]});
    REQUIRE(text.starts_with(ask));
    std::string_view output = std::string_view(text).substr(ask.size());
    output.remove_suffix(4);  // </s>
    for (const matching level : {matching::exact, matching::nfc}) {
      const auto read = parse_sections(g, output, level, s);
      const std::string_view contents[] = {whole[0].x_p, whole[0].y_p, whole[0].y_t};
      for (std::size_t i = s; i < 3; ++i) CHECK(read.content(i) == contents[i]);
      for (std::size_t i = 0; i < s; ++i) CHECK_FALSE(read.content(i));
    }
  }
  const auto cost = pivot_cost_of(row, lagom::byte_counter{});
  REQUIRE(cost);
  const std::size_t prompt = text_of(prefilled<pivot_row>{row, "y_t"}).size();
  CHECK(cost->asked.tokens + cost->pivot.tokens == prompt);
  CHECK(cost->seconds_prefilled(1000) == Approx(static_cast<double>(prompt) / 1000));
  CHECK(cost->seconds_prefilled(0) == 0);
}
