// SPDX-License-Identifier: MIT
// CrossIn, LEIA and Bactrian-X: their worked samples.
#include <lagom/prompt/crossin.hpp>
#include <lagom/prompt/leia.hpp>
#include <lagom/prompt/parse_sections.hpp>

#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace lagom::prompt;
using lagom::philox;

namespace {

template <class P>
std::vector<span> untrained(const P& pieces) {
  std::vector<span> out;
  for_each_run(pieces, [](const segment& s) { return !s.trained; }, [&](span s) { out.push_back(s); });
  return out;
}

}  // namespace

TEST_CASE("CrossIn's three rows of a draw", "[prompt][crossin]") {
  const instruction_row en{"1", "Add.", "", "2"}, zh{"1", "相加。", "", "二"};
  const crossin method{.target = "zh", .tag_t = "\n[zh]"};
  const std::string with_input = std::string(alpaca_words{}.preamble_input) + "### Instruction:\n";
  CHECK(text_of(method.row(0, en, zh)) == with_input + "Add.\n\n### Input:\n\n[zh]\n\n### Response:\n二");
  CHECK(text_of(method.row(1, en, zh)) == with_input + "相加。\n\n### Input:\n\n[en]\n\n### Response:\n2");
  CHECK(text_of(method.row(2, en, zh)) ==
        with_input +
            "Translate the following sentence into English.\n\n### Input:\n相加。"
            "\n\n### Response:\nAdd.");
  alpaca_row asked = method.row(0, en, zh);
  asked.answered = false;
  CHECK(text_of(method.row(0, en, zh)).starts_with(text_of(asked)));
  CHECK(text_of(asked).ends_with("### Response:"));
  std::size_t first = 0, second = 0;
  for (std::uint64_t d = 0; d < 3000; ++d) {
    const crossin_draw draw = draw_crossin(philox{9}, d, 4, 3);
    CHECK((draw.row < 4 && draw.language < 3));
    first += draw.row == 0 ? 1u : 0u;
    second += draw.language == 2 ? 1u : 0u;
  }
  CHECK((first > 650 && first < 850));
  CHECK((second > 900 && second < 1100));
}

TEST_CASE("LEIA's names beside, before or instead of entities", "[prompt][leia]") {
  const std::vector<entity_anchor> anchors{{0, 6, "Kyoto"}, {9, 15, "Japan"}};
  leia_text text{"京都は日本の都市。", anchors};
  CHECK(text_of(text) == "京都<translate>Kyoto</translate>は日本<translate>Japan</translate>の都市。");
  CHECK(text_of(text).size() == 83);
  CHECK(untrained(text) == std::vector<span>{{6, 17}, {22, 34}, {43, 54}, {59, 71}});
  text.side = name_side::left;
  CHECK(text_of(text) == "<translate>Kyoto</translate>京都は<translate>Japan</translate>日本の都市。");
  CHECK(untrained(text) == std::vector<span>{{0, 11}, {16, 28}, {37, 48}, {53, 65}});
  text.side = name_side::replace;
  CHECK(text_of(text).size() == 71);
  CHECK(untrained(text) == std::vector<span>{{0, 11}, {16, 28}, {31, 42}, {47, 59}});
  text.side = name_side::none;
  CHECK(text_of(text) == text.text);
  text.side = name_side::right;
  text.train_names = false;
  CHECK(untrained(text) == std::vector<span>{{6, 34}, {43, 71}});
  CHECK(text_of(leia_text{}).empty());

  std::size_t kept = 0, again = 0;
  for (std::uint64_t i = 0; i < 4000; ++i) {
    kept += keeps_anchor(philox{2}, 1, 0, i) ? 1u : 0u;
    again += keeps_anchor(philox{2}, 1, 0, i) != keeps_anchor(philox{2}, 1, 1, i) ? 1u : 0u;
  }
  CHECK((kept > 1900 && kept < 2100));
  CHECK((again > 1900 && again < 2100));
  CHECK(plain_title("Mercury (planet)") == "Mercury");
  CHECK(plain_title("Kyoto") == "Kyoto");
  CHECK_FALSE(is_article_title("List of cities"));
  CHECK_FALSE(is_article_title("File:A.png"));
  CHECK(is_article_title("Kyoto"));
}

TEST_CASE("Alpaca's output follows its heading at once", "[prompt][alpaca]") {
  const alpaca_row row{.instruction = "Add 1 and 1.", .output = "2"};
  CHECK(text_of(row) ==
        std::string(alpaca_words{}.preamble) + "### Instruction:\nAdd 1 and 1.\n\n### Response:2");
}

TEST_CASE("Bactrian-X's answers are read whole", "[prompt][bactrian]") {
  const alpaca_row row{
      .instruction = "Say hi.", .input = "In Greek.", .output = "Γεια.", .words = bactrian_words};
  CHECK(text_of(row) == "### Input:\nSay hi.\n\nIn Greek.\n\n### Output:\nΓεια.");
  const std::string text = text_of(row);
  CHECK(parse_sections(bactrian_grammar, text).content(1) == "Γεια.");
  const std::string twice = text + "\n\n### Output:\nagain";
  const auto parsed = parse_sections(bactrian_grammar, twice);
  CHECK(parsed.code() == parse_code::ok);
  CHECK(parsed.content(1) == "Γεια.\n\n### Output:\nagain");
  CHECK(parse_sections(bactrian_grammar, twice, matching::exact).content(1) == parsed.content(1));
  CHECK(parse_sections(bactrian_grammar, "### Input:\nSay hi.").code() == parse_code::missing_target);
}
