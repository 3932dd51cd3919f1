// SPDX-License-Identifier: MIT
// Templates of the program and of files: single pass, names checked, segments as they should be.
#include <lagom/prompt/spans.hpp>
#include <lagom/prompt/template_text.hpp>
#include <lagom/prompt/text_template.hpp>

#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "support/catch.hpp"

using namespace lagom::prompt;

namespace {

constexpr auto ask = template_text<"{premise} Question: {hypothesis} {premise}{{x}}">;
constexpr auto filled =
    ask(value<"hypothesis">("Braces {premise} stay."), value<"premise">("It says {hypothesis}.", "en", true));
static_assert(prompt_pieces<std::remove_const_t<decltype(filled)>>);
static_assert(size_of(filled).bytes == 79);
static_assert(template_text<"">.view().parts.empty());

// The value of a name in the random test; it looks like a template itself.
std::string value_of(const std::string& name) { return "}}{" + name + "{{"; }

// What the rules say, letter by letter: replace while reading from left to right.
bool reference(const std::string& text, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string two = text.substr(i, 2);
    if (two == "{{" || two == "}}") {
      out += two[0];
      ++i;
    } else if (text[i] == '{') {
      const std::size_t end = text.find('}', i);
      if (end == std::string::npos || end == i + 1) return false;
      const std::string name = text.substr(i + 1, end - i - 1);
      for (const char c : name) {
        if (c < 'a' || c > 'z') return false;
      }
      out += value_of(name);
      i = end;
    } else if (text[i] == '}') {
      return false;
    } else {
      out += text[i];
    }
  }
  return true;
}

}  // namespace

TEST_CASE("a filled template is a prompt; values are not read again", "[prompt][template]") {
  CHECK(text_of(filled) == "It says {hypothesis}. Question: Braces {premise} stay. It says {hypothesis}.{x}");
  std::vector<segment> all;
  for_each_segment(filled, [&](const segment& s) { all.push_back(s); });
  REQUIRE(all.size() == 7);
  CHECK(all[0] == segment{"It says {hypothesis}.", role::none, "premise", "en", true, origin::content});
  CHECK(all[1] == segment{" Question: ", role::none, "", "", false, origin::literal});
  CHECK(all[2].section == "hypothesis");
  CHECK(all[4].section == "premise");
  CHECK(all[5].text == "{");
  CHECK(all[6].text == "x}");

  auto german = ask(value<"premise">(""), value<"hypothesis">("b", "el"));
  german.language = "de";
  german.role = role::user;
  german.trained = true;
  all.clear();
  for_each_segment(german, [&](const segment& s) { all.push_back(s); });
  REQUIRE(all.size() == 5);  // empty values give no segment
  CHECK(all[0] == segment{" Question: ", role::user, "", "de", true, origin::literal});
  CHECK(all[1] == segment{"b", role::user, "hypothesis", "el", false, origin::content});
}

TEST_CASE("templates of files say what is wrong with them", "[prompt][template]") {
  const auto bad = [](const char* text) {
    const auto t = text_template::parse(text);
    REQUIRE_FALSE(t);
    CHECK(t.error().code == lagom::errc::bad_value);
    return t.error().byte;
  };
  CHECK(bad("ab{") == 2);
  CHECK(bad("ab}") == 2);
  CHECK(bad("{a b}") == 0);
  CHECK(bad("{}") == 0);
  CHECK(bad("{1a}") == 0);
  CHECK(bad("{{{") == 2);
  CHECK(bad("{a}}") == 3);
  CHECK(bad("{a{b}}") == 0);
  CHECK(bad("{ä}") == 0);

  const auto t = text_template::parse("{a1}-{_b}-{a1}");
  REQUIRE(t);
  const auto code = [&t](std::vector<named_text> values) {
    const auto f = t->fill(values);
    REQUIRE_FALSE(f);
    return std::pair(f.error().code, std::string(f.error().key.view()));
  };
  CHECK(code({{"a1", "x"}}) == std::pair(lagom::errc::missing_key, std::string("_b")));
  CHECK(code({{"a1", "x"}, {"_b", "y"}, {"c", "z"}}) ==
        std::pair(lagom::errc::unknown_key, std::string("c")));
  CHECK(code({{"a1", "x"}, {"a1", "y"}}) == std::pair(lagom::errc::duplicate_key, std::string("a1")));
  const std::vector<named_text> values{{"_b", "{a1}"}, {"a1", "x"}};
  const auto f = t->fill(values);
  REQUIRE(f);
  CHECK(text_of(*f) == "x-{a1}-x");
  CHECK(text_of(*text_template::parse("")->fill({})).empty());
}

TEST_CASE("random templates agree with replacing from left to right", "[prompt][template]") {
  std::mt19937 draw(5);
  const char* const pieces[] = {"{a}", "{{", "text", "}}", "{bb}", "é", "{", "}"};
  std::size_t good = 0, refused = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string text;
    for (auto n = draw() % 8; n > 0; --n) text += pieces[draw() % 16 == 0 ? draw() % 8 : draw() % 6];
    std::string want;
    const bool ok = reference(text, want);
    const auto t = text_template::parse(text);
    CAPTURE(text);
    REQUIRE(bool(t) == ok);
    if (!ok) {
      ++refused;
      continue;
    }
    ++good;
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < t->view().slots.size(); ++i)
      texts.push_back(value_of(std::string(t->view().name(i))));
    std::vector<named_text> values;
    for (std::size_t i = texts.size(); i-- > 0;) values.push_back({t->view().name(i), texts[i]});
    const auto f = t->fill(values);
    REQUIRE(f);
    CHECK(text_of(*f) == want);
  }
  CHECK(good > 2000);
  CHECK(refused > 100);
}
