// SPDX-License-Identifier: MIT
#include <lagom/io/hf/pattern.hpp>
#include <lagom/text/script.hpp>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace {

using namespace lagom;

// For every code point, whether PCRE2 says that it has a property; nothing when PCRE2 knows no such property.
std::vector<bool> with_property(const std::string& property) {
  const std::string pattern = "\\p{" + property + "}+";
  int error = 0;
  PCRE2_SIZE at = 0;
  pcre2_code_8* const code = pcre2_compile_8(reinterpret_cast<PCRE2_SPTR8>(pattern.data()), pattern.size(),
                                             PCRE2_UTF | PCRE2_NO_UTF_CHECK, &error, &at, nullptr);
  if (code == nullptr) return {};
  pcre2_jit_compile_8(code, PCRE2_JIT_COMPLETE);
  static const auto all = [] {
    std::pair<std::string, std::vector<char32_t>> out;
    for (char32_t c = 0; c < 0x110000; ++c) {
      if (c >= 0xD800 && c < 0xE000) continue;
      out.second.resize(out.first.size(), 0);
      append_utf8(out.first, c);
      out.second.push_back(c);
    }
    return out;
  }();
  std::vector<bool> has(0x110000);
  pcre2_match_data_8* const match = pcre2_match_data_create_8(1, nullptr);
  const std::string& text = all.first;
  for (std::size_t from = 0; pcre2_match_8(code, reinterpret_cast<PCRE2_SPTR8>(text.data()), text.size(),
                                           from, PCRE2_NO_UTF_CHECK, match, nullptr) > 0;) {
    const PCRE2_SIZE* const ends = pcre2_get_ovector_pointer_8(match);
    for (std::size_t i = ends[0]; i < ends[1]; i += decode_utf8(text, i).length) has[all.second[i]] = true;
    from = ends[1];
  }
  pcre2_match_data_free_8(match);
  pcre2_code_free_8(code);
  return has;
}

}  // namespace

TEST_CASE("scripts are those of PCRE2, where it knows a character", "[text][script]") {
  const std::vector<bool> unassigned = with_property("Cn");
  REQUIRE_FALSE(unassigned.empty());
  std::size_t known = 0, compared = 0;
  std::map<std::string, std::size_t> wrong;
  for (std::size_t i = 1; i < std::size(detail::script_labels); ++i) {
    const auto s = static_cast<script>(i);
    const std::vector<bool> has = with_property("sc:" + std::string(name_of(s)));
    if (has.empty()) continue;
    ++known;
    for (char32_t c = 0; c < 0x110000; ++c) {
      if (unassigned[c]) continue;
      if (has[c]) ++compared;
      if (has[c] != (script_of(c) == s)) {
        ++wrong[std::string(name_of(s))];
        UNSCOPED_INFO(name_of(s) << " U+" << std::hex << static_cast<unsigned>(c) << " here "
                                 << name_of(script_of(c)));
      }
    }
  }
  CHECK(known > 150);
  CHECK(compared > 140'000);
  CHECK(wrong.empty());
}

TEST_CASE("scripts go by name and by code", "[text][script]") {
  CHECK(script_of('a') == script::latin);
  CHECK(script_of(0x3B1) == script::greek);
  CHECK(script_of(0x928) == script::devanagari);
  CHECK(script_of(' ') == script::common);
  CHECK(script_of(0x301) == script::inherited);
  CHECK(script_of(0xD800) == script::unknown);
  CHECK(script_of(0x10FFFF) == script::unknown);
  CHECK(script_of(0x110000) == script::unknown);
  CHECK(script_of(0xFFFFFFFF) == script::unknown);
  CHECK(find_script("old hungarian") == script::old_hungarian);
  CHECK(find_script("Old_Hungarian") == script::old_hungarian);
  CHECK(find_script("hung") == script::old_hungarian);
  CHECK_FALSE(find_script("Hungarian"));
  CHECK_FALSE(find_script(""));
  for (std::size_t i = 0; i < std::size(detail::script_labels); ++i) {
    const auto s = static_cast<script>(i);
    CHECK(find_script(name_of(s)) == s);
    CHECK(find_script(code_of(s)) == s);
    CHECK(script_set{s}.contains(s));
  }
}

TEST_CASE("an unfinished sequence stands for what it may become", "[text][script]") {
  std::map<std::string, std::set<char32_t>> expected;  // by every proper begin of every character
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text;
    append_utf8(text, c);
    for (std::size_t n = 1; n < text.size(); ++n) {
      auto& some = expected[text.substr(0, n)];
      if (some.empty()) some.insert(c);
      if (some.size() > 1) some.erase(std::prev(some.end()));
      some.insert(c);
    }
  }
  for (const auto& [text, range] : expected) {
    REQUIRE(characters_from(text) == code_points{*range.begin(), *range.rbegin()});
  }
  for (unsigned a = 0; a < 256; ++a) {
    for (unsigned b = 0; b < 256; ++b) {
      const std::string text{static_cast<char>(static_cast<unsigned char>(a)),
                             static_cast<char>(static_cast<unsigned char>(b))};
      REQUIRE(characters_from(text).empty() == (expected.count(text) == 0));
      REQUIRE(characters_from(text.substr(0, 1)).empty() == (expected.count(text.substr(0, 1)) == 0));
    }
  }
  CHECK(characters_from("").empty());
  for (const code_points range :
       {code_points{0, 0x7F}, code_points{0x900, 0x97F}, code_points{0x600, 0x10FF}}) {
    script_set all;
    for (char32_t c = range.first; c <= range.last; ++c) {
      if (script_of(c) != script::unknown) all.add(script_of(c));
    }
    CHECK(scripts_of(range) == all);
  }
  CHECK(scripts_of({0xE000, 0xE100}) == script_set{script::unknown});
  CHECK(scripts_of({}).empty());
}

TEST_CASE("the majority decides on the script of a text", "[text][script]") {
  CHECK(majority_script("") == script::unknown);
  CHECK(majority_script(" na ") == script::latin);
  CHECK(majority_script("  12") == script::common);
  CHECK(majority_script("\xCC\x81\xCC\x81") == script::inherited);
  CHECK(majority_script("\xCC\x81\xCC\x81 ") == script::common);
  CHECK(majority_script("a\xCE\xB1") == script::latin);  // a tie: the first one
  CHECK(majority_script("\xCE\xB1"
                        "a") == script::greek);
  CHECK(majority_script("\xCE\xB1"
                        "ab") == script::latin);
  CHECK(majority_script("\xE0\xA6") == script::bengali);  // all that E0 A6 may begin is Bengali
  CHECK(majority_script("\xE0\xA6\x95\xE0") == script::bengali);
  CHECK(majority_script("\xE0") == script::unknown);
  CHECK(majority_script("\xA6\x95") == script::unknown);
  CHECK(majority_script("\xEE\x80\x80") == script::unknown);  // private use
}
