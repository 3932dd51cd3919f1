// SPDX-License-Identifier: MIT
// Loops are found where they begin to be one, in any section and however the text is cut.
#include <lagom/prompt/parse_sections.hpp>
#include <lagom/prompt/plug.hpp>
#include <lagom/prompt/watched_reader.hpp>

#include <string>

#include "support.hpp"
#include "support/catch.hpp"

using namespace lagom::prompt;
using lagom_test::draws;

namespace {

constexpr grammar<3> zh = plug_grammar("en", "zh");
constexpr runaway_rule short_rule{.max_period = 8, .min_repeats = 16, .min_length = 0, .fold_digits = false};

struct heard {
  std::string events;
  verdict last{};
  std::uint64_t at = 0;
  std::size_t fed = 0;
  sections_found<3> found{};
  friend bool operator==(const heard&, const heard&) = default;
};
template <class Reader, class Cut>
heard stream(Reader parser, std::string_view text, Cut cut) {
  heard out;
  watched_reader reader{std::move(parser), short_rule};
  const auto sink = [&](const section_event& e) {
    if (e.what == section_event::kind::open) out.events += "<" + std::to_string(e.section) + ">";
    if (e.what == section_event::kind::chunk) out.events += e.text;
    if (e.what == section_event::kind::close) out.events += "|";
  };
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = (std::min)(text.size() - i, cut());
    const verdict now = reader.feed(text.substr(i, n), sink);
    CHECK(now == reader.verdict_now());
    i += n;
  }
  out.last = reader.finish(sink);
  out.at = reader.loop().at();
  out.fed = reader.fed();
  out.found = reader.found();
  return out;
}

}  // namespace

TEST_CASE("a loop is told at the byte where the rule holds", "[prompt][looping]") {
  std::string text = "a";
  for (int i = 0; i < 40; ++i) text += "000,";
  for (std::size_t n = 1; n <= text.size(); ++n) {
    const heard r = stream(exact_reader(zh), text, [n] { return n; });
    CHECK(r.last == verdict::looping);
    CHECK(r.at == 65);
    CHECK(r.fed == 65);
    CHECK(r.events == text.substr(0, 65));
  }
  watched_reader reader{exact_reader(zh), short_rule};
  const auto ignore = [](const section_event&) {};
  CHECK(reader.feed(text.substr(0, 64), ignore) == verdict::need_more);
  CHECK(reader.feed(text.substr(64, 1), ignore) == verdict::looping);
  CHECK(reader.feed("\n\n中文回复：\n你好。", ignore) == verdict::looping);  // too late
  CHECK(reader.found().sections[2].count == 0);
}

TEST_CASE("an answer that loops before its target section has none", "[prompt][looping]") {
  std::string text = "English instruction:\nCount.\n\nEnglish response:\n";
  for (int i = 0; i < 40; ++i) text += "12, ";
  text += "\n\n中文回复：\n你好。";
  const heard r = stream(tolerant_reader(zh), text, [] { return std::size_t{7}; });
  CHECK(r.last == verdict::looping);
  CHECK(judge(zh, r.found).code == parse_code::missing_target);
  const std::string clean = "English instruction:\nSay hi.\n\nEnglish response:\nHi.\n\n中文回复：\n你好。";
  const heard fine = stream(exact_reader(zh), clean, [] { return std::size_t{5}; });
  CHECK(fine.last == verdict::done);
  CHECK(judge(zh, fine.found).code == parse_code::ok);
}

TEST_CASE("what is read does not depend on the cuts", "[prompt][looping]") {
  const std::string pieces[] = {
      "English instruction:\n", "\n\nEnglish response:\n", "\n\n中文回复：\n", "你好。", "ab", "1, "};
  int looped = 0, fine = 0;
  for (std::uint64_t round = 0; round < 500; ++round) {
    draws d{round};
    std::string text;
    for (std::size_t k = 2 + d.below(6); k > 0; --k) {
      const std::string& piece = pieces[d.below(6)];
      for (std::size_t n = d.one_in(4) ? 20 : 1; n > 0; --n) text += piece;
    }
    const heard whole = stream(tolerant_reader(zh), text, [&] { return text.size(); });
    const heard bytes = stream(tolerant_reader(zh), text, [] { return std::size_t{1}; });
    const heard cuts = stream(tolerant_reader(zh), text, [&] { return 1 + d.below(9); });
    CHECK(whole == bytes);
    CHECK(whole == cuts);
    (whole.last == verdict::looping ? looped : fine) += 1;
    runaway alone(short_rule);
    CHECK(alone.push(text) == (whole.last == verdict::looping));
  }
  CHECK((looped > 50 && fine > 50));
}
