// SPDX-License-Identifier: MIT
// Defects of released readers and builders under their own names, beside what is right.
#include <lagom/prompt/lmops_replace.hpp>
#include <lagom/prompt/plug.hpp>
#include <lagom/prompt/plug_first_hit.hpp>
#include <lagom/prompt/read_pairs.hpp>
#include <lagom/prompt/template_text.hpp>

#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace lagom::prompt;
using compat::plug_answer;
using compat::plug_code;
using compat::plug_first_hit;

TEST_CASE("what PLUG's released reader makes of spoiled outputs", "[prompt][compat]") {
  constexpr grammar<3> zh = plug_grammar("en", "zh");
  const std::string_view header = zh.sections[2].header.text;
  const std::string pivot = "English instruction:\nSay hi.\n\nEnglish response:\nHi.",
                    section = "中文回复：\n你好。", clean = pivot + "\n\n" + section;
  struct sample {
    std::string output;
    std::pair<plug_code, std::string> released;
    parse_code code;
    std::string_view answer;
  };
  const plug_answer none{};
  const std::pair<plug_code, std::string> lost{plug_code::not_found, ""};
  const sample samples[] = {
      {clean, {plug_code::ok, "你好。"}, parse_code::ok, "你好。"},
      {pivot + "\n\n中文回复:\n你好。", lost, parse_code::ok, "你好。"},
      {pivot + "\n\n中文回复 ：\n你好。", lost, parse_code::ok, "你好。"},
      {"English instruction:\nWrite 中文回复： first.\n\nEnglish response:\nUse 中文回复： as a "
       "label.\n\n中文回复：\n好的。",
       {plug_code::ok, "first.\n\nEnglish response:\nUse 中文回复： as a label.\n\n中文回复：\n好的。"},
       parse_code::ok,
       "好的。"},
      {pivot, lost, parse_code::missing_target, ""},
      {section, {plug_code::ok, "你好。"}, parse_code::monolingual, "你好。"},
      {section + "\n\n" + pivot, {plug_code::ok, "你好。\n\n" + pivot}, parse_code::out_of_order, "你好。"},
      {clean + "\n\n中文回复：\n您好。",
       {plug_code::ok, "你好。\n\n中文回复：\n您好。"},
       parse_code::duplicate_header,
       "你好。"},
      {pivot + "\n\n中文回复：\n", {plug_code::ok, ""}, parse_code::empty_section, ""},
      {pivot + "\n\n中文回复：\nHello there.",
       {plug_code::ok, "Hello there."},
       parse_code::wrong_script,
       "Hello there."},
      {"你好。", lost, parse_code::no_sections, ""},
      {"English instruction: Say hi.\nEnglish response: Hi.\n中文回复： 你好。",
       {plug_code::ok, "你好。"},
       parse_code::ok,
       "你好。"},
      {"English instruction:\r\nSay hi.\r\n\r\nEnglish response:\r\nHi.\r\n\r\n中文回复：\r\n你好。",
       {plug_code::ok, "你好。"},
       parse_code::ok,
       "你好。"},
      {pivot + "\n\n中文回", lost, parse_code::truncated, ""},
      {"English instruction:\nSay hi.\n\nenglish response:\nHi.\n\n中文回复：\n你好。",
       {plug_code::ok, "你好。"},
       parse_code::missing_section,
       "你好。"}};
  for (const sample& s : samples) {
    INFO(s.output);
    const plug_answer released = plug_first_hit(s.output, header);
    CHECK(released.code == s.released.first);
    CHECK(std::string(released.text) == s.released.second);
    const auto parsed = parse_sections(zh, s.output);
    CHECK(parsed.code() == s.code);
    CHECK(parsed.content(2).value_or("") == s.answer);
    const bool spelled = parsed.found.sections[2].tolerated != deviation::width &&
                         parsed.found.sections[2].tolerated != deviation::spaced_colon;
    if (spelled) CHECK(compat::plug_codes(s.code) == released.code);
  }
  const grammar<3> ko = plug_grammar("en", "ko");
  const std::string nfd = pivot + "\n\n" + std::string(ko.sections[2].header.decomposed) + "\n답.";
  CHECK(plug_first_hit(nfd, ko.sections[2].header.text) == none);
  CHECK(parse_sections(ko, nfd).code() == parse_code::ok);

  const std::string target_first = section + "\n\n" + pivot;
  CHECK(plug_first_hit(target_first, header, "English instruction:") == plug_answer{plug_code::ok, "你好。"});
  CHECK(plug_first_hit(section, header, "English instruction:") ==
        plug_answer{plug_code::monolingual, "你好。"});
  CHECK(plug_first_hit(pivot, header, "English instruction:") == none);
  CHECK(name_of(plug_code::not_found) == "not_found");
}

TEST_CASE("a slot in a question is overwritten where slots are replaced one after the other",
          "[prompt][compat]") {
  constexpr std::string_view pattern = "<QUE> {question} <ANS> {answer} </END>";
  const question_answer pair{"What does {answer} mean?", "a slot"};
  CHECK(compat::lmops_replace(pattern, pair) == "<QUE> What does a slot mean? <ANS> a slot </END>");
  CHECK(compat::lmops_replace(pattern, {"{question}", "{answer}"}) ==
        "<QUE> {question} <ANS> {answer} </END>");
  const std::vector<question_answer> pairs{pair};
  const std::vector<synthesized> examples{{"", pairs}};
  CHECK(text_of(synthesizer_sequence{examples}) ==
        "<s><QUE> What does {answer} mean? <ANS> a slot </END></s>");
}

TEST_CASE("the released pair reader strips as Python does", "[prompt][compat]") {
  std::string spare;
  std::vector<std::pair<std::string, std::string>> found;
  compat::lmops_parse("\u3000<QUE>\u00A0q\f <ANS>\u2003a\v</END>", spare,
                      [&](std::string_view q, std::string_view a) { found.emplace_back(q, a); });
  CHECK(found == std::vector<std::pair<std::string, std::string>>{{"q", "a"}});
}

TEST_CASE("marks that a format does not have are never found", "[prompt][read_pairs]") {
  std::size_t pairs = 0;
  const auto losses = read_pairs("<QUE> q <ANS> a </END>", [&](const question_answer&) { ++pairs; },
                                 {.context = {}, .end = {}});
  CHECK(pairs == 1);
  CHECK(losses.lost() == 0);
}
