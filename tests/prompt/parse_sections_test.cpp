// SPDX-License-Identifier: MIT
// Answers in sections, read whole and while they are generated.
#include <lagom/core/random.hpp>
#include <lagom/prompt/free_fields.hpp>
#include <lagom/prompt/plug.hpp>

#include <string>
#include <vector>

#include "support/catch.hpp"

using namespace lagom::prompt;
using lagom::philox;

namespace {

constexpr grammar<3> zh = plug_grammar("en", "zh");
constexpr grammar<3> es = plug_grammar("en", "es");
constexpr grammar<3> ko = plug_grammar("en", "ko");
static_assert(scannable(zh) && scannable(es) && scannable(ko));

const std::string clean = "English instruction:\nSay hi.\n\nEnglish response:\nHi.\n\n中文回复：\n你好。";

std::string with(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

struct outcome {
  parse_code code;
  std::string answer;
  friend bool operator==(const outcome&, const outcome&) = default;
};
std::ostream& operator<<(std::ostream& out, const outcome& o) {
  return out << name_of(o.code) << " [" << o.answer << "]";
}
outcome read(std::string_view text, matching level = matching::nfc, const grammar<3>& g = zh) {
  const auto parsed = parse_sections(g, text, level);
  return {parsed.code(), std::string(parsed.content(2).value_or("-"))};
}

// A grammar's exact parse by searching, written without the scanner: the oracle of round trips.
fields<3> search(const grammar<3>& g, std::string_view text) {
  fields<3> out{};
  std::size_t open = 3, begin = 0, at = 0;
  const auto close = [&](std::size_t end) {
    if (open < 3 && !out[open]) out[open] = text.substr(begin, end - begin);
  };
  while (at < text.size()) {
    bool found = false;
    for (std::size_t s = 0; s < 3 && !found; ++s) {
      const std::string head = std::string(g.sections[s].header.text) + std::string(g.header_end);
      for (const std::string& d : {std::string(g.separator) + head, head}) {
        if ((d == head && at > 0) || text.substr(at, d.size()) != d) continue;
        close(at);
        open = s;
        begin = at = at + d.size();
        found = true;
        break;
      }
    }
    if (!found) ++at;
  }
  close(text.size());
  return out;
}

// Sections as a stream of events gives them, fed in the pieces that `cut` says.
template <class Reader, class Cut>
std::vector<std::string> streamed(Reader reader, std::string_view text, Cut cut) {
  std::vector<std::string> out;
  const auto sink = [&](const section_event& e) {
    if (e.what == section_event::kind::open)
      out.push_back(std::to_string(e.section) + (e.repeated ? "r:" : ":"));
    if (e.what == section_event::kind::chunk) {
      if (out.empty()) out.push_back("pre:");
      out.back() += e.text;
    }
    if (e.what == section_event::kind::close) out.back() += '.';
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t n = cut(at);
    reader.feed(text.substr(at, n), sink);
    CHECK(reader.held() <= 255);
    at += n;
  }
  reader.finish(sink);
  return out;
}

}  // namespace

TEST_CASE("what models write of PLUG's sections", "[prompt][parse]") {
  CHECK(read(clean) == outcome{parse_code::ok, "你好。"});
  CHECK(read(with(clean, "：", ":")) == outcome{parse_code::ok, "你好。"});
  CHECK(read(with(clean, "中文回复：", "中文回复 ：")) == outcome{parse_code::ok, "你好。"});
  CHECK(
      read(
          "English instruction:\nWrite 中文回复： first.\n\nEnglish response:\nUse 中文回复： as a label.\n\n"
          "中文回复：\n好的。") == outcome{parse_code::ok, "好的。"});
  const std::string without = clean.substr(0, clean.find("\n\n中文"));
  CHECK(read(without) == outcome{parse_code::missing_target, "-"});
  CHECK(read("中文回复：\n你好。") == outcome{parse_code::monolingual, "你好。"});
  CHECK(read("中文回复：\n你好。\n\n" + without) == outcome{parse_code::out_of_order, "你好。"});
  CHECK(read(clean + "\n\n中文回复：\n您好。") == outcome{parse_code::duplicate_header, "你好。"});
  CHECK(read(with(clean, "你好。", "")) == outcome{parse_code::empty_section, ""});
  CHECK(read(with(clean, "\n你好。", "")) == outcome{parse_code::empty_section, ""});
  CHECK(read(with(clean, "你好。", "Hello there.")) == outcome{parse_code::wrong_script, "Hello there."});
  CHECK(read("你好。") == outcome{parse_code::no_sections, "-"});
  CHECK(parse_sections(zh, "你好。").preamble() == "你好。");
  CHECK(read("") == outcome{parse_code::no_sections, "-"});
  CHECK(read("English instruction: Say hi.\nEnglish response: Hi.\n中文回复： 你好。") ==
        outcome{parse_code::ok, "你好。"});
  std::string windows;
  for (const char c : clean) windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
  CHECK(read(windows) == outcome{parse_code::ok, "你好。"});
  const std::string within = clean.substr(0, clean.find("复："));
  const auto cut = parse_sections(zh, within);
  CHECK(cut.code() == parse_code::truncated);
  CHECK(cut.content(1) == "Hi.");
  CHECK_FALSE(cut.content(2));
  const std::string small_text = with(clean, "English response:", "english response:");
  const auto small = parse_sections(zh, small_text);
  CHECK(small.result == judgement{parse_code::missing_section, 1});
  CHECK(small.content(2) == "你好。");
  CHECK(read(with(clean, "English response:", "english  RESPONSE:"), matching::letter_case) ==
        outcome{parse_code::ok, "你好。"});

  CHECK(read(with(clean, "：", ":"), matching::exact) == outcome{parse_code::missing_target, "-"});
  CHECK(
      read("English instruction: Say hi.\nEnglish response: Hi.\n中文回复： 你好。", matching::exact).code ==
      parse_code::no_sections);
  CHECK(read(windows, matching::exact).code == parse_code::no_sections);
}

TEST_CASE("decomposed text is read as it is", "[prompt][parse]") {
  const std::string nfd_es =
      "English instruction:\nSay hi.\n\nEnglish response:\nHi.\n\nRespuesta en espan\u0303ol:\nman\u0303ana";
  CHECK(read(nfd_es, matching::nfc, es) == outcome{parse_code::ok, "man\u0303ana"});
  CHECK(read(nfd_es, matching::width, es).code == parse_code::missing_target);
  const std::string nfd_ko = "English instruction:\nSay hi.\n\nEnglish response:\nHi.\n\n" +
                             std::string(ko.sections[2].header.decomposed) + "\n\u1112\u1161";
  CHECK(read(nfd_ko, matching::nfc, ko) == outcome{parse_code::ok, "\u1112\u1161"});
  CHECK(read(nfd_ko, matching::exact, ko).code == parse_code::missing_target);
  const auto parsed = parse_sections(ko, nfd_ko);
  CHECK(has(parsed.found.sections[2].tolerated, deviation::decomposed));
  CHECK_FALSE(has(parsed.found.sections[1].tolerated, deviation::decomposed));
}

TEST_CASE("every deviation is named", "[prompt][parse]") {
  const auto tolerated = [](std::string_view text, matching level = matching::letter_case) {
    return parse_sections(zh, text, level).found.sections[2].tolerated;
  };
  CHECK(tolerated(clean) == deviation::none);
  CHECK(tolerated(with(clean, "：", ":")) == deviation::width);
  CHECK(tolerated(with(clean, "复：", "复 ：")) == deviation::spaced_colon);
  CHECK(tolerated(with(clean, "：\n", "： ")) == deviation::header_end);
  CHECK(tolerated(with(clean, "\n\n中", "\n中")) == deviation::separator);
  CHECK(tolerated(with(clean, "\n\n中", "\n\n  中")) == (deviation::separator | deviation::indent));
}

TEST_CASE("a section may be there or not, and the prompt may have begun it", "[prompt][parse]") {
  grammar<3> g = zh;
  g.sections[0].optional = true;
  CHECK(read(clean.substr(clean.find("English response")), matching::nfc, g).code == parse_code::ok);
  const auto prefilled = parse_sections(zh, "你好。", matching::nfc, 2);
  CHECK(prefilled.content(2) == "你好。");
  CHECK(prefilled.code() == parse_code::ok);
}

TEST_CASE("TaCo's answers: indented labels, one line each", "[prompt][parse]") {
  const grammar<3> taco{
      .sections = {{{.name = "x_p", .language = "en", .header = {"Instruction in English:", {}}},
                    {.name = "y_p", .language = "en", .header = {"Response in English:", {}}},
                    {.name = "y_t", .language = "ne", .header = {"Response in Nepali:", {}}}}},
      .header_end = " ",
      .separator = "\n"};
  const std::string indent(24, ' ');
  const std::string text = "Instruction in English: Say hi..\n" + indent + "Response in English: Hi.. \n" +
                           indent + "Response in Nepali: नमस्ते।";
  const auto parsed = parse_sections(taco, text);
  CHECK(parsed.code() == parse_code::ok);
  CHECK(parsed.content(0) == "Say hi..");
  CHECK(parsed.content(1) == "Hi..");
  CHECK(parsed.content(2) == "नमस्ते।");
}

TEST_CASE("the worked stream: events, bytes kept back, verdicts", "[prompt][stream]") {
  struct step {
    std::string_view bytes;
    std::string events;
    std::size_t held;
    verdict now;
  };
  const step steps[] = {
      {"English inst", "", 12, verdict::need_more},
      {"ruction:\nSay", "+0 Say", 0, verdict::need_more},
      {" hi.\n", " hi.", 1, verdict::need_more},
      {"\nEngl", "", 6, verdict::need_more},
      {"and too.\n\nEnglish res", "\n\nEngland too.", 13, verdict::need_more},
      {"ponse:\nHi.\n\n中", "-0 +1 Hi.", 5, verdict::need_more},
      {"\xE6\x96", "", 7, verdict::need_more},
      {"\x87\xE5\x9B\x9E\xE5\xA4\x8D\xEF\xBC", "", 16, verdict::need_more},
      {"\x9A\n", "-1 +2 ", 0, verdict::target_open},
      {"\xE4\xBD", "", 2, verdict::target_open},
      {"\xA0\xE5\xA5\xBD\xE3\x80\x82", "你好。", 0, verdict::target_open},
  };
  exact_reader<3> reader(zh);
  std::string events;
  const auto sink = [&](const section_event& e) {
    switch (e.what) {
      case section_event::kind::open:
        events += "+" + std::to_string(e.section) + " ";
        break;
      case section_event::kind::chunk:
        events += e.text;
        break;
      case section_event::kind::close:
        events += "-" + std::to_string(e.section) + " ";
        break;
    }
  };
  for (const step& s : steps) {
    events.clear();
    CHECK(reader.feed(s.bytes, sink) == s.now);
    CHECK(events == s.events);
    CHECK(reader.held() == s.held);
  }
  events.clear();
  CHECK(reader.finish(sink) == verdict::done);
  CHECK(events == "-2 ");
}

TEST_CASE("the same sections wherever the stream is cut", "[prompt][stream]") {
  const std::string text =
      "English instruction:\nSay hi.\n\nEngland too.\n\nEnglish response:\nHi.\n\n中文回复：\n你好。";
  REQUIRE(text.size() == 92);
  const auto whole = [](std::size_t) { return std::size_t{1000}; };
  const auto bytewise = [](std::size_t) { return std::size_t{1}; };
  const auto check = [&](auto reader) {
    const auto expected = streamed(reader, text, whole);
    CHECK(expected.size() == 3);
    CHECK(streamed(reader, text, bytewise) == expected);
    for (std::size_t a = 1; a < text.size(); ++a) {
      for (std::size_t b = a; b < text.size(); ++b) {
        const auto got = streamed(reader, text, [&](std::size_t at) {
          return at < a ? a : at < b ? b - a : text.size();
        });
        if (got != expected) {
          FAIL("cut at " << a << " and " << b);
        }
      }
    }
  };
  check(exact_reader<3>(zh));
  check(tolerant_reader<3>(zh, matching::letter_case));
}

TEST_CASE("a budget that cannot suffice is said at once", "[prompt][stream]") {
  const auto sink = [](const section_event&) {};
  exact_reader<3> tight(zh, matching::exact, 40);
  CHECK(tight.feed("English instruction:\nSa", sink) == verdict::need_more);
  CHECK(tight.feed("y hi there", sink) == verdict::unreachable);
  tolerant_reader<3> open(zh, matching::nfc, 30);
  CHECK(open.feed("中文回复：\n你好", sink) == verdict::target_open);
  CHECK(open.feed("。。。", sink) == verdict::over_budget);
  exact_reader<3> none(zh);
  CHECK(none.feed("English", sink) == verdict::need_more);
  CHECK(none.finish(sink) == verdict::unreachable);
}

TEST_CASE("a header inside a content is a collision", "[prompt][collides]") {
  const fields<3> texts{"a\n\n中文回复：\nb", "y", "z"};
  CHECK(collides(zh, texts, matching::exact) == collision{0, 1});
  CHECK(collides(zh, texts, matching::nfc) == collision{0, 1});
  CHECK_FALSE(collides(zh, {"Write 中文回复： first.", "y", "z"}, matching::exact));
  CHECK_FALSE(collides(zh, {"Write 中文回复： first.", "y", "z"}, matching::nfc));
  CHECK(collides(zh, {"x", "中文回复: no", "z"}, matching::width) == collision{1, 0});
  CHECK_FALSE(collides(zh, {"x", "中文回复: no", "z"}, matching::exact));
}

TEST_CASE("what is built is read back, unless it collides", "[prompt][collides]") {
  const std::vector<std::string> parts = {"a",
                                          " ",
                                          "\n",
                                          "\n\n",
                                          "English instruction:",
                                          "English response:\n",
                                          "中文回复：",
                                          "中文回复:\n",
                                          "你",
                                          "：",
                                          "\r\n",
                                          "English ",
                                          "e\u0301",
                                          "\t"};
  const philox random{7};
  std::uint64_t draw = 0;
  std::size_t free = 0, hit = 0;
  for (int round = 0; round < 20000; ++round) {
    std::array<std::string, 3> texts;
    for (std::string& t : texts) {
      for (auto n = random.below(5, 1, draw++); n > 0; --n) t += parts[random.below(parts.size(), 1, draw++)];
    }
    const fields<3> x{texts[0], texts[1], texts[2]};
    const std::string text = text_of(sectioned<3>{&zh, x, trained_part::all});
    const bool exact_free = !collides(zh, x, matching::exact);
    CHECK(exact_free == (search(zh, text) == x));  // an oracle that shares no code with the scanner
    if (exact_free) CHECK(parse_sections(zh, text, matching::exact).fields() == x);
    for (const matching level : {matching::width, matching::nfc, matching::letter_case}) {
      const auto parsed = parse_sections(zh, text, level);
      const bool same = [&] {
        for (std::size_t i = 0; i < 3; ++i) {
          if (!parsed.content(i) || *parsed.content(i) != trimmed(texts[i])) return false;
        }
        return true;
      }();
      if (!collides(zh, x, level)) {
        CHECK(same);
        ++free;
      } else {
        ++hit;
      }
    }
  }
  CHECK(free > 10000);
  CHECK(hit > 10000);
}

TEST_CASE("contents that collide are refused, quoted or left out", "[prompt][collides]") {
  const fields<3> texts{"a\n\n中文回复：\nb", "say\n\nEnglish response:\nor\n\nEnglish instruction:\n.", "z"};
  std::array<std::string, 3> spare;
  for (const matching level : {matching::exact, matching::nfc}) {
    const auto refused = free_fields(zh, texts, level, on_collision::error, spare);
    CHECK_FALSE(refused);
    CHECK(refused.left == collision{0, 1});
    const auto quoted = free_fields(zh, texts, level, on_collision::escape, spare);
    REQUIRE(quoted);
    CHECK(quoted.changed == 3);
    CHECK(quoted.texts[0] == "a\n\n> 中文回复：\nb");
    const std::string text = text_of(sectioned<3>{&zh, quoted.texts});
    CHECK(parse_sections(zh, text, level).fields() == quoted.texts);
    const auto dropped = free_fields(zh, texts, level, on_collision::drop, spare);
    REQUIRE(dropped);
    CHECK((!dropped.texts[0] && !dropped.texts[1] && dropped.texts[2] == "z"));
  }
  const grammar<1> closed{.sections = {{{.name = "q", .language = {}, .header = {"<QUE>", {}}}}},
                          .header_end = " ",
                          .closing = " </END>"};
  std::array<std::string, 1> one;
  const fields<1> marked{"say </END> twice </END>"};
  CHECK(collides(closed, marked, matching::exact) == collision{0, 3});
  const auto broken = free_fields(closed, marked, matching::exact, on_collision::escape, one);
  REQUIRE(broken);
  CHECK(broken.texts[0] == "say </END > twice </END >");
  const std::string text = text_of(sectioned<1>{&closed, broken.texts});
  CHECK(parse_sections(closed, text, matching::exact).fields() == broken.texts);
}
