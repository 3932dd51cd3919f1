// SPDX-License-Identifier: MIT
// Answers as models spoil them: what the reader says while it reads, at every cut, and what it may never say.
#include <lagom/core/random.hpp>
#include <lagom/prompt/free_fields.hpp>
#include <lagom/prompt/plug.hpp>

#include <string>
#include <type_traits>
#include <vector>

#include "support/catch.hpp"

using namespace lagom::prompt;
using lagom::philox;

namespace {

constexpr grammar<3> zh = plug_grammar("en", "zh");
constexpr grammar<3> closed = [] {
  grammar<3> g = zh;
  g.closing = " </END>";
  return g;
}();
const std::string clean = "English instruction:\nSay hi.\n\nEnglish response:\nHi.\n\n中文回复：\n你好。";
constexpr auto ignore = [](const section_event&) {};

// A grammar is read at compile time.
constexpr std::size_t answer_bytes(std::string_view text) {
  exact_reader<3> reader(zh);
  reader.feed(text, [](const section_event&) {});
  reader.finish([](const section_event&) {});
  return reader.found().sections[2].content.size();
}
static_assert(answer_bytes("English instruction:\na\n\nEnglish response:\nb\n\n中文回复：\ncde") == 3);
static_assert(!collides(zh, {"a", "b", "c"}, matching::nfc));
static_assert(collides(zh, {"a\n\n中文回复：\n", "b", "c"}, matching::nfc)->section == 0);

// What would see a grammar that is gone does not compile.
static_assert(std::is_constructible_v<tolerant_reader<3>, const grammar<3>&>);
static_assert(!std::is_constructible_v<tolerant_reader<3>, grammar<3>>);
static_assert(!std::is_constructible_v<exact_reader<3>, grammar<3>>);

template <class Reader>
std::vector<std::string> events(Reader reader, std::string_view text, std::size_t step) {
  std::vector<std::string> out{""};
  const auto sink = [&](const section_event& e) {
    if (e.what == section_event::kind::chunk) out.back() += e.text;
    if (e.what == section_event::kind::open) out.push_back(std::to_string(e.section) + ":");
    if (e.what == section_event::kind::close) out.emplace_back(".");
  };
  for (std::size_t at = 0; at < text.size(); at += step) reader.feed(text.substr(at, step), sink);
  reader.finish(sink);
  return out;
}

}  // namespace

TEST_CASE("white space without end is kept back within bounds", "[prompt][stream]") {
  // A beginning of a header with blanks after it, which is none, then lines without end.
  for (const std::size_t blanks : std::initializer_list<std::size_t>{0, 60, 64, 65, 150, 170, 300}) {
    for (const std::size_t lines : std::initializer_list<std::size_t>{0, 1, 63, 64, 65, 400}) {
      const std::string text =
          "English instruction" + std::string(blanks, ' ') + std::string(lines, '\n') + "x";
      for (const matching level : {matching::width, matching::letter_case}) {
        const auto parsed = parse_sections(zh, text, level);
        CHECK(parsed.preamble() == text);
        CHECK(events(tolerant_reader<3>(zh, level), text, 1) == std::vector<std::string>{text});
      }
    }
  }
}

TEST_CASE("an answer is over when its header comes again", "[prompt][stream]") {
  tolerant_reader<3> reader(zh);
  CHECK(reader.feed(clean, ignore) == verdict::target_open);
  CHECK(reader.feed("\n\n中文回复：\n您", ignore) == verdict::done);
  CHECK(reader.finish(ignore) == verdict::done);
}

TEST_CASE("what can still be reached is never called unreachable", "[prompt][stream]") {
  const grammar<3> tr = plug_grammar("en", "tr"), vi = plug_grammar("en", "vi"),
                   ko = plug_grammar("en", "ko");
  struct sample {
    const grammar<3>* g;
    matching level;
    std::string head;
  };
  const sample samples[] = {{&zh, matching::width, "中文回复："},
                            {&zh, matching::width, "中文回复:"},
                            {&zh, matching::width, "中文回复 :"},
                            {&tr, matching::letter_case, "TÜRKÇE YANIT:"},
                            {&tr, matching::letter_case, "türkçe yanit:"},
                            {&tr, matching::nfc, std::string(tr.sections[2].header.decomposed)},
                            {&vi, matching::letter_case, "CÂU TRẢ LỜI TIẾNG VIỆT:"},
                            {&ko, matching::nfc, std::string(ko.sections[2].header.text)},
                            {&ko, matching::nfc, std::string(ko.sections[2].header.decomposed)}};
  for (const sample& s : samples) {
    for (const std::string& before : {std::string(), std::string("English instruction:\nSay hi.\n\n")}) {
      const std::string text = before + s.head;
      REQUIRE(parse_sections(*s.g, text, s.level).found.sections[2].count == 1);
      for (const std::size_t spare : std::initializer_list<std::size_t>{0, 1, 7}) {
        for (const std::size_t step : std::initializer_list<std::size_t>{1, 5, 1000}) {
          tolerant_reader<3> reader(*s.g, s.level, text.size() + spare);
          for (std::size_t at = 0; at < text.size(); at += step)
            CHECK(reader.feed(std::string_view(text).substr(at, step), ignore) == verdict::need_more);
          CHECK(reader.finish(ignore) == verdict::done);
        }
      }
    }
  }
  // And what cannot be reached is called so as soon as the bytes left are fewer than any spelling takes.
  tolerant_reader<3> reader(zh, matching::width, 40);
  CHECK(reader.feed("English instruction:\nSay hi", ignore) == verdict::need_more);
  CHECK(reader.feed("!", ignore) == verdict::unreachable);
}

TEST_CASE("what the prompt has begun goes on as content", "[prompt][parse]") {
  const std::string text = "English response:\nis a heading.";
  const auto exact = parse_sections(zh, text, matching::exact, 2);
  CHECK(exact.content(2) == text);  // without a separator it is no header
  CHECK_FALSE(exact.content(1));
  CHECK(parse_sections(zh, "你好。", matching::nfc, 2).code() == parse_code::ok);
  CHECK(parse_sections(zh, "Hi.\n\n中文回复：\n你好。", matching::nfc, 1).code() == parse_code::ok);
  CHECK(parse_sections(zh, "Say hi.\n\n中文回复：\n你好。", matching::nfc, 0).result ==
        judgement{parse_code::missing_section, 1});
  grammar<3> lines = zh;
  lines.header_end = " ";
  CHECK(parse_sections(lines, "English response: no header\n\n中文回复： 好", matching::nfc, 1).content(1) ==
        "English response: no header");
}

TEST_CASE("a result names the section that it is about", "[prompt][parse]") {
  CHECK(parse_sections(zh, "English instruction:\na\n\n中文回复：\n你好\n\nEnglish response:\nb").result ==
        judgement{parse_code::out_of_order, 1});
  CHECK(parse_sections(zh, "English inst").result == judgement{parse_code::truncated, 2});
  grammar<3> g = zh;
  g.sections[0].optional = true;
  CHECK(parse_sections(g, "English instruction:\na\n\n中文回复：\n你好").result ==
        judgement{parse_code::monolingual, 1});
  CHECK(parse_sections(zh, "English instruction:\na\n\n中文回复：\n你好").result ==
        judgement{parse_code::missing_section, 1});
}

TEST_CASE("an answer whose script says nothing is told from one in the right script", "[prompt][parse]") {
  const grammar<3> it = plug_grammar("en", "it");
  CHECK(parse_sections(zh, clean).script == script_check::right);
  const std::string digits = clean.substr(0, clean.find("你")) + "42";
  CHECK(parse_sections(zh, digits).script == script_check::unchecked);
  CHECK(parse_sections(zh, digits).code() == parse_code::ok);
  const std::string latin = "English instruction:\na\n\nEnglish response:\nb\n\nRisposta in italiano:\nCiao.";
  CHECK(parse_sections(it, latin).script == script_check::unchecked);
  CHECK(target_script(zh, "Hello.") == script_check::wrong);
}

TEST_CASE("letters in other cases and widths are one header, and are named", "[prompt][match]") {
  const auto tolerated = [](const char* tag, std::string_view head) {
    const grammar<3> g = plug_grammar("en", tag);
    const std::string text = std::string(head) + "\nx";
    const auto parsed = parse_sections(g, text, matching::letter_case);
    CHECK(parsed.content(2) == "x");
    return parsed.found.sections[2].tolerated;
  };
  CHECK(tolerated("vi", "CÂU TRẢ LỜI TIẾNG VIỆT:") == deviation::letter_case);
  CHECK(tolerated("tr", "TÜRKÇE YANIT:") == deviation::letter_case);
  CHECK(tolerated("el", "ΑΠΆΝΤΗΣΗ ΣΤΑ ΕΛΛΗΝΙΚΆ:") == deviation::letter_case);
  CHECK(tolerated("ru", "ОТВЕТ НА РУССКОМ:") == deviation::letter_case);
  CHECK(tolerated("sw", "Ｊibu kwa Kiswahili:") == deviation::width);
  CHECK(tolerated("sw", "ｊibu kwa Kiswahili:") == (deviation::width | deviation::letter_case));
  CHECK(tolerated("sw", "  Jibu kwa Kiswahili:") == deviation::indent);
  CHECK(tolerated("sw", "\n\t Jibu kwa Kiswahili:") == deviation::indent);
  CHECK(tolerated("sw", "  \nJibu kwa Kiswahili:") == deviation::none);
}

TEST_CASE("bytes that are no text are content, and no header that was cut", "[prompt][parse]") {
  for (const std::string& tail :
       {std::string("\xFF"), std::string("\x80"), std::string("\xC3"), std::string(1, '\0'),
        std::string("\xE4\xB9"), std::string("\xF0\x9F\x98")}) {
    const std::string text = "English instruction:\nhi\n" + tail;
    const auto parsed = parse_sections(zh, text);
    CHECK(parsed.code() == parse_code::missing_target);
    CHECK(parsed.content(0) == "hi\n" + tail);
  }
  for (const std::string_view begun :
       {"\xE4", "\xE4\xB8", "中\xE6", "中文回复\xEF\xBC", "中文回复\xEF\xB9", "中文回复\xC2"}) {
    const std::string text = "English instruction:\nhi\n" + std::string(begun);
    CHECK(parse_sections(zh, text).code() == parse_code::truncated);
  }
}

TEST_CASE("a closing mark ends an answer at every level, wherever the stream is cut", "[prompt][closing]") {
  for (const std::string_view mark : {" </END>", "\n</END>", "</END>", "\n\n<end of text>\n"}) {
    grammar<3> g = zh;
    g.closing = mark;
    REQUIRE(scannable(g));
    const fields<3> x{"Say <hi> </EN.", "Hi < there", "你好 <"};
    const std::string built = text_of(sectioned<3>{&g, x});
    for (const matching level : {matching::exact, matching::nfc}) {
      CHECK_FALSE(collides(g, x, level));
      for (const std::string& after : {std::string(), std::string("  more\n\nEnglish response:\nagain")}) {
        const std::string text = built + after;
        const auto parsed = parse_sections(g, text, level);
        CHECK(parsed.found.closed);
        CHECK(parsed.content(2) == "你好 <");
        if (after.empty()) CHECK(parsed.code() == parse_code::ok);
        const auto whole = level == matching::exact ? events(exact_reader<3>(g), text, 1000)
                                                    : events(tolerant_reader<3>(g, level), text, 1000);
        for (std::size_t step = 1; step < 9; ++step) {
          CHECK((level == matching::exact ? events(exact_reader<3>(g), text, step)
                                          : events(tolerant_reader<3>(g, level), text, step)) == whole);
        }
      }
    }
  }
  tolerant_reader<3> reader(closed);
  CHECK(reader.feed(clean, ignore) == verdict::target_open);
  CHECK(reader.feed("\n</EN", ignore) == verdict::target_open);
  CHECK(reader.feed("D>", ignore) == verdict::done);
  CHECK(parse_sections(closed, clean + "  \n</END>").content(2) == "你好。");
  grammar<3> clash = zh;
  clash.closing = "\n";  // separators begin with it
  CHECK_FALSE(scannable(clash));
  clash.closing = "English";
  CHECK_FALSE(scannable(clash));
  clash = zh;
  clash.target = 3;
  CHECK_FALSE(scannable(clash));
}

TEST_CASE("white space at the ends of contents is no collision", "[prompt][collides]") {
  CHECK_FALSE(collides(zh, {"a\n", " y\t", "\nz\n\n"}, matching::nfc));
  CHECK_FALSE(collides(zh, {"", "  ", "z"}, matching::nfc));
  CHECK(collides(zh, {"a\n", "y\n\n", "z\n中文回复："}, matching::nfc) == collision{2, 1});
}

TEST_CASE("collisions are where the text is not read back, and nowhere else", "[prompt][collides]") {
  const std::vector<std::string> parts = {
      "a",      " ",  "\n", "\n\n", "English response:\n", "中文回复：\n", "</END>", "</E",
      " </END", "你", "\t", "<"};
  const philox random{11};
  std::uint64_t draw = 0;
  std::size_t free = 0, hit = 0;
  for (int round = 0; round < 6000; ++round) {
    std::array<std::string, 3> texts;
    for (std::string& t : texts) {
      for (auto n = random.below(4, 1, draw++); n > 0; --n) t += parts[random.below(parts.size(), 1, draw++)];
    }
    const fields<3> x{texts[0], texts[1], texts[2]};
    const std::string text = text_of(sectioned<3>{&closed, x});
    for (const matching level : {matching::exact, matching::nfc}) {
      const auto parsed = parse_sections(closed, text, level);
      bool same = parsed.found.closed && parsed.preamble().empty();
      for (std::size_t i = 0; i < 3; ++i) {
        const std::string_view want =
            level == matching::exact ? std::string_view(texts[i]) : trimmed(texts[i]);
        same = same && parsed.content(i) == want && parsed.found.sections[i].count == 1;
      }
      const auto where = collides(closed, x, level);
      CHECK(where.has_value() != same);
      (where ? hit : free) += 1;
      if (where) CHECK(where->offset <= texts[where->section].size());
      std::array<std::string, 3> spare;
      const auto quoted = free_fields(closed, x, level, on_collision::escape, spare);
      if (quoted) CHECK_FALSE(collides(closed, quoted.texts, level));
    }
  }
  CHECK(free > 2000);
  CHECK(hit > 2000);
}

TEST_CASE("an answer is never left out", "[prompt][collides]") {
  std::array<std::string, 3> spare;
  const fields<3> texts{"a\n\n中文回复：\nb", "b", "x\n\n中文回复：\nb"};
  const auto freed = free_fields(zh, texts, matching::nfc, on_collision::drop, spare);
  CHECK_FALSE(freed);
  CHECK(freed.left == collision{2, 1});
  CHECK((!freed.texts[0] && freed.texts[2] == texts[2]));
}

TEST_CASE("a mark that begins within a refused header closes all the same", "[prompt][closing]") {
  grammar<3> g = zh;
  g.target_to_end = true;
  g.closing = "\n</END>";
  const std::string text = clean + "\n\n中文回复：\n</END>";
  for (const matching level : {matching::exact, matching::nfc}) {
    const auto parsed = parse_sections(g, text, level);
    CHECK(parsed.found.closed);
    CHECK(parsed.content(2) == "你好。\n\n中文回复：");
  }
}

TEST_CASE("first bytes of a mark that is not there take linear time", "[prompt][closing]") {
  grammar<3> g = zh;
  g.closing = "<end>";
  const std::string text = clean + std::string(std::size_t{4} << 20, '<');
  for (const matching level : {matching::exact, matching::nfc}) {
    const auto parsed = parse_sections(g, text, level);
    CHECK(parsed.content(2)->size() == text.size() - parsed.found.sections[2].content.begin);
  }
}
