// SPDX-License-Identifier: MIT
// PLUG's rows: the worked sample to the byte, the five methods, the masks.
#include <lagom/prompt/plug.hpp>

#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/crc32.hpp"

using namespace lagom::prompt;

namespace {

const std::vector<quad> rainbow{{"1", "Explain a rainbow in one sentence.",
                                 "Sunlight bends and splits inside raindrops.", "用一句话解释彩虹。",
                                 "阳光在雨滴中折射并散开成七色。"}};

std::vector<span> trained(const pivot_row& row) {
  std::vector<span> out;
  for (const span& s : row.trained()) out.push_back(s);
  std::vector<span> visited;
  for_each_trained(row, [&](span s) { visited.push_back(s); });
  CHECK(out == visited);
  return out;
}

}  // namespace

TEST_CASE("the worked sample of PLUG, to the byte", "[prompt][plug]") {
  const plug method{.pivot = "en", .target = "zh", .system = "Think in English, answer in Chinese."};
  std::vector<pair_kind> kinds;
  for (auto&& row : method.rows(rainbow)) {
    kinds.push_back(row.kind);
    if (row.kind != pair_kind::through_pivot) continue;
    const std::string text = text_of(row);
    CHECK(text ==
          "<|system|>\nThink in English, answer in Chinese.\n<|user|>\n用一句话解释彩虹。\n<|assistant|>\n"
          "English instruction:\nExplain a rainbow in one sentence.\n\nEnglish response:\nSunlight bends and "
          "splits "
          "inside raindrops.\n\n中文回复：\n阳光在雨滴中折射并散开成七色。</s>");
    CHECK(text.size() == 284);
    CHECK(test::crc32(text) == 0xb3d0d9af);
    CHECK(text_of(row.question()) == text.substr(0, 99));
    CHECK(trained(row) == std::vector<span>{{99, 284}});
    CHECK(row.complete());
    CHECK(row.id == "1");

    struct place {
      span at;
      std::string_view section, language;
      origin from;
    };
    std::vector<place> contents;
    for_each_span(row, [&](span at, const segment& s) {
      if (s.origin == origin::content) contents.push_back({at, s.section, s.language, s.origin});
    });
    REQUIRE(contents.size() == 5);
    CHECK(contents[0].at == span{11, 47});
    CHECK(contents[1].at == span{57, 84});
    CHECK(contents[1].language == "zh");
    CHECK(contents[2].at == span{120, 154});
    CHECK(contents[2].section == "x_p");
    CHECK(contents[3].at == span{174, 217});
    CHECK(contents[3].language == "en");
    CHECK(contents[4].at == span{235, 280});
    CHECK(contents[4].section == "y_t");
  }
  CHECK(kinds == std::vector<pair_kind>{pair_kind::p_to_p, pair_kind::through_pivot});
}

TEST_CASE("what of an answer is trained", "[prompt][plug]") {
  plug method{.pivot = "en", .target = "zh", .system = "Think in English, answer in Chinese."};
  const auto spans = [&](trained_part part) {
    method.trained = part;
    const auto rows = method.rows(rainbow);
    return trained(*++rows.begin());
  };
  CHECK(spans(trained_part::target) == std::vector<span>{{235, 284}});
  CHECK(spans(trained_part::target_with_header) == std::vector<span>{{219, 284}});
  CHECK(spans(trained_part::content) == std::vector<span>{{120, 154}, {174, 217}, {235, 280}});
  CHECK(spans(trained_part::none).empty());
}

TEST_CASE("the five methods make their rows of a quad", "[prompt][plug]") {
  const std::vector<quad> quads{{"7", "xp", "yp", "xt", "yt"}, {"8", "XP", "YP", "XT", ""}};
  const auto texts = [&](const auto& method) {
    std::vector<std::string> out;
    for (auto&& row : method.rows(quads)) out.push_back(text_of(row));
    CHECK(out.size() == method.count(quads.size()));
    out.resize(method.count(1));
    return out;
  };
  const auto row = [](std::string_view x, std::string_view y) {
    return "<|user|>\n" + std::string(x) + "\n<|assistant|>\n" + std::string(y) + "</s>";
  };
  CHECK(texts(pivot_only{.target = "ko"}) == std::vector{row("xp", "yp")});
  CHECK(texts(mono{.target = "ko"}) == std::vector{row("xp", "yp"), row("xt", "yt")});
  CHECK(texts(code_switch{.target = "ko"}) ==
        std::vector{row("xp", "yp"), row("xt", "yt"), row("xp", "yt"), row("xt", "yp")});
  CHECK(texts(aux_translation{.target = "ko", .translate = "In Korean, please:", .translate_joint = " "}) ==
        std::vector{row("xp", "yp"), row("xt", "yt"), row("In Korean, please: xp", "xt"),
                    row("In Korean, please: yp", "yt")});
  CHECK(texts(plug{.target = "ko"}) ==
        std::vector{row("xp", "yp"),
                    row("xt", "English instruction:\nxp\n\nEnglish response:\nyp\n\n한국어 응답:\nyt")});
  CHECK(code_switch::count(52000) == 208000);

  std::size_t whole = 0;
  for (auto&& r : code_switch{.target = "ko"}.rows(quads)) whole += r.complete() ? 1u : 0u;
  CHECK(whole == 6);
}

TEST_CASE("the line feed is the model's to write where tokenizers merge it", "[prompt][plug]") {
  const plug method{.target = "zh", .style = plug_style_lead};
  const auto rows = method.rows(rainbow);
  const pivot_row row = *++rows.begin();
  const std::string asked = text_of(row.question());
  CHECK(asked.substr(asked.size() - 13) == "<|assistant|>");
  CHECK(trained(row) == std::vector<span>{{asked.size(), text_of(row).size()}});
}

TEST_CASE("headers are as long as the published ones", "[prompt][language]") {
  const auto bytes = [](std::string_view tag) {
    const header h = find_language(tag)->response;
    return std::pair{h.text.size(), h.decomposed.empty() ? h.text.size() : h.decomposed.size()};
  };
  CHECK(bytes("en") == std::pair<std::size_t, std::size_t>{17, 17});
  CHECK(bytes("zh") == std::pair<std::size_t, std::size_t>{15, 15});
  CHECK(bytes("it") == std::pair<std::size_t, std::size_t>{21, 21});
  CHECK(bytes("es") == std::pair<std::size_t, std::size_t>{22, 23});
  CHECK(bytes("ko") == std::pair<std::size_t, std::size_t>{17, 44});
  CHECK_FALSE(find_language("xx"));
}

TEST_CASE("languages are told apart by what they are for, not by their tags", "[prompt][plug]") {
  const std::vector<quad> quads{{"1", "xp", "yp", "xt", "yt"}};
  const language easy{"en", "Easy English", {"I:"}, {"R:"}};
  const mono method{.pivot = "en", .target = easy, .pivot_system = "P", .target_system = "T"};
  std::vector<std::string> texts;
  for (auto&& row : method.rows(quads)) texts.push_back(text_of(row));
  CHECK(texts == std::vector<std::string>{"<|system|>\nP\n<|user|>\nxp\n<|assistant|>\nyp</s>",
                                          "<|system|>\nT\n<|user|>\nxt\n<|assistant|>\nyt</s>"});
}

TEST_CASE("a closing mark is trained with the answer that it ends", "[prompt][plug]") {
  grammar<3> g = plug_grammar("en", "zh");
  g.closing = " </END>";
  const auto trains_closing = [&](trained_part part) {
    bool out = false;
    for_each_segment(sectioned<3>{&g, {"a", "b", "c"}, part},
                     [&](const segment& s) { out = out || (s.text == g.closing && s.trained); });
    return out;
  };
  for (const trained_part part :
       {trained_part::all, trained_part::target, trained_part::target_with_header}) {
    CHECK(trains_closing(part));
    CHECK(trains_end(part));
  }
  CHECK_FALSE(trains_closing(trained_part::content));
  CHECK_FALSE(trains_closing(trained_part::none));
}

namespace {
// Ranges see their row: those of a row that is gone do not compile.
template <class Row>
concept has_ranges = requires(Row&& row) {
  { static_cast<Row&&>(row).segments().begin() };
  { static_cast<Row&&>(row).trained().begin() };
};
static_assert(has_ranges<const pivot_row&> && has_ranges<pivot_row&>);
static_assert(!has_ranges<pivot_row> && !has_ranges<const pivot_row>);
}  // namespace
